"""Files made of recordings, over HTTP: asked for, listed, deleted; :mod:`seeder.web.downloads` sends them.

    POST    /api/recordings/NAME/exports         {"format": "mp4"}; a part: {"from": 75, "to": 90}
    GET     /api/recordings/NAME/exports         those that are there
    DELETE  /api/recordings/NAME/exports/FILE    for the admin

Where ``downloads`` is ``public``, whoever asks gets all of a recording in each format: made once, by one task
for all who ask, and kept. Parts and other variants are the admin's, for there is no end of them.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from quart import Blueprint, Response, request

from seeder.recording import exports
from seeder.recording.export_formats import FORMATS, ExportError
from seeder.recording.export_source import Source, Wanted
from seeder.recording.exports import KIND, request_of, result_of, wanted_of
from seeder.tasks import FullError, State, Task, Tasks
from seeder.tracker.gate import client_key
from seeder.web import api
from seeder.web.described import SECONDS, TEXT, Named, array, described, shape
from seeder.web.operator import ApiError, Operator, asked, foreign, reply, tell_errors
from seeder.web.tasks import TASK
from seeder.web.tasks import describe as describe_task
from seeder.web.throttle import Failures

MOST_OF_VISITORS = 16
"""Exports that wait or are made, beyond which visitors have to wait: the admin's are not to stand behind a
whole archive of theirs."""
AGAIN = 600.0
"""Seconds for which a visitor is told of the last failure (or the admin's cancelling), in place of another
try: what cannot be exported is not to keep ffmpeg busy."""

EXPORT = Named(
    "Export",
    shape(
        {
            "recording": TEXT,
            "file": TEXT,
            "url": {"type": "string", "description": "where it is downloaded, relative to the server"},
            "format": {"enum": list(FORMATS)},
            "from": {**SECONDS, "description": "where it really begins, in seconds of the recording"},
            "to": SECONDS,
            "duration": SECONDS,
            "bytes": {"type": "integer"},
            "note": {"type": "string", "description": "what is not as it was asked for; empty: nothing"},
        }
    ),
)
_PLACE = {"type": "number", "minimum": 0, "description": "seconds from the recording's start"}
_BODY = shape(
    {},
    {
        "format": {"enum": list(FORMATS), "description": "mp4 by default"},
        "from": _PLACE,
        "to": _PLACE,
        "variant": {"type": "string", "description": "a variant's folder, as v1; the best by default"},
    },
    more=False,
)


def blueprint(
    feed: Path,
    tasks: Tasks,
    operator: Operator,
    *,
    public: bool,
    clock: Callable[[], float] = time.time,
) -> Blueprint:
    """``public``: everybody may download recordings; else the admin alone, and whom a task's id was given."""
    routes = Blueprint("exports", __name__)
    tell_errors(routes)
    # A long recording's playlist takes a second of a core: whoever asks for it over and over has no more.
    reading = asyncio.Lock()
    begun = Failures()  # of each address: what it had made anew, and not what it may have again

    def admins() -> bool:
        """Whether the admin asks; ApiError for who shows a wrong token, or may not ask at all."""
        if "Authorization" in request.headers or not public:
            operator.check()
            return True
        return False

    @routes.post("/api/recordings/<name>/exports")
    @described(
        "Make a file of a recording, or find it",
        tag="recordings",
        body=_BODY,
        needed=False,
        answers={
            200: ("the task that has made it, or could not a moment ago", TASK),
            202: ("the task that makes it; its result is an Export", TASK),
        },
        returned={
            200: {"Location": "where to ask for the task"},
            202: {"Location": "where to ask how far it is"},
        },
        errors={
            400: "Not understood.",
            401: "A part, a variant, or any export, for the admin alone.",
            403: "Sent by a page of another site.",
            404: "No such recording, or variant.",
            409: "It is still being recorded, or does not go into that format.",
            415: "Not JSON.",
            429: "Too many asked for by this address, or wrong tokens.",
            503: "Too many are being made.",
        },
        detail="Without the admin's token: all of it, where the setting downloads allows that.",
    )
    async def make(name: str) -> Response:
        said = await asked({"format": str, "from": float, "to": float, "variant": str})
        wanted = wanted_of({"format": "mp4", **said})
        admin = admins()
        if not admin and (not wanted.whole or wanted.variant):
            operator.check()
        elif not admin and foreign(_headers()):
            raise ApiError(403, "not from another site")
        await tasks.ready()
        task = tasks.find(KIND, name, request_of(wanted))
        if task is None or task.state.over:
            async with reading:
                source = await _prepared(feed, name, wanted)
            task = await same(name, source, admin)
        if task is None:
            if not admin:
                queue()
            try:
                task = await tasks.start(KIND, name, request_of(wanted))
            except FullError as error:
                raise ApiError(503, str(error), Retry_After="60") from None
        kept = {"Location": f"/api/tasks/{task.id}"}
        return reply(describe_task(task), 200 if task.state.over else 202, kept)

    async def same(name: str, source: Source, admin: bool) -> Task | None:
        """The task that somebody who asked the same was given, where that is still good."""
        there = await asyncio.to_thread(exports.found, source, name)
        # From here to the start of another one nothing is waited for: two who ask at once get one task.
        task = tasks.find(KIND, name, request_of(source.wanted))
        if task is None or not task.state.over:
            return task
        if task.state is State.DONE:
            return task if there is not None else None
        recently = clock() - (task.ended or 0.0) < AGAIN
        return task if recently and not admin else None

    def queue() -> None:
        """May a visitor have another one made? ApiError."""
        client, now = client_key(operator.client(_headers(), request.remote_addr or "")), clock()
        if wait := begun.wait(client, now):
            raise ApiError(429, "you have asked for many: wait a moment", Retry_After=str(int(wait) + 1))
        if tasks.unfinished(KIND) >= MOST_OF_VISITORS:
            raise ApiError(503, "many are being made: try again later", Retry_After="60")
        begun.failed(client, now)

    @routes.get("/api/recordings/<name>/exports")
    @described(
        "Files that were made of a recording",
        tag="recordings",
        answers={200: ("by name", shape({"exports": array(EXPORT)}))},
        errors={401: "For the admin alone.", 403: "…", 404: "No such recording.", 429: "Wrong tokens."},
    )
    async def listed(name: str) -> Response:
        admins()
        try:
            await asyncio.to_thread(exports.recording_of, feed, name)
        except ExportError as error:
            raise ApiError(error.status, str(error)) from None
        found = await asyncio.to_thread(exports.all_in, feed / name)
        body: dict[str, Any] = {"exports": [result_of(name, kept) for kept in found]}
        return api.reply(body) if public else reply(body)

    @routes.delete("/api/recordings/<name>/exports/<file>")
    @described(
        "Delete a file that was made of a recording",
        tag="recordings",
        admin=True,
        answers={200: ("", shape({"deleted": TEXT}))},
        errors={404: "No such file.", 503: "It cannot be deleted."},
    )
    async def delete(name: str, file: str) -> Response:
        operator.check()
        try:
            await asyncio.to_thread(exports.recording_of, feed, name)
            gone = await asyncio.to_thread(exports.remove, feed / name, file)
        except ExportError as error:
            raise ApiError(error.status, str(error)) from None
        except OSError as error:
            raise ApiError(503, f"it cannot be deleted: {error.strerror or error}") from None
        if not gone:
            raise ApiError(404, "no such export")
        return reply({"deleted": file})

    return routes


def _headers() -> dict[str, str]:
    """Of the request under way, by lower-case name."""
    return {name.lower(): value for name, value in request.headers}


async def _prepared(feed: Path, name: str, wanted: Wanted) -> Source:
    try:
        _, source = await asyncio.to_thread(exports.prepared, feed, name, wanted)
    except ExportError as error:
        raise ApiError(error.status, str(error)) from None
    return source
