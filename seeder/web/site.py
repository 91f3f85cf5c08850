"""``GET /api/site``: what a page may offer its visitor here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from quart import Blueprint, Response

from seeder.web.api import reply
from seeder.web.described import FLAG, TEXT, array, described, shape

PARTS = ("events", "posters", "recordings", "downloads")
"""Of the API, that a page may count on; ``downloads``: whoever watches may take recordings along."""


def blueprint(
    publish: Callable[[], Iterable[str]], there: Callable[[], Mapping[str, bool]] = dict
) -> Blueprint:
    """``publish``: the protocols that publishers may come by now, as ``--publish`` names them; what is of
    use to a page are ``browser`` (its WebSocket) and ``whip``. Both missing: there is no studio here.
    ``there``: which of :data:`PARTS` are."""
    site = Blueprint("site", __name__)

    @site.get("/api/site")
    @described(
        "What a page may offer its visitor",
        tag="server",
        answers={
            200: (
                "the protocols that publishers may come by, and what of the API is there",
                shape({"publish": array(TEXT)}, dict.fromkeys(PARTS, FLAG)),
            )
        },
    )
    async def about() -> Response:
        return reply({"publish": sorted(publish()), **there()})

    return site
