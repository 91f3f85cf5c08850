"""Streams as MPEG-TS for whoever listens: one ffmpeg a stream, while anybody does.

A listener begins at a key frame, about a segment before the newest; each has a bounded queue, and who does
not empty it skips to a later key frame. A recording has an ffmpeg for each listener: it is read from its
beginning, at the listener's pace.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, deque
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

from seeder.errors import IngestError, cause
from seeder.feed.library import Library
from seeder.ingest.binary import Binary, find
from seeder.onward.choice import UnfitError
from seeder.onward.packets import Chunk, Packets
from seeder.onward.reel import check, pieces
from seeder.onward.remux import Remux, Run

MOST = 500
"""Listeners at once. Each is sent every byte from here, as no viewer with peers is: 500 × 4 Mbit/s fill a
line of 2 Gbit/s."""
MOST_CHANNELS = 64
"""ffmpegs at once: some 20 MiB each."""
QUEUE = 8 << 20
"""Bytes a listener may be behind: 16 s at 4 Mbit/s. They are held once for all who are."""
BACKLOG = 16 << 20
"""Bytes kept for who comes next: a segment at 60 Mbit/s. Where they do not hold one, who comes waits for the
next key frame."""
LINGER = 8.0
"""Seconds that a channel outlives its last listener: players reconnect."""
FIRST = 20.0
"""Seconds for the first bytes: a segment is there, ffmpeg starts in a tenth on an idle machine."""
SEAM = 0.2
"""Seconds between two runs: pictures that are reordered, and sound that begins before the picture, need it
for time stamps never to go back."""
START = 10.0
"""Seconds: the first time stamp. Before the first presentation time there are decoding times, which must not
be negative."""

log = logging.getLogger(__name__)


def muxing(run: Run, begins: float) -> list[str]:
    """ffmpeg's arguments for MPEG-TS whose time stamps begin at ``begins`` seconds. Pure."""
    return [
        "-f", "mpegts", "-muxdelay", "0", "-muxpreload", "0",
        "-output_ts_offset", f"{begins:.3f}",
        # Counters and tables begin anew, and say so.
        "-mpegts_flags", "+initial_discontinuity", "-tables_version", str(run.number % 32),
        "-flush_packets", "1", "pipe:1",
    ]  # fmt: skip


class Listener:
    """One reader of a channel. ``patient``: the channel waits for it, instead of its skipping."""

    def __init__(self, patient: bool) -> None:
        self.skipped = 0
        """How many times."""
        self._patient = patient
        self._queue: deque[bytes] = deque()
        self._size = 0
        self._begun = False
        self._over = False
        self._changed = asyncio.Event()
        self._room = asyncio.Event()

    async def read(self) -> bytes:
        """The next bytes; empty when the stream has ended. Safe to cancel."""
        while not self._queue and not self._over:
            self._changed.clear()
            await self._changed.wait()
        data = b"".join(self._queue)
        self._queue.clear()
        self._size = 0
        self._room.set()
        return data

    async def give(self, chunk: Chunk) -> None:
        while self._patient and self._size >= QUEUE and not self._over:
            self._room.clear()
            await self._room.wait()
        full = not self._patient and self._size + len(chunk.data) > QUEUE
        if full and self._begun:
            self._begun = False
            self.skipped += 1
        if not self._begun:
            if full or not chunk.entry:
                return
            self._begun = True
            self._put(chunk.tables)
        self._put(chunk.data)

    def end(self) -> None:
        self._over = True
        self._changed.set()
        self._room.set()

    def _put(self, data: bytes) -> None:
        self._queue.append(data)
        self._size += len(data)
        self._changed.set()


class Channel:
    """One playlist's. Made and run by :class:`Channels`."""

    def __init__(self, library: Library, binary: Binary, stream: str, wanted: str, whole: bool) -> None:
        self._library = library
        self.stream = stream
        self._wanted = wanted
        self._whole = whole
        self._packets = Packets()
        self._backlog: deque[Chunk] = deque()
        self._held = 0  # bytes in it
        self._span = 2.0  # seconds that it goes back: the length of the last segments
        self.listeners: set[Listener] = set()
        self.remux = Remux(binary.path, stream, self._muxing, self._take, patient=whole)
        self.ended = False
        self.error: UnfitError | None = None
        self.task: asyncio.Task[None] | None = None
        self.last_left = 0.0

    async def run(self) -> None:
        try:
            async with aclosing(pieces(self._library, self.stream, self._wanted)) as reel:
                await self.remux.run(reel)
        except UnfitError as error:
            self.error = error
        finally:
            self.ended = True
            for listener in self.listeners:
                listener.end()

    async def enter(self) -> Listener:
        listener = Listener(self._whole)
        for chunk in tuple(self._backlog):
            await listener.give(chunk)  # waits for nobody: it is less than what a queue holds, or skipped
        self.listeners.add(listener)
        if self.ended:
            listener.end()
        return listener

    def _muxing(self, run: Run) -> list[str]:
        begins = self._packets.time + SEAM + run.piece.hole if run.number else START
        self._packets.begin(begins)
        self._span = max(1.0, run.piece.seconds)
        return muxing(run, begins)

    async def _take(self, data: bytes) -> None:
        for chunk in self._packets.feed(data):
            self._keep(chunk)
            for listener in tuple(self.listeners):
                await listener.give(chunk)

    def _keep(self, chunk: Chunk) -> None:
        """The backlog begins with an entry, or is empty."""
        if self._whole or not (chunk.entry or self._backlog):
            return
        self._backlog.append(chunk)
        self._held += len(chunk.data)
        while self._held > BACKLOG or self._second_entry_will_do(chunk.time):
            self._held -= len(self._backlog.popleft().data)
            while self._backlog and not self._backlog[0].entry:
                self._held -= len(self._backlog.popleft().data)

    def _second_entry_will_do(self, now: float) -> bool:
        second = next((c for i, c in enumerate(self._backlog) if i and c.entry), None)
        return second is not None and now - second.time >= self._span


