"""What programs ask: ``/api/streams``, ``/api/streams/<name>``, ``/healthz``. JSON, in camelCase like the
page's own statistics."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Any
from urllib.parse import quote

import orjson
from quart import Blueprint, Response

from seeder.model import StreamView
from seeder.stats.snapshot import IngestStats, Snapshot
from seeder.web import security
from seeder.web.catalog import Catalog
from seeder.web.described import (
    COUNT,
    FLAG,
    SECONDS,
    STREAM_NAME,
    TEXT,
    Named,
    array,
    described,
    maybe,
    shape,
)

DVR = 60
"""Seconds listed from which on seeking back is worth a bar: a live window is a few segments."""

_BANDWIDTH = re.compile(r"[:,](AVERAGE-)?BANDWIDTH=([0-9]{1,12})")

INGEST = Named(
    "Ingest",
    shape(
        {
            "state": {"type": "string", "description": "starting, live, retrying, ended, stopped or failed"},
            "speed": {"type": "number", "description": "media seconds a second; 0: not known yet"},
            "restarts": COUNT,
            "segments": COUNT,
            "dropped": {**COUNT, "description": "segments that the disk did not take"},
            "rungs": array(TEXT),
            "givenUp": array(TEXT),
        }
    ),
)
STREAM = Named(
    "Stream",
    shape(
        {
            "name": STREAM_NAME,
            "live": FLAG,
            "onAir": {**FLAG, "description": "something new has come lately"},
            "segments": {**COUNT, "description": "listed now, of all variants"},
        },
        {
            "playlist": {"type": "string", "description": "relative to the server, as all paths are"},
            "targetDuration": maybe("number"),
            "viewers": COUNT,
            "dvr": {**COUNT, "description": "seconds that viewers can seek back; 0: none to speak of"},
            "duration": maybe("number", description="seconds of what has ended; null while it is live"),
            "recording": maybe("string", description="the recording that is being made of it"),
            "bitrate": maybe("integer", description="bits a second of the best variant, as it says itself"),
            "publishing": shape({"protocol": TEXT, "since": SECONDS, "state": TEXT}),
            "ingest": INGEST,
        },
    ),
)
HEALTH = Named(
    "Health",
    shape(
        {
            "ok": FLAG,
            "rooms": {"type": "object", "additionalProperties": shape({"ok": FLAG, "detail": TEXT})},
        }
    ),
)


def blueprint(
    catalog: Catalog, viewers: Callable[[bytes], int], snapshot: Callable[[], Snapshot]
) -> Blueprint:
    api = Blueprint("api", __name__)

    @api.get("/api/streams")
    @described(
        "All streams",
        tag="streams",
        answers={200: ("those that are published, by name", shape({"streams": array(STREAM)}))},
    )
    async def streams() -> Response:
        views = sorted(catalog.streams(), key=lambda view: view.name)
        now = snapshot()
        return reply({"streams": [describe(view, viewers(view.rendezvous), now) for view in views]})

    @api.get("/api/streams/<name>")
    @described(
        "One stream",
        tag="streams",
        answers={200: ("as it is now; playlist and figures once it is published", STREAM)},
        errors={404: "No such stream."},
    )
    async def stream(name: str) -> Response:
        view, now = catalog.stream(name), snapshot()
        if view is not None:
            return reply(describe(view, viewers(view.rendezvous), now))
        if (ingest := now.ingests.get(name)) is not None:  # nothing of it is published yet
            return reply(
                {"name": name, "live": False, "onAir": False, "segments": 0, "ingest": public(ingest)}
            )
        return reply({"error": "no such stream"}, 404)

    @api.get("/healthz")
    @described(
        "How the server is",
        tag="server",
        answers={200: ("it serves", HEALTH), 503: ("it does not", HEALTH)},
    )
    async def health() -> Response:
        now = snapshot()
        return reply(healthy(now), 200 if now.healthy else 503)

    return api


def describe(view: StreamView, viewers: int, now: Snapshot) -> dict[str, Any]:
    """A stream as the API shows it; paths are relative to the server, for it may stand behind a prefix.
    ``dvr``: seconds that viewers of it can seek back; 0: none to speak of. ``duration``: seconds of what has
    ended. ``recording``: where it is kept.
    ``publishing`` is there while an encoder elsewhere sends it, ``ingest`` while it is made here."""
    more: dict[str, Any] = {}
    if (publisher := now.publishers.get(view.name)) is not None:
        more["publishing"] = asdict(publisher)
    if (ingest := now.ingests.get(view.name)) is not None:
        more["ingest"] = public(ingest)
    return {
        "name": view.name,
        "live": view.live,
        "onAir": view.on_air(time.time()),
        "dvr": round(view.seconds) if view.live and view.seconds >= DVR else 0,
        "duration": None if view.live else round(view.seconds, 3),
        "recording": now.recordings.running.get(view.name),
        "playlist": f"/live/{quote(view.name)}/master.m3u8",
        "segments": view.segments,
        "targetDuration": view.target_duration,
        "viewers": viewers,
        "bitrate": bitrate(view),
        **more,
    }


def public(ingest: IngestStats) -> dict[str, Any]:
    """What everybody may know of it: not its error, which names its input."""
    return {
        "state": ingest.state,
        "speed": round(ingest.speed, 3),
        "restarts": ingest.restarts,
        "segments": ingest.segments,
        "dropped": ingest.dropped,
        "rungs": list(ingest.rungs),
        "givenUp": list(ingest.shed),
    }


def bitrate(view: StreamView) -> int | None:
    """Bits per second of the best variant as its master playlist says; ``None`` when it does not."""
    best: dict[bool, int] = {}
    for playlist in view.playlists.values():
        if not playlist.multivariant:
            continue
        for line in playlist.text.splitlines():
            if line.startswith("#EXT-X-STREAM-INF:"):
                for average, value in _BANDWIDTH.findall(line):
                    best[bool(average)] = max(best.get(bool(average), 0), int(value))
    return best.get(True) or best.get(False) or None


def healthy(snapshot: Snapshot) -> dict[str, Any]:
    return {
        "ok": snapshot.healthy,
        "rooms": {
            room: {"ok": health.ok, "detail": health.detail} for room, health in snapshot.health.items()
        },
    }


def reply(body: object, status: int = 200) -> Response:
    headers = dict((*security.API, ("Cache-Control", "no-store")))
    return Response(orjson.dumps(body), status, headers, content_type="application/json")
