"""Carries the tracker over WebSocket: bytes here, decisions in ``swarm``.

Two ways in. A connection that asks for a WebSocket over HTTP/1.1 is adopted (``carrier``): nothing is between
its socket and us. All else (HTTP/2, other servers) comes as an ASGI application's (``queue``): one task reads
a connection, one writes it from a bounded queue. Either way nobody ever waits for another's socket.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from contextlib import suppress
from functools import partial
from random import Random
from types import TracebackType
from typing import Any, Self

from seeder.errors import WireError
from seeder.stats.counters import TrackerCounters
from seeder.tracker import wire
from seeder.tracker.carrier import READ, Carrier
from seeder.tracker.gate import Bucket, Gate, client_key
from seeder.tracker.limits import Limits
from seeder.tracker.queue import TRY_LATER, Connection, Link
from seeder.tracker.swarm import ConnId, Send, Swarm

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Transmit = Callable[[Message], Awaitable[None]]

log = logging.getLogger(__name__)

TICK = 1.0
"""Seconds between looks for what has expired and who waits for our seed: in a flood its only cue."""
FAREWELL = 1.0
"""Seconds given to a close frame: a client that does not read would hold up the shutdown of all."""

HOME = "live-torrent.home"
"""Marks the scopes of :meth:`Tracker.home`."""

KINDS: dict[type, str] = {wire.Announce: "announce", wire.Answer: "answer", wire.Scrape: "scrape"}
"""The counters' names of what is received."""

GOING_AWAY, POLICY = 1001, 1008
"""RFC 6455 §7.4.1."""