class Channels:
    """All of them; an async context manager. ``ffmpeg`` as in the settings."""

    def __init__(self, library: Library, ffmpeg: Path | None = None, linger: float = LINGER) -> None:
        self._library = library
        self._ffmpeg = ffmpeg
        self._linger = linger
        self._binary: Binary | None = None
        self._channels: dict[object, Channel] = {}
        self._closed = False

    def listeners(self) -> Counter[str]:
        """How many there are now, by stream."""
        found: Counter[str] = Counter()
        for channel in self._channels.values():
            found[channel.stream] += len(channel.listeners)
        return found

    def channels(self) -> tuple[Channel, ...]:
        return tuple(self._channels.values())

    def check(self, stream: str, wanted: str = "") -> None:
        """Raises :class:`UnfitError` when there is nothing to listen to, as far as can be told at once."""
        view = self._library.stream(stream)
        if view is None:
            raise UnfitError("no such stream", 404)
        check(view, wanted)

    @asynccontextmanager
    async def listen(self, stream: str, wanted: str = "") -> AsyncIterator[tuple[bytes, Listener]]:
        """The first bytes, and who reads on. Raises :class:`UnfitError`."""
        self.check(stream, wanted)
        if self._closed or sum(self.listeners().values()) >= MOST:
            raise UnfitError(f"{MOST} players listen already: no more fit", 503)
        binary = await self._find()
        channel = self._channel(binary, stream, wanted)
        listener = await channel.enter()
        try:
            first = b""
            try:
                async with asyncio.timeout(FIRST):
                    first = await listener.read()
            except TimeoutError:
                raise UnfitError("nothing comes of the stream at the moment", 503) from None
            if not first:
                raise channel.error or UnfitError("the stream has ended", 404)
            yield first, listener
        finally:
            listener.end()
            channel.listeners.discard(listener)
            channel.last_left = asyncio.get_running_loop().time()

    async def close(self) -> None:
        """End every channel, and with it every answer. Idempotent."""
        self._closed = True
        tasks = [channel.task for channel in self._channels.values() if channel.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _find(self) -> Binary:
        if self._binary is None:
            try:
                self._binary = await find(self._ffmpeg)
            except IngestError as error:
                log.warning("no MPEG-TS over HTTP: %s", error)
                raise UnfitError("there is no ffmpeg here", 503) from None
        return self._binary

    def _channel(self, binary: Binary, stream: str, wanted: str) -> Channel:
        view = self._library.stream(stream)
        whole = view is not None and not view.live
        key: object = object() if whole else (stream, wanted)
        channel = self._channels.get(key)
        if channel is not None and not channel.ended:
            return channel
        if len(self._channels) >= MOST_CHANNELS:
            raise UnfitError(f"{MOST_CHANNELS} streams are listened to already: no more fit", 503)
        channel = Channel(self._library, binary, stream, wanted, whole)
        self._channels[key] = channel
        channel.task = asyncio.create_task(self._kept(key, channel), name=f"{stream}.ts")
        return channel

    async def _kept(self, key: object, channel: Channel) -> None:
        """Until it has ended, or nobody has listened for a while."""
        work = asyncio.create_task(channel.run())
        loop = asyncio.get_running_loop()
        channel.last_left = loop.time()
        try:
            while not work.done():
                await asyncio.wait({work}, timeout=min(1.0, self._linger))
                if not channel.listeners and loop.time() - channel.last_left >= self._linger:
                    break
        finally:
            if self._channels.get(key) is channel:
                del self._channels[key]
            work.cancel()
            outcome = (await asyncio.gather(work, return_exceptions=True))[0]
        if isinstance(outcome, Exception):
            log.error("%s: sending it on as MPEG-TS crashed: %r", channel.stream, cause(outcome))
