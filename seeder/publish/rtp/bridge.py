"""RTP packets to a private ffmpeg, over UDP ports of this machine that only the two of us use.

ffmpeg binds a pair of ports (RTP and RTCP) for each track at 127.0.0.1, and connects them to the same pair at
127.0.0.2, which is ours from first to last. So nothing outside reaches its sockets, what another user of this
machine sends there is thrown away by the kernel, and nobody who binds without an address gets the ports while
one ffmpeg has gone and the next is not there. What remains: another local user who binds exactly 127.0.0.1 in
that moment keeps ffmpeg from starting (it is tried again), and would see the packets.

RTCP goes to RTP's port too, which ffmpeg takes, so that nothing overtakes anything; ffmpeg's RTCP port, bound
last, answers the question whether it listens. UDP knows no "not yet": packets wait here until an ffmpeg
listens. One that only looks at the media leaves them for the next; one that comes after another died gets
what came meanwhile.
"""

from __future__ import annotations

import asyncio
import random
import socket
import struct
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import ExitStack, asynccontextmanager, suppress

from seeder.errors import IngestError
from seeder.ingest.supply import Supply
from seeder.publish.claim import RefusedError
from seeder.publish.rtp import latm
from seeder.publish.rtp.sync import Sync
from seeder.publish.rtp.track import MOST, Track, describe

READER, SENDER = "127.0.0.1", "127.0.0.2"
LOWEST, HIGHEST = 10_000, 32_000
"""Ports: below those that Linux gives to whoever asks for any."""
TRIES = 200
"""Pairs tried before we say that there is none."""
LARGEST = 60_000
"""Bytes of a packet; UDP takes 65507."""
HELD = 16 << 20
"""Bytes of packets that wait for an ffmpeg: the 10 s in which it looks, at 12 Mbit/s. Then the oldest go."""
CATCH_UP = 4.0
"""Times as fast as they came, waiting packets are sent: at once, they would overflow ffmpeg's socket."""
PROBE_SECONDS = 0.02
"""Between two questions whether somebody listens; ffmpeg takes 50 ms and more to get there."""
SOCKET_BYTES = 4 << 20
"""Asked for as ffmpeg's receive buffer; Linux gives 416 KiB unless net.core.rmem_max is larger."""
NOBODY = struct.pack("!BBHI", 0x80, 201, 1, 0)
"""A receiver report about nothing: ffmpeg reads past it."""
GOODBYE = NOBODY + struct.pack("!BBHI", 0x81, 203, 1, 0)
"""RFC 3550 section 6.6. ffmpeg ends, and in order, once it has one for each track; a signal would leave it
waiting for its next packet."""

OPTIONS = (
    "-protocol_whitelist", "pipe,udp,rtp",
    "-sdp_flags", "filter_src", "-localaddr", READER, "-buffer_size", str(SOCKET_BYTES),
)  # fmt: skip
"""ffmpeg's, to read the SDP: with ``filter_src`` it connects its sockets to the sender.

Nothing else, as measured (640x360 copied, segments of 1 s): ``-fflags nobuffer`` throws the first key frame
away, so that the stream begins a GOP later; ``-analyzeduration 0 -probesize 32`` gains nothing, and neither
do ``-max_delay`` or ``-reorder_queue_size``, even where every 40th packet is lost: ffmpeg waits for a missing
packet 100 ms at most, and for nothing when none is missing."""


