"""One TCP connection as hypercorn serves it, with what it lacks for us.

- A :class:`Link` in ``scope["state"]["link"]``: when bytes last came in (WebSocket pongs included, which
  ASGI hides), and a way to drop a connection whose other end does not read, or to take longer messages.
- No permessage-deflate: wsproto agrees to it unasked, at some 300 KiB of zlib state a WebSocket, and
  inflates a 64 KiB frame to 64 MiB before anyone can look at its size. Offers are small anyway.
- HTTP/2 only where ALPN agreed on it, so that there is one way in, not three.
- A body of two lengths, or in a GET, is refused; a target in absolute form (RFC 9112 §3.2.2) is served.
- A connection can be given back between two requests (to :mod:`~seeder.web.front`).
- Back-pressure over HTTP/2, where hypercorn's is broken (:class:`_Buffer`).
- A prompt and bounded end: hypercorn waits for ever for unsent bytes to leave, and after the client has
  left it sleeps on until the next ping, or until the keep-alive would have ended.

hypercorn has no public hook for these, hence the subclasses; pyproject.toml bounds its minor version.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import MutableMapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from h2.events import RequestReceived
from h11 import SERVER, RemoteProtocolError, Request
from h11 import Connection as Connection11
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

    __slots__ = ("_transport", "last_read", "protocol")

    def __init__(self, transport: asyncio.WriteTransport) -> None:
        self._transport = transport
        self.last_read = time.monotonic()
        self.protocol: Any = None
        """hypercorn's, once it has begun."""

    def abort(self) -> None:
        """Drop the connection; what was not sent yet is lost."""
        self._transport.abort()

    def widen(self, scope: MutableMapping[str, Any], bytes: int) -> None:
        """Take messages of up to so many bytes from the WebSocket of ``scope``."""
        protocol = self.protocol
        multiplexed = isinstance(protocol, H2Protocol)
        for stream in tuple(protocol.streams.values()) if multiplexed else (protocol.stream,):
            if isinstance(stream, WSStream) and stream.scope is scope:
                stream.buffer.max_length = bytes
                if multiplexed:  # 64 KiB a round trip is all that HTTP/2 allows unasked (RFC 9113 §6.9.2)
                    protocol.connection.increment_flow_control_window(bytes, stream.stream_id)
                    protocol.connection.increment_flow_control_window(bytes)


@dataclass(frozen=True, slots=True)
class Host:
    """What every connection of one server shares."""

    app: AppWrapper
    config: Config
    terminated: EventWrapper
    """Set when the server stops: idle connections then close."""


class Connection(TCPServer):
    """Serves one connection; ``run`` returns when it has ended."""

    def __init__(
        self,
        host: Host,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        front: asyncio.BaseProtocol | None = None,
    ) -> None:
        """``front``: gets the transport back when a request over HTTP/1.1 has been answered."""
        self._front = front
        self.returned = False
        """The transport is ``front``'s again; so is :attr:`rest`."""
        self.rest = b""
        """Read, but neither understood nor answered."""
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
                self.link.protocol = self.protocol
                await self.protocol.initiate()
                await self.idle_task.restart(group, self._idle_timeout)
                await self._read_data()
        except BaseException:
            self.returned = False
            raise
        finally:
            if not self.returned:
                await self._close()

    async def _read_data(self) -> None:
        """As hypercorn's, noting when something came in."""
        with suppress(OSError):  # ssl.SSLError is one
            while data := await self.reader.read(MAX_RECV):
                self.link.last_read = time.monotonic()
                if self.returned:
                    self.rest += data
                else:
                    await self.protocol.handle(RawData(data))
        self._over.set()
        await self.idle_task.stop()  # else the connection stays, half closed, until its keep-alive ends
        if not self.returned:
            await self.protocol.handle(Closed())

    async def protocol_send(self, event: Event) -> None:
        if isinstance(event, Updated) and (self._over.is_set() or (event.idle and self._give_back())):
            return
        if isinstance(event, RawData) and self.writer.transport.is_closing():
            # A hundred streams that write on: asyncio would warn of each.
            await self.protocol.handle(Closed())
            return
        await super().protocol_send(event)

    def _give_back(self) -> bool:
        """Between two requests, when nothing of the next is here yet."""
        transport = self.writer.transport
        protocol = self.protocol
        if self._front is None or not isinstance(protocol, _H11) or protocol.holds_some:
            return False
        if self.returned or transport.is_closing() or self.reader.at_eof():
            return False
        self.returned = True
        transport.set_protocol(self._front)
        self.reader.feed_eof()  # wakes _read_data, which then leaves
        return True

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


class _Strict(Connection11):
    """Refuses what proxies in front of us may understand otherwise (RFC 9112 §11.2): two ways to tell the
    body's length, of which h11 lets Transfer-Encoding win, and a body where none has a meaning (RFC 9110
    §9.3.1)."""

    def next_event(self) -> Any:
        event = super().next_event()
        if isinstance(event, Request):
            headers = dict(event.headers)
            length, coded = headers.get(b"content-length"), b"transfer-encoding" in headers
            if coded and length is not None:
                raise RemoteProtocolError("two ways to tell the body's length", error_status_hint=400)
            if event.method in (b"GET", b"HEAD") and (coded or (length or b"0").strip(b"0")):
                raise RemoteProtocolError("a body in a GET", error_status_hint=400)
        return event


_ABSOLUTE = re.compile(rb"https?://([^/?#]+)(/[^?]*)?(.*)", re.IGNORECASE)


class _H11(H11Protocol):
    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.connection = _Strict(SERVER, max_incomplete_event_size=self.config.h11_max_incomplete_size)

    @property
    def holds_some(self) -> bool:
        """Bytes of a next request are waiting."""
        return bool(self.connection.trailing_data[0])

    async def _check_protocol(self, event: Request) -> None:
        """No upgrade to h2c and no HTTP/2 by prior knowledge."""

    async def _create_stream(self, request: Request) -> None:
        target, headers = request.target, list(request.headers)
        if absolute := _ABSOLUTE.fullmatch(target):
            # A proxy's way to ask: its authority counts, whatever Host says (§3.2.2).
            target = (absolute[2] or b"/") + absolute[3]
            headers = [(b"host", absolute[1]), *((name, value) for name, value in headers if name != b"host")]
        headers = [(name, value) for name, value in headers if name != _EXTENSIONS]
        if target != request.target or len(headers) != len(request.headers):
            request = Request(
                method=request.method, target=target, headers=headers, http_version=request.http_version
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
