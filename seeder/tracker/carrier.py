"""One WebSocket (RFC 6455) carried straight on an asyncio transport, without an ASGI server between.

:meth:`Tracker.adopt <seeder.tracker.socket.Tracker.adopt>` hands over a connection, plain or TLS, whose first
request asks for a WebSocket. ``websockets``' sans-I/O protocol reads and writes the frames; what a peer may
cost is decided here: bytes before the handshake, time, frames a second, bytes waiting for a slow reader.

Replies are gathered and written once per turn of the event loop: when many peers talk at once, one
system call takes all that a peer is sent. Nothing per connection runs on its own: no task, no timer once
the handshake is over, no read buffer (all share one, for what is read is used up before the next is).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Protocol, cast

from websockets.frames import CloseCode, Frame, Opcode
from websockets.http11 import Request, Response
from websockets.protocol import SEND_EOF, State
from websockets.server import ServerProtocol

from seeder.errors import WireError
from seeder.tracker import wire
from seeder.tracker.gate import Bucket, client_key
from seeder.tracker.limits import MAX_MESSAGE, Limits
from seeder.tracker.swarm import ConnId

log = logging.getLogger(__name__)

READ = 32 * 1024
"""Bytes read at once: some announces, and never more than 5,000 of the least frames, 15 ms of work."""
MAX_HEAD = 32 * 1024
"""Bytes of the handshake request, as for any other: twice what browsers' cookies fill."""
HANDSHAKE = 10.0
"""Seconds to finish it: it is one packet."""
PING = 25.0
"""Seconds between pings: proxies and NATs forget what is silent for 30–60."""
GATHER = 64 * 1024
"""Bytes gathered before they are written within the turn: the kernel takes that much, and can begin."""
FAREWELL = 2.0
"""Seconds for the closing handshake: a client that does not read would hold up the shutdown of all."""

_BAD_REQUEST = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"

_frames = logging.getLogger(f"{__name__}.frames")
_frames.setLevel(logging.WARNING)  # it has a line for each connection that opens and closes


class House(Protocol):
    """What a carrier needs of the tracker."""

    limits: Limits
    scratch: memoryview
    """:data:`READ` bytes that all carriers of one event loop read into."""
    clock: Callable[[], float]
    trust_proxy: bool

    def enter(self, carrier: Carrier, client: str) -> str | None:
        """Let it in (it then has an ``ident`` and buckets), or say which limit it breaks."""

    def received(self, carrier: Carrier, request: wire.Request, now: float) -> None: ...

    def malformed(self, carrier: Carrier, message: bytes, error: WireError) -> None: ...

    def gathered(self, carrier: Carrier) -> None:
        """Have :meth:`Carrier.flush` called at the end of this turn of the loop."""

    def ended(self, carrier: Carrier, reason: str) -> None:
        """We end it, for a ``reason`` worth counting."""

    def left(self, carrier: Carrier) -> None:
        """The connection is gone."""