class Bridge:
    """Made by :func:`bridged`. ``supply`` is for :meth:`~seeder.publish.desk.Session.carry`; tracks are
    numbered as they were given. No method waits."""

    def __init__(
        self, name: str, tracks: Sequence[Track], pairs: Sequence[tuple[socket.socket, socket.socket]]
    ) -> None:
        self.supply = Supply(name, "sdp", OPTIONS, alone=True)
        self._latm = {number: latm.Repacker() for number, track in enumerate(tracks) if is_latm(track)}
        tracks = [latm.generic(track) if is_latm(track) else track for track in tracks]
        self.supply.head = describe(tracks, [pair[0].getsockname()[1] for pair in pairs], SENDER)
        self.supply.on_reader = self._begins
        self.on_listener: Callable[[], None] = lambda: None
        """Called when a new ffmpeg listens: the moment to ask the publisher for a key frame."""
        self.dropped = 0
        """Packets that were too large, or found no room in the sockets."""
        self._pairs = pairs
        lead = next((number for number, track in enumerate(tracks) if track.kind == "video"), 0)
        self._sync = Sync([track.clock for track in tracks], lead)
        self._held: list[tuple[float, int, bytes]] = []  # arrival, track, packet
        self._size = 0
        self._next = 0  # of those held, while the reader catches up
        self._takes = False  # the reader of the moment needs no packet to be kept for another
        self._flowing = False  # it has what was held
        self._reader = asyncio.Event()  # one was started; it may not listen yet
        self._lost = asyncio.Event()  # it has gone

    def rtp(self, track: int, packet: bytes) -> None:
        """A packet of the publisher's."""
        if not 12 <= len(packet) <= LARGEST:
            self.dropped += 1
            return
        self.supply.heard()
        if track in self._latm:
            repacked = self._latm[track].repack(packet)
            if repacked is None:
                return
            packet = repacked
        now = asyncio.get_running_loop().time()
        report = self._sync.packet(track, int.from_bytes(packet[4:8], "big"), now)
        if not (self._flowing and self._takes):
            self._held.append((now, track, packet))
            self._size += len(packet)
            if self._size > HELD:
                self._forget(len(self._held) // 4)
        if self._flowing:
            self._report(track, report)
            self._pass(track, packet)

    def rtcp(self, track: int, packet: bytes) -> None:
        """A compound packet of the publisher's. Of that ffmpeg is told what the sender report says, and
        nothing else: a goodbye would end it."""
        self._report(track, self._sync.report(track, packet))

    async def run(self) -> None:
        """:func:`bridged`'s: for ever, find who listens, and give it what is held."""
        while True:
            await self._reader.wait()
            self._lost.clear()
            await self._listener()
            self.on_listener()
            await self._catch_up()
            if self._flowing and self.supply.ended:
                self._say_goodbye()
            await self._lost.wait()

    async def farewell(self) -> None:
        """:func:`bridged`'s: tell ffmpeg once the supply has ended."""
        while await self.supply.read():
            pass
        if self._flowing:
            self._say_goodbye()

    def _begins(self, takes: bool) -> None:
        """The last reader is dead, and this one has not read its SDP yet."""
        self._lose()
        self._takes = takes
        self._reader.set()

    async def _listener(self) -> None:
        """Returns once an ffmpeg has bound all its ports."""
        answers = [pair[1] for pair in self._pairs]
        while not self._lost.is_set():
            for answer in answers:
                answer.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)  # of an earlier question
                with suppress(OSError):
                    answer.send(NOBODY)
            await asyncio.sleep(PROBE_SECONDS)
            if not any(answer.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) for answer in answers):
                return

    async def _catch_up(self) -> None:
        """Send what is held, while more of it comes."""
        loop = asyncio.get_running_loop()
        for to, _ in self._pairs:
            to.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)  # the last reader's end
        for track, report in self._sync.begin():
            self._send(self._pairs[track][0], report)
        began, first, self._next = loop.time(), self._held[0][0] if self._held else 0.0, 0
        while self._next < len(self._held) and not self._lost.is_set():
            came, track, packet = self._held[self._next]
            self._next += 1
            self._pass(track, packet)
            due = began + (came - first) / CATCH_UP
            if due > loop.time():
                await asyncio.sleep(due - loop.time())
        if not self._lost.is_set():
            self._flowing = True
            if self._takes:
                self._forget(len(self._held))

    def _pass(self, track: int, packet: bytes) -> None:
        if report := self._sync.first(track):
            self._send(self._pairs[track][0], report)
        self._send(self._pairs[track][0], packet)

    def _report(self, track: int, report: bytes | None) -> None:
        if report is not None and self._flowing:
            self._send(self._pairs[track][0], report)

    def _say_goodbye(self) -> None:
        for pair in self._pairs:
            self._send(pair[0], GOODBYE)

    def _send(self, to: socket.socket, packet: bytes) -> None:
        try:
            to.send(packet)
        except ConnectionRefusedError:  # about an earlier packet: nobody listens any more
            self._lose()
        except OSError:
            self.dropped += 1

    def _lose(self) -> None:
        """What comes from now on is kept for the next reader."""
        self._flowing = False
        self._reader.clear()
        self._lost.set()

    def _forget(self, count: int) -> None:
        self._size -= sum(len(packet) for _, _, packet in self._held[:count])
        del self._held[:count]
        self._next = max(0, self._next - count)


def is_latm(track: Track) -> bool:
    return track.codec.lower() == "mp4a-latm"


@asynccontextmanager
async def bridged(name: str, tracks: Sequence[Track]) -> AsyncIterator[Bridge]:
    """``name``: for people (``RTSP from 192.0.2.7``). Raises :class:`RefusedError` (415) for tracks that
    cannot be used, :class:`IngestError` when there are no ports."""
    if not 1 <= len(tracks) <= MOST:
        raise RefusedError(f"{len(tracks)} tracks: give 1 to {MOST}", 415)
    with ExitStack() as stack:
        made = Bridge(name, tracks, [_pair(stack) for _ in tracks])
        tasks = [asyncio.create_task(made.run()), asyncio.create_task(made.farewell())]
        try:
            yield made
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


def _pair(stack: ExitStack) -> tuple[socket.socket, socket.socket]:
    """For RTP (at an even port, as RFC 3550 section 11 has it) and RTCP."""
    error: OSError | None = None
    for _ in range(TRIES):
        port = random.randrange(LOWEST, HIGHEST, 2)
        with ExitStack() as trial:
            try:
                pair = (_socket(trial, port), _socket(trial, port + 1))
            except OSError as failure:
                error = failure
                continue
            stack.push(trial.pop_all())
            return pair
    raise IngestError(f"no UDP ports for RTP at {SENDER}: {error}") from error


def _socket(stack: ExitStack, port: int) -> socket.socket:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((READER, port))  # ffmpeg's: free as far as we can tell
    made = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    made.setblocking(False)
    made.bind((SENDER, port))
    made.connect((READER, port))
    return made
