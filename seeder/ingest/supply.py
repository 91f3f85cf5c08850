"""A publisher's media on its way to ffmpeg's standard input: one writer, bounded, read again by a new ffmpeg.

ffmpeg may die while its publisher goes on. The next one begins with :attr:`Supply.head` (what its format
begins with) at the next chunk it can start from.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable

LIMIT = 16 << 20
"""Bytes held: what a publisher sends while its input is looked at, 10 s at 12 Mbit/s. Beyond that
:meth:`Supply.write` waits, and with it the publisher's connection."""
SILENCE = 10.0
"""Seconds without a byte after which a publisher counts as gone; encoders send audio many times a second."""


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
    ) -> None:
        """``name``: for people (``RTMP from 192.0.2.7``), without secrets; ``format``: ffmpeg's demuxer;
        ``options``: its further input options; ``alone``: the head is all that standard input gets (an SDP,
        the media of which comes another way)."""
        self.name = name
        self.format = format
        self.options = options
        self.alone = alone
        self.head = b""
        """What every reader needs first: FLV's header and sequence headers, an SDP; empty for MPEG-TS. The
        writer sets it before the first chunk, and may change it."""
        self.silence = silence
        self.why = ""
        """Why it ended, for people; empty while it goes on, and when the publisher just stopped."""
        self._held: deque[tuple[bytes, bool]] = deque()
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

    async def write(self, chunk: bytes, entry: bool = True) -> None:
        """``entry``: a new ffmpeg can start with ``chunk``. Waits while too much is held; safe to cancel."""
        async with self._changed:
            self._last = asyncio.get_running_loop().time()
            if self._seeking and not entry:
                return
            self._seeking = False
            await self._changed.wait_for(lambda: self._size < LIMIT or self._ended)
            if not self._ended:
                self._held.append((chunk, entry))
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
            self._align()
            self._begun = True
            return self.head

    async def read(self) -> bytes:
        """The next bytes, empty at the end. Safe to cancel."""
        async with self._changed:
            await self._until(lambda: bool(self._held))
            data = b"".join(chunk for chunk, _ in self._held)
            self._held.clear()
            self._size = 0
            self._changed.notify_all()
            return data

    async def look(self) -> AsyncIterator[bytes]:
        """What the next reader will read, as it comes, without taking it; ends when no more can be held.
        Nobody reads meanwhile."""
        async with self._changed:
            self._align()
        yield self.head
        at = 0
        while not self.alone:
            async with self._changed:
                await self._until(lambda: len(self._held) > at or self._size >= LIMIT)  # noqa: B023
                new = [self._held[index][0] for index in range(at, len(self._held))]
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

    def _align(self) -> None:
        """Have it begin with a chunk that a new ffmpeg can start from."""
        if not self._begun or self.alone:
            return
        while self._held and not self._held[0][1]:
            chunk, _ = self._held.popleft()
            self._size -= len(chunk)
        self._seeking = not self._held
        self._changed.notify_all()
