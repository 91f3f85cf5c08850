"""A folder of WebM chunks: in which order they come, which of them are one recording, and where a viewer
meets a discontinuity. Pure.

A new recorder every ten seconds makes files that each begin with a header and, most often, at time 0; one
recorder makes pieces of which only the first has a header, cut anywhere. Both may be in one folder: a file
with a header begins a recorder, those without go on with it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from seeder.imports.webm import Piece, Scan

SUFFIXES = (".webm", ".mkv", ".weba")
CONTINUES = 1.0
"""Seconds by which time stamps that go on from file to file may miss each other."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """One file."""

    path: Path
    size: int
    changed: float
    """Unix seconds."""
    begins: bool
    """With a header."""


@dataclass(slots=True)
class Recorder:
    """Files that are one WebM when they are put together."""

    chunks: list[Chunk]
    seams: list[tuple[int, bool]] = field(default_factory=list)
    """For :func:`seeder.imports.webm.scan`."""
    cut: bool = False
    """Something is missing before it."""

    @property
    def size(self) -> int:
        return sum(chunk.size for chunk in self.chunks)

    def chunk(self, at: int) -> Chunk:
        """The one that holds that byte."""
        for chunk in self.chunks:
            if at < chunk.size:
                return chunk
            at -= chunk.size
        return self.chunks[-1]


@dataclass(frozen=True, slots=True)
class Part:
    """One piece of one recorder."""

    recorder: int
    """Its number, from 0."""
    piece: Piece
    seconds: float
    """Until the next part of the stretch begins; of the last, until it ends."""


@dataclass(slots=True)
class Stretch:
    """What one ffmpeg reads: parts that follow each other without anything missing, and are alike."""

    parts: list[Part]

    @property
    def seconds(self) -> float:
        return sum(part.seconds for part in self.parts)


def natural(name: str) -> tuple[tuple[int, int, str], ...]:
    """Sorts ``chunk-2`` before ``chunk-10``."""
    words = re.findall(r"\d+|\D+", name)
    return tuple((0, int(word), "") if word.isascii() and word.isdigit() else (1, 0, word) for word in words)


def ordered(chunks: Sequence[Chunk]) -> list[Chunk]:
    """By the numbers or time stamps in their names, or else as they were written."""
    if all(re.search(r"\d", chunk.path.stem) for chunk in chunks):
        return sorted(chunks, key=lambda chunk: natural(chunk.path.name))
    return sorted(chunks, key=lambda chunk: (chunk.changed, chunk.path.name))


def recorders(chunks: Sequence[Chunk]) -> tuple[list[Recorder], list[str]]:
    """``chunks`` in order, put together; and what to warn of."""
    found: list[Recorder] = []
    said: list[str] = []
    lost = _absent(chunks)
    said += [f"something is missing before {chunks[number].path.name}" for number in sorted(lost)]
    cut = False
    for number, chunk in enumerate(chunks):
        cut = cut or number in lost
        if chunk.size == 0:
            said.append(f"{chunk.path.name} is empty")
            after = chunks[number + 1 : number + 2]
            cut = cut or (bool(after) and after[0].begins)
        elif chunk.begins:
            found.append(Recorder([chunk], cut=cut))
            cut = False
        elif not found:
            said.append(f"{chunk.path.name} does not begin as WebM does")
        else:
            found[-1].seams.append((found[-1].size, cut))
            found[-1].chunks.append(chunk)
            cut = False
    return found, said


def _absent(chunks: Sequence[Chunk]) -> set[int]:
    """Those before which one is missing: where they are numbered, not timed."""
    numbers = [re.findall(r"\d+", chunk.path.stem) for chunk in chunks]
    counts = [int(each[-1]) if each else None for each in numbers]
    steps = [0 if a is None or b is None else b - a for a, b in pairwise(counts)]
    if steps.count(1) * 2 <= len(steps):
        return set()
    return {number for number, step in enumerate(steps, 1) if step > 1}


def stretches(found: Sequence[Recorder], scans: Sequence[Scan]) -> list[Stretch]:
    """What to read, in order."""
    out: list[Stretch] = []
    before: tuple[Scan, Piece] | None = None
    cut = False
    for number, (recorder, scan) in enumerate(zip(found, scans, strict=True)):
        cut = cut or recorder.cut
        for place, piece in enumerate(scan.pieces):
            alike = before is not None and _kinds(before[0]) == _kinds(scan)
            if out and before is not None and alike and not cut and place == 0:
                last = out[-1].parts.pop()
                out[-1].parts.append(Part(last.recorder, last.piece, _until(before[1], piece)))
                out[-1].parts.append(Part(number, piece, piece.seconds))
            else:
                out.append(Stretch([Part(number, piece, piece.seconds)]))
            before, cut = (scan, piece), False
        end = scan.pieces[-1].end if scan.pieces else 0
        cut = cut or not scan.pieces or any(gap >= end for gap, _ in scan.gaps)
    return out


def _kinds(scan: Scan) -> list[object]:
    return [track.kind for track in scan.tracks]


def _until(piece: Piece, after: Piece) -> float:
    """Seconds from the beginning of ``piece`` to that of ``after``: where time stamps go on they say it."""
    goes_on = after.first > piece.first + piece.seconds / 2 and abs(after.first - piece.last) <= CONTINUES
    return after.first - piece.first if goes_on else piece.seconds
