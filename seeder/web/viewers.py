"""``GET /api/viewers``: how many watch each stream. Numbers alone: nothing tells one viewer from another."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from quart import Blueprint, Response

from seeder.stats.snapshot import Snapshot
from seeder.web.api import reply
from seeder.web.described import COUNT, STREAM_NAME, Named, array, described, shape

_BOTH = {
    "viewers": {**COUNT, "description": "peers in the swarm; 0 with a tracker of others'"},
    "listeners": {**COUNT, "description": "players that have it as MPEG-TS over HTTP"},
}
VIEWERS = Named(
    "Viewers",
    shape({**_BOTH, "streams": array(shape({"name": STREAM_NAME, "live": {"type": "boolean"}, **_BOTH}))}),
)


def blueprint(snapshot: Callable[[], Snapshot]) -> Blueprint:
    routes = Blueprint("viewers", __name__)

    @routes.get("/api/viewers")
    @described(
        "How many watch",
        tag="streams",
        answers={200: ("in all, and of each stream", VIEWERS)},
        detail="Who plays over HTTP alone (sharing refused, or other players) is not counted: nobody tells.",
    )
    async def viewers() -> Response:
        return reply(counted(snapshot()))

    return routes


def counted(now: Snapshot) -> dict[str, Any]:
    """Pure."""
    rows = [
        {"name": name, "live": each.live, "viewers": each.viewers, "listeners": now.listeners.get(name, 0)}
        for name, each in sorted(now.streams.items())
    ]
    return {
        "viewers": sum(each.viewers for each in now.streams.values()),
        "listeners": sum(now.listeners.get(name, 0) for name in now.streams),
        "streams": rows,
    }