class Carrier(asyncio.BufferedProtocol):
    """One connection, from its handshake to its end."""

    __slots__ = (
        "_choked", "_closing", "_gathering", "_head", "_house", "_leaving", "_opcode", "_out", "_partial",
        "_pinged", "_protocol", "_queued", "_timer", "_transport", "bucket", "client", "ending", "heard",
        "ident", "last_read", "malformed", "shared",
    )  # fmt: skip

    def __init__(self, house: House, transport: asyncio.Transport) -> None:
        self._house = house
        self._transport = transport
        self._protocol = ServerProtocol(max_size=MAX_MESSAGE, logger=_frames)
        self._head: bytearray | None = bytearray()
        """What has come of the request; ``None`` once it is complete."""
        self._partial: bytearray | None = None
        """The fragments of a message so far; the protocol bounds their sum."""
        self._opcode = Opcode.TEXT
        """Of the message that is being read."""
        self._out: list[bytes] = []
        """Frames gathered in this turn; what the protocol itself has to say comes behind them."""
        self._queued = 0
        """Bytes waiting to be sent."""
        self._gathering = False
        """:meth:`flush` will be called."""
        self._choked = False
        """The peer does not read what we send; so we read nothing from it either."""
        self._timer: asyncio.TimerHandle | None = None
        """Ends the handshake, the pause of one that talks too fast, or the closing handshake."""
        now = house.clock()
        self._pinged = now
        self.last_read = now
        self.heard = now
        """When it last sent a message."""
        self.malformed = 0
        self.ident: ConnId | None = None
        """``None`` before it is let in."""
        self.client = ""
        self.bucket: Bucket
        self.shared: Bucket
        """With its client's other connections; both from when it is let in."""
        self.ending = False
        """We are ending it, or the peer is."""
        self._leaving = False
        """The peer has said farewell; what it said before is still to be taken."""
        self._closing = False
        """:data:`FAREWELL` runs."""

    def begin(self, head: bytes) -> None:
        """Start with what has been read of the connection already."""
        self._after(HANDSHAKE, self.abort)
        self._received(head)

    # asyncio

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._house.scratch

    def buffer_updated(self, nbytes: int) -> None:
        self._received(bytes(self._house.scratch[:nbytes]))

    def eof_received(self) -> bool:
        self._protocol.receive_eof()
        return False  # the transport closes itself, once it has sent what it holds

    def connection_lost(self, exc: BaseException | None) -> None:
        self.ending = True
        self._cancel()
        self._house.left(self)

    def pause_writing(self) -> None:
        self._choked = True
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        self._choked = False
        if self._timer is None or self.ending:
            self._transport.resume_reading()

    # what comes in

    def _received(self, data: bytes) -> None:
        now = self.last_read = self._house.clock()
        if self._head is not None:
            data = self._greeted(data)
            if not data:
                return
        protocol = self._protocol
        protocol.receive_data(data)
        self._leaving = protocol.state is not State.OPEN
        wait = 0.0
        for frame in protocol.events_received():
            # Control frames and fragments count like messages: each costs as much to read.
            wait = max(wait, self.bucket.take(now), self.shared.take(now))
            if not self.ending:
                self._frame(cast(Frame, frame), now)
        if protocol.writes:
            self._gather()
        if protocol.state is not State.OPEN:
            self._close()
        elif wait and not self.ending:
            self._transport.pause_reading()
            self._after(wait, self._go_on)

    def _go_on(self) -> None:
        self._timer = None
        if not self._choked:
            self._transport.resume_reading()

    def _frame(self, frame: Frame, now: float) -> None:
        if frame.opcode is Opcode.TEXT or frame.opcode is Opcode.BINARY:
            self._opcode = frame.opcode
            if frame.fin:
                self._message(cast(bytes, frame.data), now)
            else:
                self._partial = bytearray(frame.data)
        elif frame.opcode is Opcode.CONT and self._partial is not None:
            self._partial += frame.data
            if frame.fin:
                message, self._partial = bytes(self._partial), None
                self._message(message, now)

    def _message(self, message: bytes, now: float) -> None:
        self.heard = now
        try:
            request = wire.decode(message)
        except WireError as error:
            if self._opcode is Opcode.TEXT and not _is_utf8(message):
                self._protocol.fail(CloseCode.INVALID_DATA)  # RFC 6455 §8.1
                self.ending = True
            else:
                self._house.malformed(self, message, error)
            return
        self._house.received(self, request, now)

    # the opening handshake (RFC 6455 §4.2)

    def _greeted(self, data: bytes) -> bytes:
        """Go on with the handshake; what has come behind it, once it has succeeded."""
        if self.ending:
            return b""
        head = self._head
        assert head is not None
        looked = max(0, len(head) - 3)
        head += data
        end = head.find(b"\r\n\r\n", looked)
        if end < 0 and len(head) <= MAX_HEAD:
            return b""
        self._head = None
        protocol = self._protocol
        if end < 0 or end > MAX_HEAD:
            self._respond(protocol.reject(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "head too long\n"))
            return b""
        protocol.receive_data(head[: end + 4])
        events = protocol.events_received()
        if not events:
            protocol.data_to_send()  # a bare end of stream
            self._transport.write(_BAD_REQUEST)
            self._close()
            return b""
        accepted = self._respond(self._answer(cast(Request, events[0])))
        return bytes(head[end + 4 :]) if accepted else b""

    def _answer(self, request: Request) -> Response:
        protocol = self._protocol
        if len(request.headers.get_all("Host")) != 1:  # RFC 9112 §3.2
            return protocol.reject(HTTPStatus.BAD_REQUEST, "one Host header is needed\n")
        response = protocol.accept(request)
        if response.status_code != HTTPStatus.SWITCHING_PROTOCOLS:
            if request.headers.get_all("Sec-WebSocket-Version") != ["13"]:  # RFC 6455 §4.2.2
                response = protocol.reject(HTTPStatus.UPGRADE_REQUIRED, "WebSocket version 13 is needed\n")
                response.headers["Sec-WebSocket-Version"] = "13"
                response.headers["Upgrade"] = "websocket"
            return response
        if self._house.enter(self, client_key(self._address(request))) is not None:
            response = protocol.reject(HTTPStatus.SERVICE_UNAVAILABLE, "too many tracker connections\n")
            response.headers["Retry-After"] = "30"
        return response

    def _respond(self, response: Response) -> bool:
        """Send it; whether there is a WebSocket now."""
        self._cancel()
        self._protocol.send_response(response)
        self.flush()
        accepted = response.status_code == HTTPStatus.SWITCHING_PROTOCOLS
        if not accepted:
            self._close()
        return accepted

    def _address(self, request: Request) -> str:
        if self._house.trust_proxy:
            for value in reversed(request.headers.get_all("X-Forwarded-For")):
                return value.rpartition(",")[2].strip()
        peer: Any = self._transport.get_extra_info("peername")
        return str(peer[0]) if isinstance(peer, tuple) else ""

    # what goes out

    def push(self, message: bytes) -> None:
        """Send one text message at the end of this turn; a reader too slow is ended instead of held for."""
        if self.ending or self._leaving:
            return
        length = len(message)
        # RFC 6455 §5.2: one unmasked frame, in a tenth of the time that the protocol takes for it.
        if length < 126:
            self._out.append(b"\x81%c%b" % (length, message))
        elif length < 65536:
            self._out.append(b"\x81\x7e%b%b" % (length.to_bytes(2, "big"), message))
        else:
            self._out.append(b"\x81\x7f%b%b" % (length.to_bytes(8, "big"), message))
        self._queued += length
        if self._queued > GATHER:
            self.flush()
        elif not self._gathering:
            self._gather()

    def _gather(self) -> None:
        """Have :meth:`flush` called."""
        if not self._gathering:
            self._gathering = True
            self._house.gathered(self)

    def flush(self) -> None:
        """Write what has been gathered."""
        self._gathering = False
        writes, self._out = self._out, []
        if self._protocol.writes:
            writes += self._protocol.data_to_send()
        transport = self._transport
        if not writes or transport.is_closing():
            return
        transport.write(writes[0] if len(writes) == 1 else b"".join(writes))  # SEND_EOF is empty
        self._queued = transport.get_write_buffer_size()
        if self._queued > self._house.limits.max_queue_bytes and not self.ending:
            self._house.ended(self, "slow")
            self.abort()
        elif writes[-1] == SEND_EOF and transport.can_write_eof():
            try:
                transport.write_eof()
            except OSError:  # the peer's reset was faster; asyncio passes on what shutdown(2) says
                self.abort()

    # the end

    def end(self, code: int, reason: str) -> None:
        """Say why and close; at once when the peer does not read: the word would wait behind all the rest."""
        if self.ending:
            return
        if self._protocol.state is not State.OPEN or reason in ("slow", "idle"):
            self.abort()
            return
        self._protocol.send_close(code, reason)
        self._gather()
        self._close()

    def abort(self) -> None:
        """Drop the connection and what was not sent yet."""
        self.ending = True
        self._transport.abort()

    def _close(self) -> None:
        """The closing handshake is under way: closing TCP at once could destroy its last frame (RFC 6455
        §7.1.1), so the peer may do it; but only so long."""
        self.ending = True
        if self._closing:
            return
        self._closing = True
        if not self._choked:
            self._transport.resume_reading()
        self._after(FAREWELL, self.abort)

    # time

    def look(self, now: float) -> bool:
        """Ping when it is time; whether the peer has been idle for too long."""
        limits = self._house.limits
        if now - self.heard > limits.silent_timeout or now - self.last_read > limits.idle_timeout:
            return True
        if now - self._pinged >= PING and not self.ending and not self._choked:
            self._pinged = now
            self._protocol.send_ping(b"")
            self._gather()
        return False

    def _after(self, seconds: float, what: Callable[[], None]) -> None:
        self._cancel()
        self._timer = asyncio.get_running_loop().call_later(seconds, what)

    def _cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _is_utf8(message: bytes) -> bool:
    try:
        message.decode()
    except UnicodeDecodeError:
        return False
    return True
