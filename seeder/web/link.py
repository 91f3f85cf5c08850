"""One TCP connection as hypercorn serves it, with what it lacks for us.

- A :class:`Link` in ``scope["state"]["link"]``: when bytes last came in (WebSocket pongs included, which
  ASGI hides), and a way to drop a connection whose other end does not read.
- No permessage-deflate: wsproto agrees to it unasked, at some 300 KiB of zlib state a WebSocket, and
  inflates a 64 KiB frame to 64 MiB before anyone can look at its size. Offers are small anyway.
- HTTP/2 only where ALPN agreed on it, so that there is one way in, not three.
- Back-pressure over HTTP/2, where hypercorn's is broken (:class:`_Buffer`).
- A prompt and bounded end: hypercorn waits for ever for unsent bytes to leave, and after the client has
  left it sleeps on until the next ping, or until the keep-alive would have ended.

hypercorn has no public hook for these, hence the subclasses; pyproject.toml bounds its minor version.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from h2.events import RequestReceived
from h11 import Request
from hypercorn.asyncio.task_group import TaskGroup
from hypercorn.asyncio.tcp_server import MAX_RECV, TCPServer
from hypercorn.asyncio.worker_context import EventWrapper, WorkerContext
from hypercorn.config import Config
from hypercorn.events import Closed, Event, RawData, Updated
from hypercorn.protocol.h2 import (
    BUFFER_HIGH_WATER,
    BUFFER_LOW_WATER,
    BufferCompleteError,
    H2Protocol,
    StreamBuffer,
)
from hypercorn.protocol.h11 import H11Protocol
from hypercorn.protocol.ws_stream import WSStream
from hypercorn.typing import AppWrapper, ConnectionState
from hypercorn.utils import parse_socket_addr

CLOSE_TIMEOUT = 10.0
"""Seconds for the last bytes of a closing connection to leave."""


class Link:
    """The TCP connection under a request."""

    __slots__ = ("_transport", "last_read")

    def __init__(self, transport: asyncio.WriteTransport) -> None:
        self._transport = transport
        self.last_read = time.monotonic()

    def abort(self) -> None:
        """Drop the connection; what was not sent yet is lost."""
        self._transport.abort()


@dataclass(frozen=True, slots=True)
class Host:
    """What every connection of one server shares."""

    app: AppWrapper
    config: Config
    terminated: EventWrapper
    """Set when the server stops: idle connections then close."""


class Connection(TCPServer):
    """Serves one connection; ``run`` returns when it has ended."""

    def __init__(self, host: Host, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.link = Link(writer.transport)
        state = ConnectionState({"link": self.link})
        loop = asyncio.get_running_loop()
        self._over = asyncio.Event()
        context = _Context(host.terminated, self._over)
        super().__init__(host.app, loop, host.config, context, state, reader, writer)

    async def run(self) -> None:
        """As hypercorn's, with our protocols."""
        socket = self.writer.get_extra_info("socket")
        tls = self.writer.get_extra_info("ssl_object")
        try:
            kind = _H2 if tls is not None and tls.selected_alpn_protocol() == "h2" else _H11
            async with TaskGroup(self.loop) as group:
                self._task_group = group
                # hypercorn's annotation names its wrapper, whose two methods are all that is called
                self.protocol: Any = kind(
                    self.app,
                    self.config,
                    self.context,
                    group,
                    ConnectionState(self.state),
                    tls is not None,
                    parse_socket_addr(socket.family, socket.getpeername()),
                    parse_socket_addr(socket.family, socket.getsockname()),
                    self.protocol_send,
                )
                await self.protocol.initiate()
                await self.idle_task.restart(group, self._idle_timeout)
                await self._read_data()
        finally:
            await self._close()

    async def _read_data(self) -> None:
        """As hypercorn's, noting when something came in."""
        with suppress(OSError):  # ssl.SSLError is one
            while data := await self.reader.read(MAX_RECV):
                self.link.last_read = time.monotonic()
                await self.protocol.handle(RawData(data))
        self._over.set()
        await self.idle_task.stop()  # else the connection stays, half closed, until its keep-alive ends
        await self.protocol.handle(Closed())

    async def protocol_send(self, event: Event) -> None:
        if not (isinstance(event, Updated) and self._over.is_set()):
            await super().protocol_send(event)

    async def _close(self) -> None:
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT):
                await super()._close()
        except TimeoutError:
            self.link.abort()


class _Context(WorkerContext):
    """What hypercorn's protocols wait with; one per connection."""

    def __init__(self, terminated: EventWrapper, over: asyncio.Event) -> None:
        super().__init__(None)
        self.terminated = terminated
        self._over = over

    async def sleep(self, wait: float) -> None:  # type: ignore[override]  # static there
        """Until then, or until the connection is over: pings wait here."""
        with suppress(TimeoutError):
            async with asyncio.timeout(wait):
                await self._over.wait()


class _H11(H11Protocol):
    async def _check_protocol(self, event: Request) -> None:
        """No upgrade to h2c and no HTTP/2 by prior knowledge."""

    async def _create_stream(self, request: Request) -> None:
        if any(name == _EXTENSIONS for name, _ in request.headers):
            kept = [(name, value) for name, value in request.headers if name != _EXTENSIONS]
            request = Request(
                method=request.method,
                target=request.target,
                headers=kept,
                http_version=request.http_version,
            )
        await super()._create_stream(request)
        if isinstance(self.stream, WSStream) and self.stream.closed:
            # The handshake was refused. hypercorn says "connection: close" and leaves it open, with no timer.
            await self.send(Closed())


class _Buffer(StreamBuffer):
    """hypercorn's lets its writer go on after each look at a closed window: a client that opens none would
    have us hold everything it asked for, and every message to a WebSocket that it does not read."""

    async def push(self, data: bytes) -> None:
        if self._complete:
            raise BufferCompleteError
        self.buffer.extend(data)
        await self._is_empty.clear()
        if len(self.buffer) >= BUFFER_HIGH_WATER:
            await self._paused.clear()
            await self._paused.wait()

    async def pop(self, max_length: int) -> bytes:
        data = bytes(self.buffer[:max_length])
        del self.buffer[:max_length]
        if len(self.buffer) < BUFFER_LOW_WATER:
            await self._paused.set()
        if not self.buffer:
            await self._is_empty.set()
        return data


class _Buffers(dict[int, StreamBuffer]):
    """Ours in the place of each one that hypercorn makes for a stream."""

    def __setitem__(self, stream_id: int, buffer: StreamBuffer) -> None:
        super().__setitem__(stream_id, _Buffer(EventWrapper))


class _H2(H2Protocol):
    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.stream_buffers = _Buffers()

    async def _create_stream(self, request: RequestReceived) -> None:
        kept = [(name, value) for name, value in request.headers if name != _EXTENSIONS]
        await super()._create_stream(RequestReceived(stream_id=request.stream_id, headers=kept))


_EXTENSIONS = b"sec-websocket-extensions"
