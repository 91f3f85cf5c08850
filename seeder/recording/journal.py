"""A recording's journal: one line for each segment, only ever added to; playlists are made from it.

A line is written with one call once its files are there, so whatever moment the process is killed at, each
line's segment can be played. A line that is cut off (the machine went down, the disk was full) counts as not
there, and so does all behind it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from seeder.model import Span
from seeder.recording.marks import Mark
from seeder.recording.words import Head, Needs

JOURNAL = ".journal.jsonl"
"""Beside ``recording.json`` until the recording is whole; a dotfile, so never looked at by the feed."""
VERSION = 1


@dataclass(frozen=True, slots=True)
class Entry:
    """One recorded segment."""

    playlist: str
    """Path of its playlist."""
    text: str
    """Its lines there."""
    duration: float
    """Seconds."""
    mark: Mark
    """The live segment's."""
    file: str
    """What it is here, relative to the recording."""
    asides: tuple[tuple[str, str, Span | None], ...]
    """Init section and keys: what each was there and is here, and which bytes of it; those that came with
    this segment."""
    bytes: int
    """On disk with it."""
    needs: Needs
    """What holds behind it: of the recording, where it follows."""
    head: Head
    ends: float | None
    """Unix seconds, where its playlist tells."""


def encode(entry: Entry) -> bytes:
    mark = entry.mark
    line = {
        "v": VERSION,
        "p": entry.playlist,
        "t": entry.text,
        "d": entry.duration,
        "m": [mark.path, _pair(mark.span), mark.msn, mark.etag, mark.infohash],
        "f": entry.file,
        "a": [[there, here, _pair(span)] for there, here, span in entry.asides],
        "b": entry.bytes,
        "n": [entry.needs.keys, entry.needs.map_line, entry.needs.map_keys],
        "h": [entry.head.version, entry.head.target, entry.head.independent, entry.head.i_frames],
        "e": entry.ends,
    }
    return orjson.dumps(line) + b"\n"


def decode(line: bytes) -> Entry:
    """ValueError, TypeError or KeyError for what is no line of ours."""
    found: dict[str, Any] = orjson.loads(line)
    if found["v"] != VERSION:
        raise ValueError("another version's")
    path, span, msn, etag, infohash = found["m"]
    keys, map_line, map_keys = found["n"]
    return Entry(
        playlist=str(found["p"]),
        text=str(found["t"]),
        duration=float(found["d"]),
        mark=Mark(path, _span(span), msn, etag, infohash),
        file=str(found["f"]),
        asides=tuple((there, here, _span(span)) for there, here, span in found["a"]),
        bytes=int(found["b"]),
        needs=Needs(tuple(keys), map_line, tuple(map_keys)),
        head=Head(*found["h"]),
        ends=found["e"],
    )


def _pair(span: Span | None) -> list[int] | None:
    return None if span is None else [span.start, span.length]


def _span(pair: list[int] | None) -> Span | None:
    return None if pair is None else Span(pair[0], pair[1])


class Journal:
    """Blocking; one thread at a time."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / JOURNAL
        self._file: int | None = None
        self._size = 0

    def read(self) -> Iterator[Entry]:
        """What is there, once, before anything is added. FileNotFoundError."""
        with self._path.open("rb") as file:
            for line in file:
                try:
                    entry = decode(line) if line.endswith(b"\n") else None
                except (ValueError, TypeError, KeyError):
                    entry = None
                if entry is None:
                    return
                self._size += len(line)
                yield entry

    def add(self, entry: Entry) -> None:
        """All of it, or nothing: OSError."""
        if self._file is None:
            self._file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
            os.ftruncate(self._file, self._size)  # what was cut off
        line = encode(entry)
        try:
            written = os.pwrite(self._file, line, self._size)
            if written != len(line):
                raise OSError(28, "the disk took half a line")
        except OSError:
            os.ftruncate(self._file, self._size)
            raise
        self._size += len(line)

    def close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def remove(self) -> None:
        self.close()
        self._path.unlink(missing_ok=True)
