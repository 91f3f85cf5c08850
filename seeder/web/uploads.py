"""``/api/uploads``: files that become recordings, resumable by tus 1.0; for the admin.

    OPTIONS  /api/uploads       what can be done here
    POST     /api/uploads       announces a file (Upload-Length, Upload-Metadata: filename, name, title)
    GET      /api/uploads       all of them, JSON
    HEAD     /api/uploads/ID    how much has come
    PATCH    /api/uploads/ID    brings more; with the last byte an import begins (Task: its id)
    GET      /api/uploads/ID    the same in JSON
    DELETE   /api/uploads/ID    gives it up

Beside Quart, which would hold a body in memory: bytes go to the disk as they come, at the pace it takes them.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from typing import Any

import orjson

from seeder.errors import IngestError
from seeder.imports.task import Importing
from seeder.imports.uploads import GoneError, Upload, UploadError
from seeder.imports.workshop import check_name
from seeder.stats.counters import HttpCounters
from seeder.tasks import FullError
from seeder.web import tus
from seeder.web.answer import NEVER
from seeder.web.catalog import Message, Receive, Transmit
from seeder.web.described import COUNT, TEXT, Bytes, Named, array, maybe, operation, shape
from seeder.web.operator import ApiError, Operator
from seeder.web.security import ADMIN

PATH = "/api/uploads"
KIND = "api"
"""For the counters."""
SILENCE = 60.0
"""Seconds without a byte until the client is taken to have gone: it comes back and goes on."""
LINGER = 5.0
"""Seconds for which what is not wanted is taken from a client that goes on sending, so that it has the answer
before the connection ends."""
SEND_TIMEOUT = 60.0

UPLOAD = Named(
    "Upload",
    shape(
        {
            "id": TEXT,
            "offset": {**COUNT, "description": "bytes that have come"},
            "length": COUNT,
            "filename": TEXT,
            "name": {"type": "string", "description": "the recording's; empty: one like the file's"},
            "title": TEXT,
            "expires": {"type": "number", "description": "Unix seconds, unless more comes"},
            "task": maybe("string", description="the import, once all has come"),
        }
    ),
)
_SPOKEN = {"Tus-Resumable": ("the version of tus", {"const": tus.VERSION})}
_AT = {"Upload-Offset": "bytes that have come", "Upload-Length": "of how many"}
_NO = {404: "No such upload: it has ended, or was broken off for too long.", 503: "In a moment."}
_PIECE = Bytes(tus.MEDIA)
_REFUSED = {
    400: "Not understood.",
    409: "It does not go on there, or the name is taken.",
    412: "Another version of tus.",
    413: "Too long.",
    415: "Not the type that tus wants.",
    423: "Another request brings it just now.",
    460: "Its checksum is another one.",
    507: "The disk has no room.",
}


def _upload(summary: str, **rest: Any) -> Any:
    must = tuple(name for name in rest.get("headers", {}) if name != "Upload-Metadata")
    return operation(summary, tag="uploads", admin=True, must=must, **rest)


DESCRIBED = {
    PATH: {
        "get": _upload("All uploads", answers={200: ("those under way", shape({"uploads": array(UPLOAD)}))}),
        "post": _upload(
            "Announce a file",
            headers=_SPOKEN
            | {
                "Upload-Length": (
                    "of the file, in bytes",
                    {"type": "string", "pattern": "^[1-9][0-9]{0,12}$"},
                ),
                "Upload-Metadata": ("filename, name and title, as tus has it", TEXT),
            },
            body=_PIECE,
            needed=False,
            answers={201: ("where its bytes go", None)},
            returned={201: {"Location": "of the upload", **_AT}},
            errors={**_REFUSED, 503: "In a moment."},
        ),
    },
    PATH + "/{id}": {
        "get": _upload("One upload", answers={200: ("as it is now", UPLOAD)}, errors=_NO),
        "head": _upload(
            "How far it is",
            headers=_SPOKEN,
            answers={200: ("", None)},
            returned={200: _AT},
            errors={**_NO, 412: _REFUSED[412]},
        ),
        "patch": _upload(
            "More of a file",
            headers=_SPOKEN
            | {"Upload-Offset": ("where these bytes belong", {"type": "string", "pattern": "^[0-9]{1,12}$"})},
            body=_PIECE,
            answers={204: ("taken", None)},
            returned={204: {"Task": "with the last byte: the import's id", **_AT}},
            errors={**_REFUSED, **_NO},
        ),
        "delete": _upload(
            "Give an upload up",
            headers=_SPOKEN,
            answers={204: ("nothing of it stays", None)},
            errors={**_NO, 412: _REFUSED[412], 423: _REFUSED[423]},
        ),
    },
}
"""For the API's description: path → method."""


def for_uploads(path: str) -> bool:
    return path == PATH or path.startswith(f"{PATH}/")


