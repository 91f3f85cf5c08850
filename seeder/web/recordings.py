"""Recordings over HTTP.

GET     /api/recordings                  all, the newest first
GET     /api/recordings/NAME             one
PATCH   /api/recordings/NAME             its title, and whether retention leaves it alone; for the admin
DELETE  /api/recordings/NAME             nothing of it stays; for the admin
GET     /api/streams/NAME/recording      whether a stream is recorded, and to what
PUT     /api/streams/NAME/recording      {"on": true}: from now on, and after a restart; for the admin
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from quart import Blueprint, Response

from seeder.hls.names import MASTER
from seeder.model import rendezvous_hash
from seeder.recording.about import Recording, State
from seeder.recording.archive import LONGEST_TITLE, BusyError
from seeder.recording.recorder import Recorder
from seeder.values import stream_name
from seeder.web import api
from seeder.web.described import COUNT, FLAG, NUMBER, SECONDS, TEXT, Named, array, described, maybe, shape
from seeder.web.operator import ApiError, Operator, asked, reply, tell_errors

RECORDING = Named(
    "Recording",
    shape(
        {
            "name": {"type": "string", "description": "of its stream, too"},
            "of": {"type": "string", "description": "the stream that was recorded; empty: it was uploaded"},
            "title": TEXT,
            "state": {"enum": [state.value for state in State]},
            "started": SECONDS,
            "ended": maybe("number", description="Unix seconds; null: it goes on"),
            "duration": {**NUMBER, "description": "seconds of media"},
            "bytes": COUNT,
            "segments": COUNT,
            "lost": {**NUMBER, "description": "seconds that could not be kept"},
            "kept": {"type": "boolean", "description": "retention leaves it alone"},
            "playlist": {"type": "string", "description": "relative to the server"},
            "poster": maybe("string"),
            "viewers": COUNT,
            "live": {"type": "boolean", "description": "it is being recorded"},
            "stored": maybe("string", description="URL of the copy in the operator's storage"),
        }
    ),
)
SWITCH = Named(
    "Switch",
    shape({"on": FLAG, "recording": maybe("string", description="the one that is being made")}),
)
NONE = {404: "No such recording."}


def blueprint(
    recorder: Recorder,
    operator: Operator,
    viewers: Callable[[bytes], int],
    stored: Callable[[str], str] = lambda name: "",
) -> Blueprint:
    """``viewers``: of a rendezvous; ``stored``: a recording's URL in the operator's storage, or nothing."""
    routes = Blueprint("recordings", __name__)
    tell_errors(routes)
    archive = recorder.archive

    def shown(recording: Recording) -> dict[str, Any]:
        watching = viewers(rendezvous_hash(recording.name))
        poster = archive.has_poster(recording.name)
        return describe(recording, viewers=watching, poster=poster, stored=stored(recording.name))

    def found(name: str) -> Recording:
        recording = archive.get(name)
        if recording is None:
            raise ApiError(404, "no such recording")
        return recording

    @routes.get("/api/recordings")
    @described(
        "All recordings",
        tag="recordings",
        answers={200: ("the newest first", shape({"recordings": array(RECORDING)}))},
    )
    async def all_recordings() -> Response:
        await archive.refresh()
        return api.reply({"recordings": [shown(each) for each in archive.recordings()]})

    @routes.get("/api/recordings/<name>")
    @described("One recording", tag="recordings", answers={200: ("as it is now", RECORDING)}, errors=NONE)
    async def one(name: str) -> Response:
        await archive.refresh()
        return api.reply(shown(found(name)))

    @routes.patch("/api/recordings/<name>")
    @described(
        "Title a recording, or keep it for good",
        tag="recordings",
        admin=True,
        body=shape(
            {},
            {"title": {"type": "string", "maxLength": LONGEST_TITLE}, "kept": FLAG},
            more=False,
        ),
        needed=False,
        answers={200: ("as it is then", RECORDING)},
        errors={400: "Not a title.", **NONE, 415: "Not JSON.", 503: "The disk did not take it."},
    )
    async def change(name: str) -> Response:
        operator.check()
        said = await asked({"title": str, "kept": bool})
        title = said.get("title")
        if title is not None and (len(title) > LONGEST_TITLE or not (title.isprintable() or not title)):
            raise ApiError(400, f"title must be a line of at most {LONGEST_TITLE} characters")
        await archive.refresh(now=True)
        found(name)
        try:
            return reply(shown(await archive.describe(name, title=title, kept=said.get("kept"))))
        except KeyError:
            raise ApiError(404, "no such recording") from None
        except OSError as error:
            raise ApiError(503, f"it cannot be written down: {error.strerror or error}") from None

    @routes.delete("/api/recordings/<name>")
    @described(
        "Delete a recording",
        tag="recordings",
        admin=True,
        answers={200: ("nothing of it is left", shape({"deleted": TEXT}))},
        errors={**NONE, 409: "It is being recorded.", 503: "It cannot be deleted."},
    )
    async def delete(name: str) -> Response:
        operator.check()
        await archive.refresh(now=True)
        found(name)
        try:
            await archive.delete(name)
        except KeyError:
            raise ApiError(404, "no such recording") from None
        except BusyError:
            raise ApiError(409, "it is being recorded: switch that off first") from None
        except OSError as error:
            raise ApiError(503, f"it cannot be deleted: {error.strerror or error}") from None
        return reply({"deleted": name})

    @routes.get("/api/streams/<name>/recording")
    @described(
        "Whether a stream is recorded", tag="recordings", answers={200: ("on or off, and to what", SWITCH)}
    )
    async def whether(name: str) -> Response:
        return api.reply(_switch(name))

    @routes.put("/api/streams/<name>/recording")
    @described(
        "Record a stream, or do not; also after a restart",
        tag="recordings",
        admin=True,
        body=shape({"on": FLAG}, more=False),
        answers={200: ("as it is then", SWITCH)},
        errors={
            400: "Not a switch.",
            404: "No stream can be called that.",
            409: "It is a recording; or too many streams were switched.",
            415: "Not JSON.",
            503: "It cannot be remembered.",
        },
    )
    async def switch(name: str) -> Response:
        operator.check()
        said = await asked({"on": bool})
        if "on" not in said:
            raise ApiError(400, "on is needed")
        await archive.refresh(now=True)
        if archive.get(name) is not None:
            raise ApiError(409, "this is a recording: those are not recorded")
        try:
            if not recorder.has(name):
                stream_name(name)
        except ValueError as error:
            raise ApiError(404, str(error)) from None
        try:
            await recorder.switch(name, said["on"])
        except ValueError as error:
            raise ApiError(409, str(error)) from None
        except OSError as error:
            raise ApiError(503, f"it cannot be remembered: {error.strerror or error}") from None
        return reply(_switch(name))

    def _switch(name: str) -> dict[str, Any]:
        return {"on": recorder.switches.on(name), "recording": recorder.of(name)}

    return routes


def describe(recording: Recording, *, viewers: int, poster: bool, stored: str = "") -> dict[str, Any]:
    """As everybody may see it; paths are relative to the server."""
    name = quote(recording.name, safe="")
    return {
        "name": recording.name,
        "of": recording.of,
        "title": recording.title,
        "state": recording.state.value,
        "started": recording.started,
        "ended": recording.ended,
        "duration": round(recording.duration, 3),
        "bytes": recording.bytes,
        "segments": recording.segments,
        "lost": round(recording.lost, 3),
        "kept": recording.kept,
        "playlist": f"/live/{name}/master.m3u8",
        "poster": f"/api/streams/{name}/poster" if poster else None,
        "viewers": viewers,
        "live": recording.state is State.RECORDING,
        "stored": f"{stored}/{MASTER}" if stored else None,
    }
