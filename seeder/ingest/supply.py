"""A publisher's media on its way to ffmpeg's standard input: one writer, bounded, read again by a new ffmpeg.

ffmpeg may die while its publisher goes on. The next one begins with :attr:`Supply.head` (what its format
begins with) at the next chunk it can start from.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace

from seeder.ingest.probe import Probe

LIMIT = 16 << 20
"""Bytes held: what a publisher sends while its input is looked at, 10 s at 12 Mbit/s. Beyond that
:meth:`Supply.write` waits, and with it the publisher's connection."""
SILENCE = 10.0
"""Seconds without a byte after which a publisher counts as gone; encoders send audio many times a second."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is inside, where the writer has found out: nobody needs to look at it."""

    probe: Probe
    varies: int | None = None
    """See :class:`~seeder.ingest.sources.Source`."""


@dataclass(frozen=True, slots=True)
class _Chunk:
    data: bytes
    entry: bool
    head: bytes | None = None
    anew: bool = False
    look: bool = False
    known: Known | None = None


class Supply:
    """Written by whoever speaks with the publisher, read by one ffmpeg after the other."""

    def __init__(
        self,
        name: str,
        format: str,
        options: tuple[str, ...] = (),
        *,
        alone: bool = False,
        silence: float = SILENCE,
        varies: int | None = None,
        tells: bool = False,
    ) -> None:
        """``name``: for people (``RTMP from 192.0.2.7``), without secrets; ``format``: ffmpeg's demuxer;
        ``options``: its further input options; ``alone``: the head is all that standard input gets (an SDP,
        the media of which comes another way); ``varies``: see :class:`~seeder.ingest.sources.Source`;
        ``tells``: each head comes with what is :class:`Known` of the media behind it."""
        self.name = name
        self.format = format
        self.options = options
        self.alone = alone
        self.varies = varies
        self.tells = tells
        self.head = b""
        """What every reader needs first: FLV's header and sequence headers, an SDP; empty for MPEG-TS. The
        writer sets it before the first chunk, and may change it."""
        self.silence = silence
        self.why = ""
        """Why it ended, for people; empty while it goes on, and when the publisher just stopped."""
        self.on_reader: Callable[[bool], None] = lambda takes: None
        """Called when an ffmpeg is about to begin; True for one that takes what it reads, False for one that
        looks."""
        self._known: Known | None = None
        self._held: deque[_Chunk] = deque()
        self._size = 0
        self._begun = False
        self._seeking = False
        self._ended = False
        self._last = 0.0
        self._changed = asyncio.Condition()

    @property
    def ended(self) -> bool:
        """Nothing more comes; what is held can still be read."""
        return self._ended

    @property
    def size(self) -> int:
        """Bytes held."""
        return self._size

    @property
    def turned(self) -> bool:
        """The reader has come to where another one has to begin."""
        return bool(self._held) and self._held[0].anew

    @property
    def unlike(self) -> bool:
        """… and what that one will read is of another kind."""
        return self.turned and self._held[0].look

    async def write(
        self,
        chunk: bytes,
        entry: bool = True,
        *,
        head: bytes | None = None,
        anew: bool = False,
        look: bool = False,
        known: Known | None = None,
    ) -> None:
        """``entry``: a new ffmpeg can start with ``chunk``; ``head``: the head from it on; ``anew``: a new
        ffmpeg has to start with it, for the one before it cannot go on; ``look``: and to look what is inside;
        ``known``: what is, from it on. Waits while too much is held; safe to cancel."""
        async with self._changed:
            self._last = asyncio.get_running_loop().time()
            if self._seeking and not entry:
                self.head = self.head if head is None else head
                self._known = known or self._known
                return
            self._seeking = False
            await self._changed.wait_for(lambda: self._size < LIMIT or self._ended)
            if not self._ended:
                self._held.append(_Chunk(chunk, entry, head, anew, look, known))
                self._size += len(chunk)
            self._changed.notify_all()

    def heard(self) -> None:
        """Media came that does not pass here (``alone``): the publisher is not silent."""
        self._last = asyncio.get_running_loop().time()

    async def end(self, why: str = "") -> None:
        """Nothing more comes. Idempotent; the first reason stays."""
        async with self._changed:
            if not self._ended:
                self._ended, self.why = True, why
            self._changed.notify_all()

    async def begin(self) -> bytes:
        """A reader begins: what it reads first. The second and later ones skip to where one can start."""
        async with self._changed:
            await self._aligned()
            self._begun = True
            self.head = self._first_head()
            if self._held:
                self._held[0] = replace(self._held[0], head=None, anew=False)
            self.on_reader(True)
            return self.head

    async def read(self) -> bytes:
        """The next bytes, empty at the end and where another reader has to begin. Safe to cancel."""
        async with self._changed:
            await self._until(lambda: bool(self._held))
            data = []
            while self._held and not self._held[0].anew:
                data.append(self._pop())
            self._changed.notify_all()
            return b"".join(data)

    def _pop(self) -> bytes:
        chunk = self._held.popleft()
        self._size -= len(chunk.data)
        if chunk.head is not None:
            self.head = chunk.head
        self._known = chunk.known or self._known
        return chunk.data

    async def told(self) -> Known | None:
        """What the next reader will find, once it is here; None: it ended before. Nobody reads meanwhile."""
        async with self._changed:
            await self._aligned()
            return (self._held[0].known or self._known) if self._held else None

    async def look(self) -> AsyncIterator[bytes]:
        """What the next reader will read, as it comes, without taking it; ends when no more can be held.
        Nobody reads meanwhile."""
        async with self._changed:
            await self._aligned()
            head = self._first_head()
            self.on_reader(False)
        yield head
        at = 0
        while not self.alone:
            async with self._changed:
                await self._until(lambda: len(self._held) > at or self._size >= LIMIT)  # noqa: B023
                stop = next(
                    (index for index in range(max(at, 1), len(self._held)) if self._held[index].anew), None
                )
                new = [
                    self._held[index].data for index in range(at, len(self._held) if stop is None else stop)
                ]
            if not new:
                return
            at += len(new)
            yield b"".join(new)

    async def _until(self, condition: Callable[[], bool]) -> None:
        """Or until the end, which a long silence is."""
        loop = asyncio.get_running_loop()
        self._last = self._last or loop.time()
        while not (condition() or self._ended):
            try:
                async with asyncio.timeout_at(self._last + self.silence):
                    await self._changed.wait()
            except TimeoutError:
                if loop.time() >= self._last + self.silence:
                    self._ended, self.why = True, f"no media for {self.silence:g} s"
                    self._changed.notify_all()

    async def _aligned(self) -> None:
        """Returns when it begins with a chunk that a new ffmpeg can start from, or has ended."""
        if self.alone:
            return
        if self._begun:
            while self._held and not self._held[0].entry:
                self._pop()
            self._seeking = not self._held
            self._changed.notify_all()
        await self._until(lambda: bool(self._held))

    def _first_head(self) -> bytes:
        """The head of who begins to read now."""
        head = self._held[0].head if self._held else None
        return self.head if head is None else head
