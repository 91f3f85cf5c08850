"""The short way for media and pages: an ASGI application in front of Quart.

Quart spends some ten times as long on a request as its answer takes here, so what viewers ask for never
reaches it; nor do the tracker's WebSockets. Decisions are in ``hot``; this sends.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, BinaryIO

from seeder.hls.delivery import PREFIX
from seeder.web.answer import Answer
from seeder.web.catalog import ASGI, Catalog, Message, Receive, Transmit
from seeder.web.downloads import Downloads
from seeder.web.endless import Endless, endless
from seeder.web.events import PATH as EVENTS
from seeder.web.events import Telling
from seeder.web.hot import Hot
from seeder.web.publish import PREFIX as PUBLISH
from seeder.web.security import Headers
from seeder.web.uploads import Uploading, for_uploads

log = logging.getLogger(__name__)

CHUNK = 256 * 1024
"""Bytes per send: large enough that the loop's share of a segment is small, small enough that a slow
reader holds a quarter of a MiB of ours and not a whole segment."""
CHUNK_H2 = 32 * 1024
"""The same over HTTP/2, where one connection has a hundred streams and its client may open no window for any
of them: hypercorn holds back what is above 32 KiB anyway."""
SEND_TIMEOUT = 60.0
"""Seconds for one chunk to be taken: 4 KiB/s plays nothing. Slower readers are cut off."""


class Fast:
    """``announce``: answers WebSockets at ``/announce``; ``None`` where the tracker is elsewhere. ``onward``,
    ``telling``: answer what has no end. ``publish``: takes what pages record. ``downloads``: answers what was
    made of recordings. ``uploading``: takes what is too large to be held."""

    def __init__(
        self,
        rest: ASGI,
        catalog: Catalog,
        hot: Hot,
        announce: ASGI | None,
        onward: Endless | None = None,
        telling: Telling | None = None,
        publish: ASGI | None = None,
        downloads: Downloads | None = None,
        uploading: Uploading | None = None,
    ) -> None:
        self._rest = rest
        self._catalog = catalog
        self._hot = hot
        self._announce = announce
        self._onward = onward
        self._telling = telling
        self._publish = publish
        self._downloads = downloads
        self._uploading = uploading

    async def __call__(self, scope: Message, receive: Receive, send: Transmit) -> None:
        kind, path = scope["type"], scope.get("path", "")
        if path == "/announce" and self._announce is not None:
            if kind == "http":
                async with _unread(receive):
                    await self._announce(scope, receive, send)
            else:
                await self._announce(scope, receive, send)
        elif path.startswith(PUBLISH) and self._publish is not None:
            if kind == "http":
                async with _unread(receive):
                    await self._publish(scope, receive, send)
            else:
                await self._publish(scope, receive, send)
        elif kind == "http" and self._onward is not None and endless(scope["method"], path):
            async with _unread(receive) as left:
                await self._onward(scope, send, left)
        elif kind == "http" and self._telling is not None and path == EVENTS:
            async with _unread(receive) as left:
                await self._telling(scope, send, left)
        elif kind == "http" and self._downloads is not None and self._downloads.knows(scope["method"], path):
            async with _unread(receive):
                await self._download(self._downloads, scope, send)
        elif kind == "http" and self._uploading is not None and for_uploads(path):
            await self._uploading(scope, receive, send)
        elif kind == "http" and self._hot.knows(path):
            async with _unread(receive) as left:
                await self._serve(scope, send, left)
        else:
            await self._rest(scope, receive, send)

    async def _serve(self, scope: Message, send: Transmit, left: asyncio.Task[None]) -> None:
        headers, query = _asked(scope)
        method = scope["method"]
        work = self._hot.answer(method, scope["path"], scope["scheme"], headers, query)
        # A blocking reload may take a while, and nobody need wait for who has left.
        answer = await (_unless(left, work) if PREFIX in query else work)
        if answer is not None:
            await self._deliver(answer, scope, send)

    async def _download(self, downloads: Downloads, scope: Message, send: Transmit) -> None:
        headers, query = _asked(scope)
        peer = (scope.get("client") or ("",))[0]
        answer = await downloads.answer(scope["method"], scope["path"], query, headers, peer)
        if answer.resource is None or scope["method"] == "HEAD":
            await self._deliver(answer, scope, send)
            return
        with downloads.reader(headers, peer) as refused:
            await self._deliver(refused or answer, scope, send)

    async def _deliver(self, answer: Answer, scope: Message, send: Transmit) -> None:
        progress = _Progress(CHUNK_H2 if scope.get("http_version") == "2" else CHUNK)
        try:
            await self._send(answer, scope["method"] == "HEAD", send, progress)
        except (TimeoutError, _Gone) as error:
            # Too late for another status: only a broken connection says that the body is not whole.
            log.debug("%s cut off: %s", answer.kind, str(error) or "its reader is too slow")
            if link := scope.get("state", {}).get("link"):
                link.abort()
        finally:
            self._hot.counters.responded(answer.kind, progress.status, progress.sent)

    async def _send(self, answer: Answer, head: bool, send: Transmit, progress: _Progress) -> None:
        if head:
            await _start(answer, send, progress)
            await _chunk(b"", False, send, progress)
            return
        if answer.resource is None:
            await _start(answer, send, progress)
            await _memory(answer.body, 0, answer.length, send, progress)
            return
        held: bytes | BinaryIO | None = answer.resource.data
        try:
            if held is None:
                held = await asyncio.to_thread(self._catalog.read, answer.resource)
        except OSError as error:
            # Listed a moment ago, deleted or rewritten since: the next playlist will tell.
            log.info("%s: %s", answer.resource.path, error.strerror or error)
            await self._send(_missing(answer), head, send, progress)
            return
        if isinstance(held, bytes):
            await _start(answer, send, progress)
            await _memory(held, answer.start, answer.stop, send, progress)
            return
        with held:
            await _start(answer, send, progress)
            await _file(held.fileno(), answer, send, progress)


def _asked(scope: Message) -> tuple[dict[str, str], str]:
    """Headers by lower-case name, and the query as sent."""
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    return headers, scope.get("query_string", b"").decode("latin-1")


@asynccontextmanager
async def _unread(receive: Receive) -> AsyncIterator[asyncio.Task[None]]:
    """Take and drop what the client sends meanwhile: hypercorn waits for ever for an application to take it,
    with the whole connection, even where the application has ended. What it gives is done once the client
    has left."""

    async def take() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    taking = asyncio.create_task(take())
    try:
        yield taking
    finally:
        taking.cancel()


async def _unless(left: asyncio.Task[None], work: Coroutine[Any, Any, Answer]) -> Answer | None:
    """What ``work`` gives; ``None``: ``left`` was done before it."""
    working = asyncio.create_task(work)
    try:
        await asyncio.wait({working, left}, return_when=asyncio.FIRST_COMPLETED)
        return working.result() if working.done() else None
    finally:
        working.cancel()


class _Progress:
    def __init__(self, chunk: int) -> None:
        self.chunk = chunk
        """Bytes per send."""
        self.status = 0
        self.sent = 0


class _Gone(Exception):
    """A file ended before its listed size."""


_MISSING = b"the file behind this segment is gone or has changed; reload the playlist\n"


def _missing(answer: Answer) -> Answer:
    kept = ("x-content-type-options", "referrer-policy", "access-control-", "cross-origin-", "timing-")
    headers = [(name, value) for name, value in answer.headers if name.lower().startswith(kept)]
    plain = (("Content-Type", "text/plain; charset=utf-8"), ("Cache-Control", "no-store"))
    return Answer(404, (*headers, *plain), answer.kind, _MISSING)


async def _start(answer: Answer, send: Transmit, progress: _Progress) -> None:
    headers: Headers = answer.headers
    if answer.status not in (204, 304):
        headers = (*headers, ("Content-Length", str(answer.length)))
    progress.status = answer.status
    encoded = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    async with asyncio.timeout(SEND_TIMEOUT):  # who pipelines requests and reads no answer stops us here
        await send({"type": "http.response.start", "status": answer.status, "headers": encoded})


async def _memory(data: bytes, start: int, stop: int, send: Transmit, progress: _Progress) -> None:
    if start == stop:
        await _chunk(b"", False, send, progress)
    for at in range(start, stop, progress.chunk):
        end = min(at + progress.chunk, stop)
        # A whole small body goes out without a copy; a view of the rest is copied once, by the server.
        body = data if end - at == len(data) else memoryview(data)[at:end]
        await _chunk(body, end < stop, send, progress)


async def _file(file: int, answer: Answer, send: Transmit, progress: _Progress) -> None:
    if answer.length == 0:
        await send({"type": "http.response.body", "body": b""})
    at = answer.start
    while at < answer.stop:
        body = await asyncio.to_thread(os.pread, file, min(progress.chunk, answer.stop - at), at)
        if not body:
            raise _Gone(f"file ended at byte {at}, not {answer.stop}")
        at += len(body)
        await _chunk(body, at < answer.stop, send, progress)


async def _chunk(body: bytes | memoryview, more: bool, send: Transmit, progress: _Progress) -> None:
    async with asyncio.timeout(SEND_TIMEOUT):
        await send({"type": "http.response.body", "body": body, "more_body": more})
    progress.sent += len(body)
