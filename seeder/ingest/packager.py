"""Cuts become files and playlist entries in ``feed/<stream>/<variant>/``; what left the window is retired.

All variants share one list of segments: a segment is there in each of them or in none. A disk that is full
costs the segments that do not fit and nothing else: a playlist only ever lists complete files, MSNs go on
without a hole, and an EXT-X-DISCONTINUITY stands where media is missing.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import TracebackType

from seeder.errors import IngestError
from seeder.ingest import master
from seeder.ingest.cmaf import InitSection
from seeder.ingest.playlist import Entry, MediaPlaylist, render
from seeder.ingest.retirer import Retire, Retirer
from seeder.ingest.segmenter import Cut
from seeder.ingest.storage import (
    MASTER,
    PLAYLIST,
    Recovered,
    init_name,
    locked,
    recover,
    segment_name,
    write_atomically,
)
from seeder.ingest.variants import rank, view

# Segments that have left the window while the playlist could not be written: past this many windows the disk
# is not coming back, and nothing more is written until it does.
MOST_LEAVING_WINDOWS = 2

log = logging.getLogger(__name__)


class Packager:
    """An async context manager; one task calls its methods. ``first`` is the only variant's folder, or the
    best one's."""

    def __init__(
        self,
        folder: Path,
        first: str,
        window: int,
        clock: Callable[[], float],
        retire: Retire | None = None,
        dvr: float = 0.0,
    ) -> None:
        self._folder = folder
        self._first = first
        self._window = window
        self._dvr = dvr  # seconds listed at least, as far back as they go
        self._clock = clock  # Unix seconds
        self._retirer = Retirer(retire)
        self._stack = contextlib.AsyncExitStack()
        self._left = Recovered(None, 0, 0, -1, ())
        self._birth = 0
        self._playlist: MediaPlaylist | None = None
        self._next_init = 0
        self._longest = 0.0  # seconds, of any playlist written: how long a client may still ask for a segment
        self._leaving: list[Entry] = []  # out of the window, but the playlist on disk may still list them
        self._inits: dict[str, tuple[str, ...]] = {}  # names on disk, not yet given to the retirer: folders
        self._kept: tuple[str, ...] = ()  # variants whose playlists are written, those given up included
        # The run that is on:
        self._run: dict[str, InitSection] = {}  # by variant
        self._init_uri = ""  # empty: the next segment starts with a new EXT-X-MAP
        self._offset = 0.0  # Unix seconds at media time 0
        self._discontinuity = False
        self._master = master.Master()
        self._master_text = ""
        self.timeline_end: float | None = None
        """Unix seconds at which the last segment so far ends."""
        self.segments = 0
        """Published since the start; in all variants together counted once."""
        self.last_error = ""
        """Why the last segment could not be written; empty when it could."""

    async def __aenter__(self) -> Packager:
        try:
            (self._folder / self._first).mkdir(parents=True, exist_ok=True)
            self._stack.enter_context(locked(self._folder / self._first))
            self._left = await asyncio.to_thread(recover, self._folder, self._first)
            path = self._folder / MASTER
            text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
        except OSError as error:
            await self._stack.aclose()
            raise IngestError(
                f"{self._folder / self._first} cannot be used: {error.strerror or error}"
            ) from error
        except BaseException:
            await self._stack.aclose()
            raise
        self._master = master.Master(text)
        left = self._left
        self._birth = max(int(self._clock()), left.birth + 1)
        self._next_init = left.init_number
        if left.playlist is not None:
            self._playlist = replace(left.playlist, delta=self._dvr > 0)
        self._kept = left.live
        if left.playlist is not None and left.playlist.entries:
            self.timeline_end = left.playlist.entries[-1].end
            self._longest = left.playlist.duration
            self._inits = {entry.init: entry.folders for entry in left.playlist.entries}
        elif left.damaged:
            self.timeline_end = self._clock()  # later than anything it listed
        worker = asyncio.create_task(self._retirer.run())
        self._stack.push_async_callback(_cancelled, worker)
        for path in left.unlisted:
            self._retirer.later(path, self._longest)
        for name in left.stale:  # nobody is told of it any more
            with contextlib.suppress(OSError):
                await asyncio.to_thread((self._folder / name / PLAYLIST).unlink)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    @property
    def target_duration(self) -> int | None:
        """The stream's, once it has one: it never changes again."""
        return self._playlist.target_duration if self._playlist else None

    @property
    def playlist(self) -> MediaPlaylist | None:
        """What all variants share."""
        return self._playlist

    def begin_run(
        self, inits: Mapping[str, InitSection], target_duration: int, anchor: float, media_start: float
    ) -> None:
        """Segments of ``inits`` (by variant, the best first) follow, those at media time ``media_start`` at
        the Unix time ``anchor``, or where the timeline ends if that is later."""
        if self._playlist is None:
            dsn = self._left.init_number if self._left.damaged else 0
            self._playlist = MediaPlaylist(target_duration, self._left.msn, dsn, delta=self._dvr > 0)
        self._run, self._init_uri = dict(inits), ""
        self._offset = max(anchor, self.timeline_end or anchor) - media_start
        self._discontinuity = self._playlist.next_msn > 0
        self._kept = tuple(sorted({*self._kept, *inits}, key=rank))
        self._master.begin_run(inits)

    async def add(self, cuts: Mapping[str, Cut]) -> bool:
        """Publish a segment in all variants of the run, timed by the first of ``cuts``; False when it could
        not be written and is dropped."""
        playlist, inits = self._playlist, self._run
        if playlist is None or not cuts or set(cuts) != set(inits):
            raise IngestError("a segment without an init section")
        cut = next(iter(cuts.values()))
        if cut.jumped:
            self._init_uri, self._discontinuity = "", True
        start = self._offset + cut.start
        self.timeline_end = max(self.timeline_end or 0.0, start + cut.duration)
        init_uri = self._init_uri
        if not init_uri:
            init_uri, self._next_init = init_name(self._birth, self._next_init), self._next_init + 1
        uri = segment_name(self._birth, playlist.next_msn)
        files = {self._folder / name / uri: cut.data for name, cut in cuts.items()}
        if not self._init_uri:
            # First, so that nothing is listed by anybody before what it starts with.
            files = {self._folder / name / init_uri: init.data for name, init in inits.items()} | files
        try:
            if len(self._leaving) > MOST_LEAVING_WINDOWS * self._window:
                await self._write_playlists()
            await asyncio.to_thread(_write, files)
        except OSError as error:
            self._failed(error)
            self._init_uri, self._discontinuity = "", True
            return False
        entry = Entry(uri, cut.duration, start, init_uri, self._discontinuity, tuple(cuts))
        self._playlist, removed = playlist.append(entry, self._window, self._dvr)
        self._leaving += removed
        self._init_uri, self._discontinuity = init_uri, False
        self._inits[init_uri] = tuple(cuts)
        self.segments += 1
        for name, own in cuts.items():
            self._master.observe(name, own, cut.duration, playlist.target_duration)
        with contextlib.suppress(
            OSError
        ):  # said in last_error; the next segment's playlist lists this one too
            await self._write_playlists()
            await self._write_master()
        return True

    async def finish(self, ended: bool) -> None:
        """The last word: with ``ended`` an EXT-X-ENDLIST, otherwise whatever is not yet on disk."""
        if self._playlist is None or not self._playlist.entries:
            return
        self._playlist = replace(self._playlist, ended=ended)
        with contextlib.suppress(OSError):
            await self._write_playlists()

    async def _write_playlists(self) -> None:
        playlist = self._playlist
        if playlist is None:
            return
        views = {name: view(playlist, name) for name in self._kept}
        files = {
            self._folder / name / PLAYLIST: render(own).encode()
            for name, own in views.items()
            if own is not None
        }
        try:
            await asyncio.to_thread(_write, files, keep=True)
            for name in [name for name, own in views.items() if own is None]:
                await asyncio.to_thread(_end, self._folder / name / PLAYLIST)
        except OSError as error:
            self._failed(error)
            raise
        self._kept = tuple(name for name, own in views.items() if own is not None)
        self.last_error = ""
        self._longest = max(self._longest, playlist.duration)
        for entry in self._leaving:
            # RFC 8216bis §6.2.2: it stays for its duration and that of the longest playlist that listed it.
            for folder in entry.folders:
                self._retirer.later(self._folder / folder / entry.uri, entry.duration + self._longest)
        self._leaving.clear()
        listed = {entry.init for entry in playlist.entries}
        for name in self._inits.keys() - listed:
            for folder in self._inits.pop(name):
                self._retirer.later(self._folder / folder / name, playlist.target_duration + self._longest)

    async def _write_master(self) -> None:
        text = self._master.render()
        if text == self._master_text:
            return
        try:
            await asyncio.to_thread(write_atomically, self._folder / MASTER, text.encode())
        except OSError as error:
            self._failed(error)
            raise
        self._master_text = text

    def _failed(self, error: OSError) -> None:
        message = (
            f"{self._folder / self._first} cannot be written: {error.strerror or error}; going on when it can"
        )
        if message != self.last_error:
            log.warning("%s", message)
        self.last_error = message


def _write(files: Mapping[Path, bytes], keep: bool = False) -> None:
    """In a thread: the disk may be slow. All of ``files`` or, without ``keep``, none: what nothing lists only
    takes room."""
    written = []
    try:
        for path, data in files.items():
            write_atomically(path, data)
            written.append(path)
    except OSError:
        for path in () if keep else written:
            with contextlib.suppress(OSError):
                path.unlink()
        raise


def _end(path: Path) -> None:
    """Nothing more comes to the playlist at ``path``, and nothing else can stand in."""
    text = path.read_text(encoding="utf-8")
    if "#EXT-X-ENDLIST" not in text:
        write_atomically(path, (text + "#EXT-X-ENDLIST\n").encode())


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
