"""Pieces in, another container out: one ffmpeg that copies, from a fresh piece to the next."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from seeder.ingest.process import Process, running
from seeder.onward.choice import UnfitError
from seeder.onward.reel import Piece

TAKEN = 30.0
"""Seconds for a piece to be taken. ffmpeg takes one in milliseconds; where it writes to a server that is
slow, the server is gone."""
LAST_WORDS = 10.0
"""Seconds to write the rest once nothing more comes."""
LEAST_PROBE = 20_000
"""Bytes of a piece that tell what is in it."""
HOPELESS = 3
"""Runs in a row that gave nothing: what is in the stream does not fit the container."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Run:
    """One ffmpeg's."""

    number: int
    """From 0."""
    piece: Piece
    """Its first."""


def form(data: bytes) -> str:
    """ffmpeg's name for what a piece is in: MPEG-TS or MP4; :class:`UnfitError` for anything else."""
    if data[:1] == b"\x47" and data[188:189] in (b"\x47", b""):
        return "mpegts"
    if data[4:8] in (b"ftyp", b"styp", b"moov", b"moof"):
        return "mp4"
    raise UnfitError("the stream's segments are neither MPEG-TS nor fragmented MP4", 406)


def reading(piece: Piece) -> list[str]:
    """ffmpeg's arguments that read pieces from its standard input and map the picture and the sound."""
    given = form(piece.init or piece.data)
    # What was not looked at does not leave: the first piece must do, for the next is seconds away. MP4 tells
    # in its init section.
    probe = max(LEAST_PROBE, len(piece.data) // 2)
    return [
        "-hide_banner", "-nostats", "-loglevel", "warning",
        "-probesize", str(probe), "-f", given, "-i", "pipe:0",
        "-map", "0:V:0?", "-map", "0:a:0?", "-c", "copy",
    ]  # fmt: skip


Arguments = Callable[[Run], Sequence[str]]
"""ffmpeg's, after those of :func:`reading`, for a run."""
Take = Callable[[bytes], Awaitable[None]]
"""Gets its standard output; empty: the run has ended."""


class Remux:
    """``arguments`` say what comes out, ``take`` gets it, which may take long if ``patient``; ``path`` is
    ffmpeg's. Not ``lasting``: an ffmpeg that dies ends it all."""

    def __init__(
        self,
        path: str,
        name: str,
        arguments: Arguments,
        take: Take,
        *,
        patient: bool = False,
        lasting: bool = True,
    ) -> None:
        self._path = path
        self._name = name
        self._arguments = arguments
        self._take = take
        self._patient = patient
        self._lasting = lasting
        self._died = False
        self._coming: asyncio.Task[Piece | None] | None = None
        self.pid: int | None = None
        """Of the ffmpeg that runs now."""
        self.runs = 0
        self.pieces = 0
        """That an ffmpeg took."""
        self.lines: tuple[str, ...] = ()
        """The last ones that it complained with."""

    async def run(self, pieces: AsyncGenerator[Piece, None]) -> None:
        """Until ``pieces`` end. An ffmpeg that dies is followed by another, with the next piece. Raises
        :class:`UnfitError` when it never works."""
        barren = 0
        try:
            while (piece := await self._ahead(pieces)) is not None:
                barren = 0 if await self._one(pieces, piece) else barren + 1
                if self._died and not self._lasting:
                    raise UnfitError(self.lines[-1] if self.lines else "ffmpeg ended without a word", 503)
                if not self._lasting:
                    continue  # where it goes to, nothing is seen of it here
                if barren >= HOPELESS:
                    why = f": {self.lines[-1]}" if self.lines else ""
                    log.warning("%s: cannot be sent on%s", self._name, why)
                    raise UnfitError("what is in the stream does not fit", 406)
        finally:
            if self._coming is not None:
                self._coming.cancel()
                await asyncio.gather(self._coming, return_exceptions=True)

    def _next(self, pieces: AsyncGenerator[Piece, None]) -> asyncio.Task[Piece | None]:
        if self._coming is None:
            self._coming = asyncio.create_task(_after(pieces))
        return self._coming

    async def _ahead(self, pieces: AsyncGenerator[Piece, None]) -> Piece | None:
        """The next piece, without taking it."""
        return await asyncio.shield(self._next(pieces))

    async def _one(self, pieces: AsyncGenerator[Piece, None], first: Piece) -> bool:
        """One ffmpeg's life; whether anything came of it."""
        run, self.runs = Run(self.runs, first), self.runs + 1
        arguments = [*reading(first), *self._arguments(run)]
        fed = 0
        self._died = True
        async with running(self._path, arguments) as process:
            self.pid = process.pid
            outlet = asyncio.create_task(self._carry(process))
            try:
                with suppress(OSError, TimeoutError):  # it is gone, or as good as
                    fed = await self._feed(pieces, process, outlet)
                    self._died = outlet.done()
                process.end_input()
                await asyncio.wait({outlet}, timeout=None if self._patient else LAST_WORDS)
                with suppress(TimeoutError):  # it has said all; its last complaint is read
                    async with asyncio.timeout(LAST_WORDS):
                        await process.wait()
            finally:
                self.pid = None
                outlet.cancel()
                some = (await asyncio.gather(outlet, return_exceptions=True))[0]
            self.lines = process.lines
        if isinstance(some, UnfitError):
            raise some  # whoever takes it does not
        if not fed:
            self._coming = None  # it may be this piece that no ffmpeg stands
        return some is True

    async def _feed(
        self, pieces: AsyncGenerator[Piece, None], process: Process, outlet: asyncio.Task[bool]
    ) -> int:
        """Until a fresh piece comes, or the last one; or ffmpeg ends. How many it took."""
        fed = 0
        while True:
            coming = self._next(pieces)
            await asyncio.wait({coming, outlet}, return_when=asyncio.FIRST_COMPLETED)
            if outlet.done():
                return fed
            piece = coming.result()
            if piece is None or (piece.fresh and fed):
                return fed
            self._coming = None
            async with asyncio.timeout(None if self._patient else TAKEN):
                await process.write(piece.data if fed else piece.init + piece.data)
            fed += 1
            self.pieces += 1

    async def _carry(self, process: Process) -> bool:
        """Its output, to the end; whether there was any."""
        some = False
        while data := await process.read():
            some = True
            await self._take(data)
        await self._take(b"")
        return some


async def _after(pieces: AsyncGenerator[Piece, None]) -> Piece | None:
    return await anext(pieces, None)