class Uploading:
    def __init__(self, importing: Importing, operator: Operator, counters: HttpCounters) -> None:
        self._importing = importing
        self._uploads = importing.uploads
        self._operator = operator
        self._counters = counters

    async def __call__(self, scope: Message, receive: Receive, send: Transmit) -> None:
        body = _Body(receive)
        try:
            status, headers, answer = await self._answer(scope, body)
        except (UploadError, ApiError) as error:
            status, answer = error.status, {"error": str(error)}
            headers = dict(error.headers) if isinstance(error, ApiError) else {}
        except GoneError:
            _abort(scope)
            return
        with suppress(TimeoutError):
            await self._send(scope, status, headers, answer, send)
        if not await body.drop():
            _abort(scope)

    async def _answer(self, scope: Message, body: _Body) -> tuple[int, dict[str, str], Any]:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        method = str(headers.get("x-http-method-override", scope["method"])).upper()
        if method not in tus.METHODS:
            raise ApiError(405, "method not allowed", Allow=", ".join(tus.METHODS))
        if method == "OPTIONS":
            return 204, tus.promises(self._uploads.limit), None
        self._operator.judge(headers, (scope.get("client") or ("",))[0])
        id = scope["path"].removeprefix(PATH).removeprefix("/")
        if method not in (known := ("GET", "HEAD", "PATCH", "DELETE") if id else ("GET", "POST")):
            raise ApiError(405, "method not allowed", Allow=", ".join((*known, "OPTIONS")))
        if method != "GET" and headers.get("tus-resumable") != tus.VERSION:
            raise ApiError(412, f"Tus-Resumable: {tus.VERSION} is needed", Tus_Version=tus.VERSION)
        if not id:
            return await self._all(method, headers, body)
        upload = self._uploads.get(id)
        if method == "PATCH":
            return await self._bring(upload, headers, body)
        if method == "DELETE":
            await self._uploads.remove(upload.id)
            return 204, {}, None
        offset = self._uploads.offset(upload)
        return 200, tus.state_of(upload, offset), None if method == "HEAD" else self._described(upload)

    async def _all(
        self, method: str, headers: Mapping[str, str], body: _Body
    ) -> tuple[int, dict[str, str], Any]:
        if method == "GET":
            return 200, {}, {"uploads": [self._described(upload) for upload in self._uploads.all()]}
        wanted = tus.wanted_of(metadata := headers.get("upload-metadata", ""))
        if wanted.name:
            try:
                await asyncio.to_thread(check_name, self._importing.feed, wanted.name)
            except IngestError as error:
                raise UploadError(409 if "already" in str(error) else 400, str(error)) from None
        upload = await self._uploads.create(tus.length_of(headers), metadata, wanted)
        # Relative to this resource: a proxy may have put a prefix before it.
        made = {"Location": f"uploads/{upload.id}"}
        if headers.get("content-type") == tus.MEDIA:
            _, state, _ = await self._bring(upload, {**headers, "upload-offset": "0"}, body)
            return 201, made | state, None
        return 201, made | tus.state_of(upload, 0), None

    async def _bring(
        self, upload: Upload, headers: Mapping[str, str], body: _Body
    ) -> tuple[int, dict[str, str], Any]:
        if headers.get("content-type") != tus.MEDIA:
            raise UploadError(415, f"Content-Type: {tus.MEDIA} is needed")
        offset, checksum = tus.offset_of(headers), tus.checksum_of(headers)
        length = headers.get("content-length", "0")
        if length.isdigit() and offset + int(length) > upload.length:
            raise UploadError(413, f"it is longer than the {upload.length:,} bytes announced")
        # A task of its own: another request of the same client may end it, and not this answer.
        work = asyncio.create_task(self._uploads.write(upload.id, offset, body.pieces(), checksum))
        try:
            await asyncio.wait({work})
        finally:
            work.cancel()
            await asyncio.wait({work})
        if work.cancelled():
            raise GoneError
        upload = work.result()
        if self._uploads.done(upload):
            with suppress(FullError, OSError):  # it begins later
                upload = await self._importing.begin(upload)
        return 204, tus.state_of(upload, self._uploads.offset(upload)), None

    def _described(self, upload: Upload) -> dict[str, Any]:
        wanted = upload.wanted
        return {
            "id": upload.id,
            "offset": self._uploads.offset(upload),
            "length": upload.length,
            "filename": wanted.filename,
            "name": wanted.name,
            "title": wanted.title,
            "expires": upload.expires,
            "task": upload.task or None,
        }

    async def _send(
        self, scope: Message, status: int, headers: Mapping[str, str], answer: Any, send: Transmit
    ) -> None:
        body = b"" if answer is None else orjson.dumps(answer)
        told = {**dict(ADMIN), "Cache-Control": NEVER, "Tus-Resumable": tus.VERSION, **headers}
        if body:
            told["Content-Type"] = "application/json"
        if status != 204 and scope["method"] != "HEAD":
            told["Content-Length"] = str(len(body))
        encoded = [(name.lower().encode(), value.encode("latin-1")) for name, value in told.items()]
        async with asyncio.timeout(SEND_TIMEOUT):
            await send({"type": "http.response.start", "status": status, "headers": encoded})
            await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})
        self._counters.responded(KIND, status, len(body))


class _Body:
    """Of one request, as it comes."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._ended = False

    async def pieces(self) -> AsyncIterator[bytes]:
        """Raises :class:`GoneError`."""
        while not self._ended:
            try:
                async with asyncio.timeout(SILENCE):
                    message = await self._receive()
            except TimeoutError:
                raise GoneError from None
            if message["type"] == "http.disconnect":
                self._ended = True
                raise GoneError
            self._ended = not message.get("more_body", False)
            yield message.get("body", b"")

    async def drop(self) -> bool:
        """Take what still comes of it; False: it has no end."""
        with suppress(TimeoutError, GoneError):
            async with asyncio.timeout(LINGER):
                async for _ in self.pieces():
                    pass
        return self._ended


def _abort(scope: Message) -> None:
    if link := scope.get("state", {}).get("link"):
        link.abort()
