"""``GET /api/events``: what happens to streams, as it happens; for everybody, and more of it for the admin.

Beside Quart, as all that has no end: a reader costs its connection and a queue.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine
from contextlib import suppress

import orjson

from seeder.stats.counters import HttpCounters
from seeder.tracker.gate import client_key
from seeder.web.answer import NEVER
from seeder.web.catalog import Message, Transmit
from seeder.web.described import Bytes, described
from seeder.web.news import FullError, News, Reader, place_of
from seeder.web.operator import ApiError, Operator
from seeder.web.security import ADMIN, API, Headers

PATH = "/api/events"
KIND = "api"
"""For the counters."""
BEAT = 15.0
"""Seconds without an event until a comment is sent: proxies and NATs forget what is silent for 30–60."""
SEND_TIMEOUT = 60.0
"""Seconds for what was sent to be taken: who sleeps so long comes back and reads on where it was."""
RETRY = (2000, 6000)
"""Milliseconds until a reader that lost its connection comes back: not all of them at once."""
METHODS = ("GET", "HEAD", "OPTIONS")
TYPE: Headers = (
    ("Content-Type", "text/event-stream"),
    ("Cache-Control", NEVER),
    ("X-Accel-Buffering", "no"),  # nginx would hold events back until it has 4 KiB of them
)
FLIGHT: Headers = (
    *API,
    ("Access-Control-Allow-Methods", ", ".join(METHODS)),
    (
        "Access-Control-Allow-Headers",
        "Last-Event-ID, Cache-Control",
    ),  # EventSource asks for neither: others do
    ("Access-Control-Max-Age", "86400"),
)


@described(
    "What happens, as it happens",
    tag="server",
    headers={
        "Last-Event-ID": ("the id of the last event seen: those after it come first", {"type": "string"})
    },
    answers={
        200: ("server-sent events; docs/api.md lists them", Bytes("text/event-stream", {"type": "string"}))
    },
    errors={
        401: "A token that is not the admin's.",
        403: "A token, sent by a page of another site.",
        429: "Too many readers at this address, or wrong tokens.",
        503: "Too many readers.",
    },
    returned={429: {"Retry-After": "seconds"}, 503: {"Retry-After": "seconds"}},
    detail="With the admin's token those of publishers and tasks, too.",
)
class Telling:
    """``operator``: knows the admin, and readers' addresses. ``dice``: 0 ≤ a number < 1."""

    def __init__(
        self,
        news: News,
        operator: Operator,
        counters: HttpCounters,
        dice: Callable[[], float] = random.random,
    ) -> None:
        self._news = news
        self._operator = operator
        self._counters = counters
        self._dice = dice

    async def __call__(self, scope: Message, send: Transmit, left: asyncio.Task[None]) -> None:
        """``left`` is done once the client has gone."""
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        peer = (scope.get("client") or ("",))[0]
        if scope["method"] not in METHODS:
            await self._whole(405, (("Allow", ", ".join(METHODS)),), send, "method not allowed")
            return
        if scope["method"] == "OPTIONS":
            await self._whole(204, (), send)
            return
        admin = "authorization" in headers
        try:
            if admin:
                self._operator.judge(headers, peer)
            if scope["method"] == "HEAD":
                await self._whole(200, TYPE, send, kept=ADMIN if admin else API)
                return
            client = client_key(self._operator.client(headers, peer))
            with self._news.reader(client, place_of(headers.get("last-event-id")), admin=admin) as reader:
                await self._until(left, self._read(scope, reader, send))
        except ApiError as error:
            await self._whole(error.status, tuple(error.headers.items()), send, str(error), ADMIN)
        except FullError as error:
            await self._whole(error.status, (("Retry-After", "30"),), send, str(error))

    async def _until(self, left: asyncio.Task[None], reading: Coroutine[None, None, None]) -> None:
        work = asyncio.create_task(reading)
        try:
            await asyncio.wait({work, left}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            work.cancel()
            await asyncio.wait({work})
        if not work.cancelled():
            work.result()

    async def _read(self, scope: Message, reader: Reader, send: Transmit) -> None:
        self._counters.responses[KIND, 200] += 1
        least, most = RETRY
        with suppress(TimeoutError):
            await _start(200, (*(ADMIN if reader.admin else API), *TYPE), send)
            await self._send(b"retry: %d\n\n" % int(least + (most - least) * self._dice()), send)
            while told := await _in_time(reader):
                await self._send(told, send)
            if not reader.slow:
                async with asyncio.timeout(SEND_TIMEOUT):
                    await send({"type": "http.response.body", "body": b""})
                return
        # It reads no more, so a polite end would not arrive either.
        if link := scope.get("state", {}).get("link"):
            link.abort()

    async def _send(self, words: bytes, send: Transmit) -> None:
        async with asyncio.timeout(SEND_TIMEOUT):
            await send({"type": "http.response.body", "body": words, "more_body": True})
        self._counters.sent[KIND] += len(words)

    async def _whole(
        self, status: int, headers: Headers, send: Transmit, error: str = "", kept: Headers = API
    ) -> None:
        body = orjson.dumps({"error": error}) if error else b""
        if status == 204:
            headers = FLIGHT
        elif status != 200:
            more = (("Content-Type", "application/json"), ("Cache-Control", NEVER))
            headers = (*kept, *headers, *more, ("Content-Length", str(len(body))))
        else:
            headers = (*kept, *headers)
        with suppress(TimeoutError):
            await _start(status, headers, send)
            async with asyncio.timeout(SEND_TIMEOUT):
                await send({"type": "http.response.body", "body": body})
        self._counters.responded(KIND, status, len(body))


async def _in_time(reader: Reader) -> bytes:
    """What it takes; a comment where nothing happens."""
    try:
        async with asyncio.timeout(BEAT):
            return await reader.take()
    except TimeoutError:
        return b":\n\n"


async def _start(status: int, headers: Headers, send: Transmit) -> None:
    encoded = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    async with asyncio.timeout(SEND_TIMEOUT):
        await send({"type": "http.response.start", "status": status, "headers": encoded})