class Tracker:
    """The tracker of one server: an ASGI application for ``websocket`` scopes, and the async context in
    which it expires what is stale. Leaving the context closes every connection (1001).

    ``knows``: which infohashes exist here. ``trust_proxy``: take the client's address from the last
    X-Forwarded-For entry; off unless a proxy of ours sets it, for anyone can send that header.
    ``lend``: ICE servers for the peer of an id that asks (:mod:`seeder.tracker.turn`).
    Connections from any Origin are served: players embedded in other sites announce here, and a tracker
    holds nothing that a browser's cookies would open.
    """

    def __init__(
        self,
        knows: Callable[[bytes], bool],
        *,
        limits: Limits | None = None,
        rng: Random | None = None,
        clock: Callable[[], float] = time.monotonic,
        trust_proxy: bool = False,
        lend: Callable[[bytes], wire.IceServer] | None = None,
    ) -> None:
        self.counters = TrackerCounters()
        self.limits = limits or Limits()
        self._swarm = Swarm(self.limits, knows, rng or Random(), lend)
        self._gate = Gate(self.limits)
        self.clock = clock
        self.trust_proxy = trust_proxy
        self._connections: dict[ConnId, Connection | Carrier] = {}
        self._greeting: set[Carrier] = set()
        """Those whose handshake is not over; each ends within seconds."""
        self.scratch = memoryview(bytearray(READ))
        self._gathered: list[Carrier] = []
        """Those with something to write in this turn of the loop."""
        self._empty = asyncio.Event()
        """No connection is open."""
        self._empty.set()
        self._idents = 0
        self._closing = False
        self._ticker: asyncio.Task[None] | None = None

    # for the other rooms

    def viewers(self, infohash: bytes) -> int:
        """Peers of a swarm now; asked about rendezvous hashes, it counts a stream's viewers."""
        counts = self._swarm.counts(infohash)
        return counts.complete + counts.incomplete

    def retire(self, infohash: bytes) -> None:
        """A segment's torrent has been removed: one last reply to its members, then forget the swarm.

        Call it after libtorrent has let go of the torrent, or its last reply comes too early to matter.
        """
        self._deliver(self._swarm.retire(infohash))

    async def __aenter__(self) -> Self:
        self._ticker = asyncio.create_task(self._tick(), name="tracker tick")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._ticker is not None:
            self._ticker.cancel()
            with suppress(asyncio.CancelledError):
                await self._ticker
        await self.close()

    async def close(self) -> None:
        """Refuse new connections and end all with 1001; waits until their tasks are done. Idempotent."""
        self._closing = True
        for connection in (*self._greeting, *self._connections.values()):
            connection.end(GOING_AWAY, "shutdown")
        await self._empty.wait()  # bounded: each says farewell for at most 2 × FAREWELL

    # ASGI

    async def home(self, scope: Message, receive: Receive, send: Transmit) -> None:
        """The same for a listener that nobody but our own libtorrent reaches: what is on it is our seed,
        and no crowd behind its address is counted against it."""
        await self({**scope, HOME: True}, receive, send)

    async def __call__(self, scope: Message, receive: Receive, send: Transmit) -> None:
        if scope["type"] != "websocket":
            await _no_page(scope, send)
            return
        await receive()  # websocket.connect: always the first
        home = scope.get(HOME, False)
        client = HOME if home else client_key(self._address(scope))
        refusal = "shutdown" if self._closing else self._gate.enter(client)
        if refusal is not None:
            self._refused(refusal, client)
            await _deny(scope, send)
            return
        self._idents += 1
        link: Link | None = scope.get("state", {}).get("link")
        now = self.clock()
        shared = self._gate.bucket(client, now)
        ident = ConnId(self._idents)
        slow = partial(self._refused, "slow", str(ident))
        connection = Connection(ident, self.limits, link, now, shared, slow)
        self._connections[connection.ident] = connection
        self._swarm.opened(connection.ident, client, home=home)
        self._empty.clear()
        self.counters.opened += 1
        self.counters.connections += 1
        try:
            await send({"type": "websocket.accept"})
            await self._serve(connection, receive, send)
        finally:
            del self._connections[connection.ident]
            self.counters.connections -= 1
            self._gate.leave(client)
            self._swarm.closed(connection.ident)
            if not self._connections and not self._greeting:
                self._empty.set()

    async def _serve(self, connection: Connection, receive: Receive, send: Transmit) -> None:
        """Until the client leaves or we end the connection."""
        reader = asyncio.create_task(self._read(connection, receive))
        writer = asyncio.create_task(self._write(connection, send))
        try:
            waited: set[asyncio.Future[Any]] = {reader, writer, connection.ended}
            await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
        finally:
            reader.cancel()
            writer.cancel()
            results = await asyncio.gather(reader, writer, return_exceptions=True)
            if connection.ended.done():
                await self._farewell(connection, receive, send)
        for result in results:
            if isinstance(result, Exception):
                raise result

    async def _read(self, connection: Connection, receive: Receive) -> None:
        while True:
            message = await receive()
            if message["type"] != "websocket.receive":
                return
            now = connection.heard = self.clock()
            text = message.get("text")
            self._take(connection, text if text is not None else message.get("bytes") or b"", now)
            if wait := connection.pause(now):
                await asyncio.sleep(wait)

    async def _write(self, connection: Connection, send: Transmit) -> None:
        while True:
            await send({"type": "websocket.send", "text": await connection.pull()})

    async def _farewell(self, connection: Connection, receive: Receive, send: Transmit) -> None:
        code, reason = connection.ended.result()
        if reason in ("slow", "idle") and connection.link is not None:
            connection.link.abort()  # it does not read: a close frame would wait behind all the rest
            return
        with suppress(TimeoutError, OSError):
            async with asyncio.timeout(FAREWELL):
                await send({"type": "websocket.close", "code": code, "reason": reason})
            async with asyncio.timeout(FAREWELL):
                # Closing TCP at once could destroy the close frame under way (RFC 6455 §7.1.1).
                while (await receive())["type"] != "websocket.disconnect":
                    pass

    # straight on a transport

    def adopt(self, transport: asyncio.Transport, head: bytes) -> Carrier:
        """Take over a connection, plain or TLS, that asks for a WebSocket here: the server that accepted it
        has no more to do with it. ``head``: what was read of it, from the first byte of its request on;
        more than the request or only a part of it. :meth:`close` ends it, too."""
        carrier = Carrier(self, transport)
        self._greeting.add(carrier)
        self._empty.clear()
        transport.set_protocol(carrier)
        carrier.begin(head)
        return carrier

    def enter(self, carrier: Carrier, client: str) -> str | None:
        refusal = "shutdown" if self._closing else self._gate.enter(client)
        if refusal is not None:
            self._refused(refusal, client)
            return refusal
        self._idents += 1
        now = self.clock()
        carrier.ident, carrier.client = ConnId(self._idents), client
        carrier.bucket = Bucket(self.limits.message_rate, self.limits.message_burst, now)
        carrier.shared = self._gate.bucket(client, now)
        self._greeting.discard(carrier)
        self._connections[carrier.ident] = carrier
        self._swarm.opened(carrier.ident, client)
        self.counters.opened += 1
        self.counters.connections += 1
        return None

    def gathered(self, carrier: Carrier) -> None:
        if not self._gathered:
            asyncio.get_running_loop().call_soon(self._flush)
        self._gathered.append(carrier)

    def _flush(self) -> None:
        gathered, self._gathered = self._gathered, []
        for carrier in gathered:
            carrier.flush()

    def ended(self, carrier: Carrier, reason: str) -> None:
        self._refused(reason, str(carrier.ident))

    def left(self, carrier: Carrier) -> None:
        self._greeting.discard(carrier)
        if carrier.ident is not None and carrier.ident in self._connections:
            del self._connections[carrier.ident]
            self.counters.connections -= 1
            self._gate.leave(carrier.client)
            self._swarm.closed(carrier.ident)
        if not self._connections and not self._greeting:
            self._empty.set()

    # between wire and swarm

    def _take(self, connection: Connection, text: str | bytes, now: float) -> None:
        try:
            request = wire.decode(text)
        except WireError as error:
            self.malformed(connection, text, error)
            return
        self.received(connection, request, now)

    def received(self, connection: Connection | Carrier, request: wire.Request, now: float) -> None:
        assert connection.ident is not None
        self.counters.received[KINDS[type(request)]] += 1
        self._deliver(self._swarm.receive(connection.ident, request, now))

    def malformed(self, connection: Connection | Carrier, text: str | bytes, error: WireError) -> None:
        assert connection.ident is not None
        self.counters.received["malformed"] += 1
        action, infohash = wire.addressee(text)
        pace = wire.Pace(self.limits.interval, self.limits.min_interval)
        self._deliver([Send(connection.ident, wire.Failure(action, infohash, error.reason, pace))])
        connection.malformed += 1
        if connection.malformed > self.limits.max_malformed:
            self._refused("malformed", str(connection.ident))
            connection.end(POLICY, "too many malformed messages")

    def _deliver(self, sends: Iterable[Send]) -> None:
        for one in sends:
            kind = type(one.reply)
            if kind is wire.OfferRelay:
                self.counters.offers += 1
            elif kind is wire.AnswerRelay:
                self.counters.answers += 1
            elif kind is wire.Failure:
                self.counters.failures += 1
            connection = self._connections.get(one.conn)
            if connection is None:
                continue
            connection.push(wire.encode(one.reply))

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK)
            now = self.clock()
            self._deliver(self._swarm.tick(now))
            for connection in self._connections.values():
                if connection.look(now) and not connection.ending:
                    self._refused("idle", str(connection.ident))
                    connection.end(GOING_AWAY, "idle")

    def _refused(self, reason: str, who: str) -> None:
        self.counters.refused[reason] += 1
        if reason in ("per-ip", "total"):
            # The first one is worth a line, the thousandth is not.
            level = logging.WARNING if self.counters.refused[reason] == 1 else logging.DEBUG
            log.log(level, "tracker: connection limit (%s) reached by %s", reason, who)
        else:
            log.debug("tracker: ended %s: %s", who, reason)

    def _address(self, scope: Message) -> str:
        if self.trust_proxy:
            for name, value in reversed(scope["headers"]):
                if name == b"x-forwarded-for":
                    return str(value.decode("latin-1").rpartition(",")[2].strip())
        client = scope.get("client")
        return str(client[0]) if client else ""


async def _no_page(scope: Message, send: Transmit) -> None:
    """Someone opened the tracker's address in a browser; lifespan events need no answer."""
    if scope["type"] == "http":
        headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"upgrade", b"websocket")]
        await send({"type": "http.response.start", "status": 426, "headers": headers})
        await send({"type": "http.response.body", "body": b"a WebTorrent tracker: use a WebSocket\n"})


async def _deny(scope: Message, send: Transmit) -> None:
    """Too many: 503 with Retry-After where the server can send a response, else ASGI's plain 403."""
    if "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close", "code": TRY_LATER})
        return
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"retry-after", b"30")]
    await send({"type": "websocket.http.response.start", "status": 503, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": b"too many tracker connections\n"})
