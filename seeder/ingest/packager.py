"""Cuts become files and playlist entries in ``feed/<stream>/<variant>/``; what left the window is retired.

A disk that is full costs the segments that do not fit and nothing else: the playlist only ever lists complete
files, MSNs go on without a hole, and an EXT-X-DISCONTINUITY stands where media is missing.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from types import TracebackType

from seeder.errors import IngestError
from seeder.ingest import master
from seeder.ingest.cmaf import InitSection
from seeder.ingest.playlist import Entry, MediaPlaylist, render
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

RETIRE_SECONDS = (
    30.0  # for the ``retire`` hook; then the file goes anyway, or a hung hook would fill the disk
)
# Segments that have left the window while the playlist could not be written: past this many windows the disk
# is not coming back, and nothing more is written until it does.
MOST_LEAVING_WINDOWS = 2

log = logging.getLogger(__name__)
Retire = Callable[[Path], Awaitable[None]]


class Packager:
    """An async context manager; one task calls its methods."""

    def __init__(
        self,
        folder: Path,
        variant: str,
        window: int,
        clock: Callable[[], float],
        retire: Retire | None = None,
    ) -> None:
        self._folder = folder / variant
        self._master = folder / MASTER
        self._variant = variant
        self._window = window
        self._clock = clock  # Unix seconds
        self._retire = retire
        self._stack = contextlib.AsyncExitStack()
        self._left = Recovered(None, 0, 0, -1, ())
        self._birth = 0
        self._playlist: MediaPlaylist | None = None
        self._next_init = 0
        self._longest = 0.0  # seconds, of any playlist written: how long a client may still ask for a segment
        self._leaving: list[Entry] = []  # out of the window, but the playlist on disk may still list them
        self._inits: set[str] = set()  # names on disk, not yet given to the retirer
        self._retiring: asyncio.Queue[tuple[float, Path]] = asyncio.Queue()  # bounded by the rate of segments
        # The run that is on:
        self._init: InitSection | None = None
        self._init_uri = ""  # empty: the next segment starts with a new EXT-X-MAP
        self._offset = 0.0  # Unix seconds at media time 0
        self._discontinuity = False
        self._frame_rate = 0.0
        self._rates = master.Rates()
        self._master_text = ""
        self.timeline_end: float | None = None
        """Unix seconds at which the last segment so far ends."""
        self.segments = 0
        """Published since the start."""
        self.last_error = ""
        """Why the last segment could not be written; empty when it could."""

    async def __aenter__(self) -> Packager:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._stack.enter_context(locked(self._folder))
            self._left = await asyncio.to_thread(recover, self._folder)
            text = (
                self._master.read_text(encoding="utf-8", errors="replace") if self._master.is_file() else ""
            )
        except OSError as error:
            await self._stack.aclose()
            raise IngestError(f"{self._folder} cannot be used: {error.strerror or error}") from error
        except BaseException:
            await self._stack.aclose()
            raise
        self._rates = master.stated(text)
        left = self._left
        self._birth = max(int(self._clock()), left.birth + 1)
        self._playlist, self._next_init = left.playlist, left.init_number
        if left.playlist is not None and left.playlist.entries:
            self.timeline_end = left.playlist.entries[-1].end
            self._longest = left.playlist.duration
            self._inits = {entry.init for entry in left.playlist.entries}
        elif left.damaged:
            self.timeline_end = self._clock()  # later than anything it listed
        worker = asyncio.create_task(self._retirer())
        self._stack.push_async_callback(_cancelled, worker)
        for path in left.unlisted:
            self._retire_later(path, self._longest)
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
        return self._playlist

    def begin_run(self, init: InitSection, target_duration: int, anchor: float, media_start: float) -> None:
        """Segments of ``init`` follow, the one at media time ``media_start`` at the Unix time ``anchor``, or
        where the timeline ends if that is later."""
        if self._playlist is None:
            dsn = self._left.init_number if self._left.damaged else 0
            self._playlist = MediaPlaylist(target_duration, self._left.msn, dsn)
        self._init, self._init_uri = init, ""
        self._offset = max(anchor, self.timeline_end or anchor) - media_start
        self._discontinuity = self._playlist.next_msn > 0
        self._frame_rate = 0.0

    async def add(self, cut: Cut) -> bool:
        """Publish a segment; False when it could not be written and is dropped."""
        playlist, init = self._playlist, self._init
        if playlist is None or init is None:
            raise IngestError("a segment without an init section")
        if cut.jumped:
            self._init_uri, self._discontinuity = "", True
        start = self._offset + cut.start
        self.timeline_end = max(self.timeline_end or 0.0, start + cut.duration)
        init_uri = self._init_uri
        if not init_uri:
            init_uri, self._next_init = init_name(self._birth, self._next_init), self._next_init + 1
        uri = segment_name(self._birth, playlist.next_msn)
        try:
            if len(self._leaving) > MOST_LEAVING_WINDOWS * self._window:
                await self._write_playlist()
            await asyncio.to_thread(
                self._write, init_uri, None if self._init_uri else init.data, uri, cut.data
            )
        except OSError as error:
            self._failed(error)
            self._init_uri, self._discontinuity = "", True
            return False
        entry = Entry(uri, cut.duration, start, init_uri, self._discontinuity)
        self._playlist, removed = playlist.append(entry, self._window)
        self._leaving += removed
        self._init_uri, self._discontinuity = init_uri, False
        self._inits.add(init_uri)
        self.segments += 1
        self._rates = self._rates.observe(len(cut.data), cut.duration, playlist.target_duration)
        if not self._frame_rate and init.lead.kind == "video":
            self._frame_rate = cut.frames / cut.duration
        with contextlib.suppress(
            OSError
        ):  # said in last_error; the next segment's playlist lists this one too
            await self._write_playlist()
            await self._write_master(init)
        return True

    async def finish(self, ended: bool) -> None:
        """The last word: with ``ended`` an EXT-X-ENDLIST, otherwise whatever is not yet on disk."""
        if self._playlist is None or not self._playlist.entries:
            return
        self._playlist = replace(self._playlist, ended=ended)
        with contextlib.suppress(OSError):
            await self._write_playlist()

    def _write(self, init_uri: str, init: bytes | None, uri: str, data: bytes) -> None:
        """In a thread: the disk may be slow. ``init`` is None when it is on disk."""
        if init is not None:
            write_atomically(self._folder / init_uri, init)
        try:
            write_atomically(self._folder / uri, data)
        except OSError:
            if init is not None:  # nothing lists it, and it takes room
                with contextlib.suppress(OSError):
                    (self._folder / init_uri).unlink()
            raise

    async def _write_playlist(self) -> None:
        playlist = self._playlist
        if playlist is None:
            return
        try:
            await asyncio.to_thread(write_atomically, self._folder / PLAYLIST, render(playlist).encode())
        except OSError as error:
            self._failed(error)
            raise
        self.last_error = ""
        self._longest = max(self._longest, playlist.duration)
        for entry in self._leaving:
            # RFC 8216bis §6.2.2: it stays for its duration and that of the longest playlist that listed it.
            self._retire_later(self._folder / entry.uri, entry.duration + self._longest)
        self._leaving.clear()
        listed = {entry.init for entry in playlist.entries}
        for name in self._inits - listed:
            self._retire_later(self._folder / name, playlist.target_duration + self._longest)
        self._inits &= listed

    async def _write_master(self, init: InitSection) -> None:
        text = master.render(f"{self._variant}/{PLAYLIST}", init.tracks, self._frame_rate, self._rates)
        if text == self._master_text:
            return
        try:
            await asyncio.to_thread(write_atomically, self._master, text.encode())
        except OSError as error:
            self._failed(error)
            raise
        self._master_text = text

    def _failed(self, error: OSError) -> None:
        message = f"{self._folder} cannot be written: {error.strerror or error}; going on when it can"
        if message != self.last_error:
            log.warning("%s", message)
        self.last_error = message

    def _retire_later(self, path: Path, seconds: float) -> None:
        self._retiring.put_nowait((asyncio.get_running_loop().time() + seconds, path))

    async def _retirer(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due, path = await self._retiring.get()
            await asyncio.sleep(max(0.0, due - loop.time()))
            if self._retire is not None:
                try:
                    async with asyncio.timeout(RETIRE_SECONDS):
                        await self._retire(path)
                except Exception as error:  # noqa: BLE001  # a hook's fault must not fill the disk
                    log.warning("%s: not let go of before it is deleted (%r)", path.name, error)
            try:
                await asyncio.to_thread(path.unlink, missing_ok=True)
            except OSError as error:
                log.warning("%s cannot be deleted: %s", path, error.strerror or error)


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
