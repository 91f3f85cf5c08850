"""``GET /api/site``: what a page may offer its visitor here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from quart import Blueprint, Response

from seeder.web.api import reply
from seeder.web.described import TEXT, array, described, shape


def blueprint(
    publish: Callable[[], Iterable[str]], there: Callable[[], Mapping[str, bool]] = dict
) -> Blueprint:
    """``publish``: the protocols that publishers may come by now, as ``--publish`` names them; what is of
    use to a page are ``browser`` (its WebSocket) and ``whip``. Both missing: there is no studio here.
    ``there``: parts of the API that a page may count on: ``events``, ``posters``, ``recordings``, and
    ``downloads`` where whoever watches may take recordings along."""
    site = Blueprint("site", __name__)

    @site.get("/api/site")
    @described(
        "What a page may offer its visitor",
        tag="server",
        answers={200: ("the protocols that publishers may come by", shape({"publish": array(TEXT)}))},
    )
    async def about() -> Response:
        return reply({"publish": sorted(publish()), **there()})

    return site
