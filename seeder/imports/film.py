"""The VOD as it is written: segments as they come, playlists once they are all there.

Nothing lists a segment before :meth:`Film.finish`: who writes it keeps it out of sight until then.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from seeder.errors import IngestError
from seeder.ingest import master
from seeder.ingest.cmaf import InitSection
from seeder.ingest.playlist import Entry, MediaPlaylist, render
from seeder.ingest.segmenter import Cut
from seeder.ingest.storage import MASTER, PLAYLIST, init_name, segment_name, write_atomically
from seeder.ingest.variants import rank, view

MOST_SEGMENTS = 100_000
"""Two days of segments of 2 s: what is longer is no film, and its playlists would be too large to load."""


@dataclass(frozen=True, slots=True)
class Written:
    """What came of it."""

    segments: int
    """All variants together counted once."""
    duration: float
    """Seconds of media."""
    bytes: int
    variants: tuple[str, ...]
    """Folders."""
    discontinuities: int


class Film:
    """In ``folder``, which is empty. ``began``: Unix seconds of its first picture. ``written`` is called with
    the seconds of media so far; it may raise to end it."""

    def __init__(self, folder: Path, began: float, written: Callable[[float], None]) -> None:
        self._folder = folder
        self._birth = int(began)
        self._end = began
        self._written = written
        self._entries: list[Entry] = []
        self._bytes = 0
        self._inits: dict[str, InitSection] = {}
        self._next_init = 0
        self._init_uri = ""
        self._offset = 0.0
        self._discontinuity = False
        self._target = 0
        self._all: dict[str, InitSection] = {}  # of every variant, the newest
        self._master = master.Master()

    @property
    def segments(self) -> int:
        return len(self._entries)

    def begin_run(
        self, inits: Mapping[str, InitSection], target_duration: int, anchor: float, media_start: float
    ) -> None:
        """Segments of ``inits`` follow, behind those that are there."""
        self._inits, self._init_uri = dict(inits), ""
        self._offset = self._end - media_start
        self._discontinuity = bool(self._entries)
        self._target = max(self._target, target_duration)
        self._all |= inits
        self._master.begin_run(self._all)

    async def add(self, cuts: Mapping[str, Cut]) -> bool:
        """Raises :class:`IngestError` when it cannot be written."""
        cut = next(iter(cuts.values()))
        if len(self._entries) >= MOST_SEGMENTS:
            raise IngestError(f"it is longer than {MOST_SEGMENTS:,} segments")
        files: dict[Path, bytes] = {}
        if cut.jumped or not self._init_uri:
            self._init_uri, self._next_init = init_name(self._birth, self._next_init), self._next_init + 1
            self._discontinuity = self._discontinuity or cut.jumped
            files = {self._folder / name / self._init_uri: one.data for name, one in self._inits.items()}
        uri = segment_name(self._birth, len(self._entries))
        files |= {self._folder / name / uri: one.data for name, one in cuts.items()}
        try:
            await asyncio.to_thread(_write, files)
        except OSError as error:
            raise IngestError(f"it cannot be written: {error.strerror or error}") from error
        self._bytes += sum(map(len, files.values()))
        start = self._offset + cut.start
        entry = Entry(uri, cut.duration, start, self._init_uri, self._discontinuity, tuple(cuts))
        self._entries.append(entry)
        self._end = max(self._end, start + cut.duration)
        self._discontinuity = False
        for name, own in cuts.items():
            self._master.observe(name, own, cut.duration, self._target)
        self._written(self._end - self._entries[0].start)
        return True

    async def finish(self) -> Written:
        """The playlists: of a VOD, with its end. Raises :class:`IngestError`."""
        if not self._entries:
            raise IngestError("nothing in it can be played")
        target = max(1, *(math.floor(entry.duration + 0.5) for entry in self._entries))
        playlist = MediaPlaylist(target, entries=tuple(self._entries), ended=True)
        folders = sorted(self._all, key=rank)
        files = {
            self._folder / name / PLAYLIST: _vod(render(_of(playlist, name))).encode() for name in folders
        }
        # The master last: whatever finds it finds all that it lists.
        files[self._folder / MASTER] = self._master.render().encode()
        try:
            await asyncio.to_thread(_write, files)
        except OSError as error:
            raise IngestError(f"it cannot be written: {error.strerror or error}") from error
        total = self._bytes + sum(map(len, files.values()))
        jumps = sum(entry.discontinuity for entry in self._entries)
        seconds = sum(entry.duration for entry in self._entries)
        return Written(len(self._entries), seconds, total, tuple(folders), jumps)


def _of(playlist: MediaPlaylist, folder: str) -> MediaPlaylist:
    """A variant's own, which ends where nothing is left that can stand in for it."""
    while (own := view(playlist, folder)) is None:
        playlist = replace(playlist, entries=playlist.entries[:-1])
    return own


def _vod(text: str) -> str:
    """RFC 8216bis §4.4.3.5: nothing in it changes any more."""
    before = "#EXT-X-INDEPENDENT-SEGMENTS\n"
    return text.replace(before, "#EXT-X-PLAYLIST-TYPE:VOD\n" + before, 1)


def _write(files: Mapping[Path, bytes]) -> None:
    for path, data in files.items():
        write_atomically(path, data)
