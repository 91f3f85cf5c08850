"""``/api/publish/NAME``: the WebSocket by which pages publish (docs/publishing.md).

Straight on ASGI: Quart would read ahead without a bound. hypercorn reads on only when the last two messages
were taken, so whoever sends faster than ffmpeg reads is slowed down by TCP (over HTTP/2 with its whole
connection). What is said is decided behind the :class:`~seeder.publish.door.Door`; unless ``--publish`` names
it, every answer here is 404.

A page of any site may connect. The key is the secret, and stands in a message (or a header that pages cannot
set); no cookie counts here, so a browser that is led here by another site brings nothing that the site lacks.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from contextlib import suppress
from urllib.parse import unquote

from seeder.model import Kind
from seeder.publish.door import Door
from seeder.values import stream_name
from seeder.web import security
from seeder.web.catalog import Catalog, Message, Receive, Transmit
from seeder.web.link import Link

PREFIX = "/api/publish/"
Viewers = Callable[[bytes], int]
"""Of a rendezvous."""
MOST_MESSAGE = 4 << 20
"""Bytes of a message of who has shown a key: two seconds of 16 Mbit/s, as after a page was held up."""
MOST_UNKNOWN = 1 << 20
"""… of who has not: a page need not wait with its first seconds of media. Three of them may be held."""
SEND_TIMEOUT = 10.0
"""Seconds for a message to be taken; they are small, and who reads nothing for so long will not."""
FAREWELL = 2.0
"""Seconds for the other end to answer our close: what it sent meanwhile is dropped."""
MOST_REASON = 120
"""Bytes of a close frame's reason (RFC 6455 §5.5)."""


class Publish:
    """An ASGI application for what begins with :data:`PREFIX`."""

    def __init__(self, door: Door, catalog: Catalog, viewers: Viewers, *, trust_proxy: bool = False) -> None:
        self._door = door
        self._catalog = catalog
        self._viewers = viewers
        self._trust_proxy = trust_proxy

    async def __call__(self, scope: Message, receive: Receive, send: Transmit) -> None:
        name = _name(scope["path"])
        browser = self._door.browser
        if scope["type"] != "websocket":
            status = 404 if name is None or browser is None else 426
            await _answer(send, "http", status)
            return
        await receive()  # websocket.connect: always the first
        address = self._address(scope)
        if name is None or browser is None:
            await _answer(send, "websocket.http", 404)
        elif browser.full(address):
            await _answer(send, "websocket.http", 503)
        else:
            socket, shown = _Socket(scope, receive, send), _Shown(self._catalog, self._viewers, name)
            socket.widen(MOST_UNKNOWN)
            await send({"type": "websocket.accept"})
            await browser.talk(socket, name, address, _token(scope), shown)

    def _address(self, scope: Message) -> str:
        """The publisher's; of what a proxy of ours says, its own word is the last."""
        if self._trust_proxy and (forwarded := _header(scope, b"x-forwarded-for")):
            return forwarded.rpartition(",")[2].strip()
        client = scope.get("client")
        return str(client[0]) if client else ""


class _Socket:
    """A :class:`~seeder.publish.door.Wire`."""

    def __init__(self, scope: Message, receive: Receive, send: Transmit) -> None:
        self._scope = scope
        self._receive = receive
        self._send = send
        self._over = False
        self._sending = asyncio.Lock()

    @property
    def _link(self) -> Link | None:
        link = self._scope.get("state", {}).get("link")
        return link if isinstance(link, Link) else None

    async def receive(self) -> str | bytes | None:
        if self._over:
            return None
        message = await self._receive()
        if message["type"] != "websocket.receive":
            self._over = True
            return None
        text: str | None = message.get("text")
        data: bytes | None = message.get("bytes")
        return text if text is not None else data or b""

    async def send(self, text: str) -> None:
        await self._put({"type": "websocket.send", "text": text})

    async def _put(self, message: Message) -> None:
        async with self._sending:
            if self._over:
                raise ConnectionResetError("it has left")
            try:
                async with asyncio.timeout(SEND_TIMEOUT):
                    await self._send(message)
            except TimeoutError:
                self._over = True
                raise TimeoutError("it does not read what it is told") from None

    async def close(self, code: int, reason: str) -> None:
        short = reason.encode()[:MOST_REASON].decode(errors="ignore")
        await self._put({"type": "websocket.close", "code": code, "reason": short})
        with suppress(TimeoutError):
            async with asyncio.timeout(FAREWELL):
                # Closing TCP over what is still coming could destroy the close frame under way.
                while await self.receive() is not None:
                    pass

    def widen(self, most: int = MOST_MESSAGE) -> None:
        if self._link is not None:
            self._link.widen(self._scope, most)


class _Shown:
    """A :class:`~seeder.publish.door.Shown`."""

    def __init__(self, catalog: Catalog, viewers: Viewers, name: str) -> None:
        self._catalog = catalog
        self._viewers = viewers
        self._name = name

    def segments(self) -> frozenset[str]:
        view = self._catalog.stream(self._name)
        if view is None:
            return frozenset()
        return frozenset(path for path, held in view.resources.items() if held.kind is Kind.SEGMENT)

    def viewers(self) -> int:
        view = self._catalog.stream(self._name)
        return 0 if view is None else self._viewers(view.rendezvous)


def _name(path: str) -> str | None:
    try:
        return stream_name(unquote(path.removeprefix(PREFIX)))
    except ValueError:
        return None


def _header(scope: Message, name: bytes) -> str:
    """The last of them: what a proxy of ours added."""
    found = [value for key, value in scope["headers"] if key.lower() == name]
    return str(found[-1].decode("latin-1")) if found else ""


def _token(scope: Message) -> str:
    """RFC 6750 §2.1; empty without one."""
    match = re.fullmatch(r"Bearer +([A-Za-z0-9._~+/-]+=*) *", _header(scope, b"authorization"), re.IGNORECASE)
    return match[1] if match else ""


_WHY = {
    404: b"nothing is published here by a browser: --publish browser\n",
    426: b"a WebSocket, please: docs/publishing.md\n",
    503: b"too many are waiting to publish here\n",
}


async def _answer(send: Transmit, kind: str, status: int) -> None:
    """Where there is no WebSocket."""
    headers = [(name.lower().encode(), value.encode()) for name, value in security.API]
    headers += [(b"content-type", b"text/plain; charset=utf-8"), (b"cache-control", b"no-store")]
    headers += {426: [(b"upgrade", b"websocket")], 503: [(b"retry-after", b"5")]}.get(status, [])
    body = _WHY[status]
    headers.append((b"content-length", str(len(body)).encode()))
    await send({"type": f"{kind}.response.start", "status": status, "headers": headers})
    await send({"type": f"{kind}.response.body", "body": body})
