"""``/live/NAME.ts``: a stream as MPEG-TS without an end, for players that do not speak HLS."""

from __future__ import annotations

import asyncio
import re
from contextlib import suppress
from urllib.parse import parse_qs

from seeder.onward.channel import Channels, Listener
from seeder.onward.choice import UnfitError
from seeder.stats.counters import HttpCounters
from seeder.web.answer import NEVER
from seeder.web.catalog import Message, Transmit
from seeder.web.security import MEDIA, Headers

KIND = "ts"
"""For the counters."""
TYPE: Headers = (("Content-Type", "video/mp2t"), ("Cache-Control", NEVER))
CHUNK = 128 * 1024
"""Bytes per send, of which a slow reader holds one."""
SEND_TIMEOUT = 60.0
"""Seconds for one to be taken: 2 KiB/s plays nothing. Slower readers are cut off."""

_PATH = re.compile(r"/live/([^/]+)\.ts")


def endless(method: str, path: str) -> bool:
    """Whether it is for here. Other methods get the answer that all of ``/live/`` gives them."""
    return method in ("GET", "HEAD") and path.endswith(".ts") and _PATH.fullmatch(path) is not None


class Endless:
    def __init__(self, channels: Channels, counters: HttpCounters) -> None:
        self._channels = channels
        self._counters = counters

    async def __call__(self, scope: Message, send: Transmit, left: asyncio.Task[None]) -> None:
        """``left`` is done once the client has gone."""
        match = _PATH.fullmatch(scope["path"])
        assert match is not None
        query = parse_qs(scope.get("query_string", b"").decode("latin-1"))
        wanted = query.get("variant", [""])[0]
        try:
            if scope["method"] == "HEAD":
                self._channels.check(match[1], wanted)
                await self._whole(200, TYPE, b"", send)
                return
            work = asyncio.create_task(self._play(scope, match[1], wanted, send))
            try:
                await asyncio.wait({work, left}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                work.cancel()
                await asyncio.wait({work})
            if not work.cancelled():
                work.result()
        except UnfitError as error:
            again = (("Retry-After", "5"),) if error.status == 503 else ()
            headers = (("Content-Type", "text/plain; charset=utf-8"), ("Cache-Control", NEVER), *again)
            await self._whole(error.status, headers, f"{error}\n".encode(), send)

    async def _play(self, scope: Message, stream: str, wanted: str, send: Transmit) -> None:
        async with self._channels.listen(stream, wanted) as (first, listener):
            self._counters.responses[KIND, 200] += 1
            with suppress(TimeoutError):
                await _start(200, TYPE, send)
                await self._send(first, listener, send)
                async with asyncio.timeout(SEND_TIMEOUT):
                    await send({"type": "http.response.body", "body": b""})
                return
            # It reads no more, so a polite end would not arrive either.
            if link := scope.get("state", {}).get("link"):
                link.abort()

    async def _send(self, data: bytes, listener: Listener, send: Transmit) -> None:
        """Until the stream has ended. TimeoutError: the reader is too slow."""
        while data:
            for at in range(0, len(data), CHUNK):
                body = data[at : at + CHUNK]
                async with asyncio.timeout(SEND_TIMEOUT):
                    await send({"type": "http.response.body", "body": body, "more_body": True})
                self._counters.sent[KIND] += len(body)  # now: it may go on for days
            data = await listener.read()

    async def _whole(self, status: int, headers: Headers, body: bytes, send: Transmit) -> None:
        with suppress(TimeoutError):
            length = () if status == 200 else (("Content-Length", str(len(body))),)
            await _start(status, (*headers, *length), send)
            async with asyncio.timeout(SEND_TIMEOUT):
                await send({"type": "http.response.body", "body": body})
        self._counters.responded(KIND if status == 200 else "error", status, len(body))


async def _start(status: int, headers: Headers, send: Transmit) -> None:
    encoded = [(n.lower().encode("latin-1"), v.encode("latin-1")) for n, v in (*MEDIA, *headers)]
    async with asyncio.timeout(SEND_TIMEOUT):
        await send({"type": "http.response.start", "status": status, "headers": encoded})
