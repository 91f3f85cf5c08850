"""``GET /api/streams/NAME/poster``: a picture of the stream, JPEG; 404 when there is none."""

from __future__ import annotations

from quart import Blueprint, Response, request

from seeder.posters.posters import RENEW, BusyError, Posters
from seeder.web import security
from seeder.web.api import reply
from seeder.web.conditional import not_modified
from seeder.web.described import Bytes, described

ENDED = 300
"""Seconds that a browser need not ask again for the poster of what has ended: somebody may replace it."""
NONE = 30
"""… and when there is none: there may be a picture soon."""
BUSY = 5
"""Seconds until it is worth asking again."""


def blueprint(posters: Posters) -> Blueprint:
    routes = Blueprint("posters", __name__)

    @routes.get("/api/streams/<name>/poster")
    @described(
        "A picture of a stream",
        tag="streams",
        answers={
            200: ("of the newest segment, or a recording's own", Bytes("image/jpeg")),
            304: ("as before", None),
        },
        errors={404: "No such stream, or no picture of it.", 503: "Others' are being made."},
        headers={"If-None-Match": ("the ETag of the one that is held", {"type": "string"})},
        returned={503: {"Retry-After": "seconds"}} | {200: {"ETag": "of these bytes"}},
    )
    async def poster(name: str) -> Response:
        try:
            found = await posters.get(name)
        except BusyError as error:
            response = reply({"error": str(error)}, 503)
            response.headers["Retry-After"] = str(BUSY)
            return response
        if found is None:
            response = reply({"error": "no such stream, or no picture of it"}, 404)
            response.headers["Cache-Control"] = f"public, max-age={NONE}"
            return response
        seconds = int(RENEW) if found.live else ENDED
        headers = dict((*security.API, ("ETag", found.etag), ("Cache-Control", f"public, max-age={seconds}")))
        if not_modified(request.headers.get("If-None-Match"), found.etag):
            return Response(b"", 304, headers)
        return Response(found.data, 200, headers, content_type="image/jpeg")

    return routes
