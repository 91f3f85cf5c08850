"""One stream: its changed files become playlists and assets, and these a new view in the library."""

from __future__ import annotations

import asyncio
import itertools
import logging
import posixpath
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Set
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import TypeVar

from seeder.feed.assets import Asset, Loader, Want
from seeder.feed.beneath import Signature
from seeder.feed.library import Library
from seeder.feed.loop import next_change
from seeder.feed.playlists import Complaints, Playlists
from seeder.feed.scan import StreamFiles
from seeder.feed.settling import Settling
from seeder.feed.shelf import MAX_EARLY_BYTES, Shelf
from seeder.feed.streams import (
    Contents,
    announced,
    both,
    build_view,
    listed_paths,
    listed_segments,
    wants,
)
from seeder.feed.window import GRACE, hot, lingering
from seeder.hls.names import RECORDING, is_playlist
from seeder.hls.playlist import MediaPlaylist, Playlist
from seeder.model import Kind, Span, StreamView, Torrent

log = logging.getLogger(__name__)

Result = TypeVar("Result")

LATE = 0.25
"""Seconds a new playlist waits for the torrents of its new segments; then it goes out without them."""

LONG = 1000
"""Segments of a playlist whose update is worked out in a thread: below it the event loop stands still for
some 10 ms, for a day's it would for half a second."""

versions = itertools.count(1)
"""Of playlists, over all streams."""


@dataclass(frozen=True, slots=True)
class Shared:
    """What all streams' publishers have in common."""

    library: Library
    loader: Loader
    settling: Settling
    files: Mapping[str, Signature]
    """The feed as last seen; the feed task keeps it current."""
    loop: bool
    """Finished playlists are played as live ones."""
    changed: Callable[[frozenset[bytes]], None]
    """Called after each new view with the infohashes the library has forgotten."""


@dataclass(frozen=True, slots=True)
class Seedable:
    """A torrent of this stream and where its bytes are."""

    torrent: Torrent
    asset: Asset
    span: Span | None
    """Of the asset's bytes; None: all of them."""
    live: bool
    age: int
    """As in :class:`seeder.feed.window.Candidate`."""


@dataclass(frozen=True, slots=True)
class _Window:
    """A media playlist's segments, last time."""

    listed: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)


class Publisher:
    """Serial: one update at a time, woken by :meth:`poke`; ``run`` ends only when cancelled."""

    def __init__(self, name: str, root: Path, where: StreamFiles, shared: Shared) -> None:
        self.name = name
        self.where = where
        self.published = asyncio.Event()
        self.seedable: list[Seedable] = []
        """What could be seeded of this stream, as of its last view."""
        self._shared = shared
        self._wake = asyncio.Event()
        self._wake.set()
        self._arrived = asyncio.Event()  # a load finished
        self._due: float | None = None  # when (monotonic) something postponed is to be looked at again
        complain = Complaints(name)
        self._playlists = Playlists(root, complain, self._settled)
        self._shelf = Shelf(root, shared.loader, complain, self._settled, self._load_arrived)
        self._windows: dict[str, _Window] = {}
        self._bandwidths: dict[str, int] = {}
        self._view: StreamView | None = None
        self._untagged = 0  # as last logged
        self._listed: Set[str] | None = None  # files of a long stream that is whole
        self._held: list[tuple[str, int, int]] | None = None  # of held(), while it is good
        # Of candidates(): recorded ones that come first, the others by infohash; and live ones.
        self._old: tuple[list[Seedable], dict[bytes, Seedable]] | None = None
        self._new: list[Seedable] = []

    # --- what the feed task calls ------------------------------------------------------------------

    def poke(self, where: StreamFiles | None = None, changed: Collection[str] = ()) -> None:
        """Something of this stream may have changed: of a long one nothing, when its writer only adds files
        that are not listed yet."""
        listed = self._listed if where == self.where and changed else None
        if listed is not None and not any(path in listed or is_playlist(path) for path in changed):
            return
        if where is not None:
            self.where = where
        self._wake.set()

    def closed(self, file: str) -> None:
        """A writer closed ``file`` (relative to the feed): if it looks like the next segment of a live
        stream, hash it before it is listed."""
        view, signature = self._view, self._shared.files.get(file)
        if view is None or not view.live or signature is None or not file.startswith(self.where.folder):
            return
        path = file[len(self.where.folder) :]
        suffixes = {posixpath.splitext(p)[1] for w in self._windows.values() for p in w.listed[-1:]}
        if posixpath.splitext(path)[1] in suffixes and 0 < signature.size <= MAX_EARLY_BYTES:
            self._shelf.expect(Want(path, file, Kind.SEGMENT, live=True, torrent=True))

    def held(self) -> list[tuple[str, int, int]]:
        """(path, bytes, age) of what is held in memory; init sections and keys count as newest."""
        if self._held is None:
            held = [
                (path, a.data, a.want.kind) for path, a in self._shelf.assets.items() if a.data is not None
            ]
            ages = {s.asset.want.path: s.age for s in self.seedable} if held else {}
            oldest = len(self._shelf.assets)
            self._held = [
                (path, len(data), ages.get(path, oldest) if kind is Kind.SEGMENT else 0)
                for path, data, kind in held
            ]
        return self._held

    def candidates(self, limit: int, asked: Set[bytes]) -> Iterable[Seedable]:
        """Of :attr:`seedable` those that may be among the ``limit`` most wanted; ``asked``: infohashes. A
        finished recording has thousands, and is asked about with every segment of every other stream."""
        if len(self.seedable) <= limit:
            return self.seedable
        if self._old is None:
            old = sorted((s for s in self.seedable if not s.live), key=lambda s: s.age)
            self._old = (old[:limit], {s.torrent.infohash: s for s in old[limit:]})
            self._new = [s for s in self.seedable if s.live]
        first, rest = self._old
        return [*self._new, *first, *(rest[infohash] for infohash in asked if infohash in rest)]

    def drop(self, paths: list[str]) -> None:
        """Serve these from disk from now on."""
        self._shelf.drop(paths)
        self._held = None
        self._wake.set()

    # --- the task --------------------------------------------------------------------------------

    async def run(self) -> None:
        while True:
            await self._wait()
            self._wake.clear()
            self._due = None
            try:
                await self._update()
            except Exception:
                # One stream's surprise must not take the others along; its last view stays.
                log.exception("stream %s: cannot be updated", self.name)
                self.published.set()

    async def _wait(self) -> None:
        """Until there is news, something postponed is due, or a loop has its next segment."""
        now = time.time()
        delays = [next_change(loop, now) - now for loop in self._playlists.loops.values()]
        if self._due is not None:
            delays.append(self._due - time.monotonic())
        try:
            async with asyncio.timeout(max(0.0, min(delays)) if delays else None):
                await self._wake.wait()
        except TimeoutError:
            pass

    def _settled(self, file: str, quiet: float) -> bool:
        now = time.monotonic()
        if self._shared.settling.settled(file, now, quiet):
            return True
        self._due = min(self._due or now + quiet, now + quiet)
        return False

    def _load_arrived(self) -> None:
        self._held = None
        self._arrived.set()
        self._wake.set()

    async def _update(self) -> None:
        self._held = None
        files = self._shared.files
        await self._playlists.update(self.where, files)
        # A recording stays one, and is no live stream of yesterday.
        loop = self._shared.loop and f"{self.where.folder}{RECORDING}" not in files
        playlists = self._playlists.published(loop)
        long = any(isinstance(p, MediaPlaylist) and len(p.segments) > LONG for p in playlists.values())
        wanted = await worked_out(long, self._wanted, playlists)
        await self._shelf.update(wanted, files)
        await self._give_it_time(wanted)
        whole = long and not self._shelf.lacking
        self._listed = frozenset(want.file for want in wanted.values()) if whole else None
        left = await worked_out(long, self._slide, playlists, wanted)
        self._shelf.keep(wanted, left, files)
        if playlists:
            await self._publish(playlists, left, long)
        elif self._view is not None:
            self._view = None
            self.seedable = []
            self._held = self._old = None
            self._shared.changed(self._shared.library.withdraw(self.name))
        self.published.set()

    def _wanted(self, playlists: Mapping[str, Playlist]) -> dict[str, Want]:
        """What is listed now: live segments before recorded ones; of a loop, all of its source."""
        files, folder = self._shared.files, self.where.folder
        found: dict[str, Want] = {}
        for path, playlist in sorted(playlists.items(), key=lambda item: _ended(item[1])):
            loop = self._playlists.loops.get(path)
            live = loop is None and not _ended(playlist)
            for source in (playlist, loop.source) if loop is not None else (playlist,):
                for want in wants(path, source, folder, files, live):
                    before = found.get(want.path)
                    found[want.path] = want if before is None else both(before, want)
        return found

    async def _give_it_time(self, wanted: Mapping[str, Want]) -> None:
        """Wait for loads under way, briefly; whatever is late gets its tag with a later view."""
        try:
            async with asyncio.timeout(LATE):
                while self._shelf.loading(wanted):
                    self._arrived.clear()
                    await self._arrived.wait()
        except TimeoutError:
            pass

    def _slide(self, playlists: Mapping[str, Playlist], wanted: Mapping[str, Want]) -> list[str]:
        """Move each live playlist's window; the paths that left one and are still to be had."""
        windows: dict[str, _Window] = {}
        for path, playlist in playlists.items():
            if isinstance(playlist, MediaPlaylist) and path not in self._playlists.loops:
                before = self._windows.get(path, _Window())
                listed = listed_paths(path, playlist)
                keep = 0 if playlist.ended else len(listed) + GRACE
                windows[path] = _Window(listed, lingering(before.listed, listed, before.left, keep))
        self._windows = windows
        return [p for w in windows.values() for p in w.left if p not in wanted]

    async def _publish(self, playlists: dict[str, Playlist], left: list[str], long: bool) -> None:
        known = frozenset(p for w in self._windows.values() for p in w.left[:GRACE])
        # A copy: what is loaded meanwhile arrives on the loop, and is for the next view.
        assets = dict(self._shelf.assets)
        written = self._written(playlists)
        contents = Contents(self.name, playlists, assets, left, known, self._bandwidths, written)
        self._bandwidths = await worked_out(long, announced, contents)
        contents = replace(contents, bandwidths=self._bandwidths)
        self._view = await worked_out(long, build_view, contents, self._view, versions.__next__)
        self.seedable = await worked_out(long, self._seedable, playlists, assets)
        self._held = self._old = None
        self._progress()
        self._shared.changed(self._shared.library.publish(self._view))

    def _written(self, playlists: Mapping[str, Playlist]) -> float:
        """Unix seconds; of what is looped, now."""
        if self._playlists.loops:
            return time.time()
        live = (
            PurePosixPath(self.where.folder, path).as_posix()
            for path, p in playlists.items()
            if not _ended(p)
        )
        found = (self._shared.files.get(path) for path in live)
        return max((signature.mtime_ns / 1e9 for signature in found if signature is not None), default=0.0)

    def _progress(self) -> None:
        """Say how far a long playlist is; a window's worth is never worth a line."""
        assets = self._shelf.assets.values()
        untagged = sum(1 for a in assets if a.want.torrent and not a.loaded)
        total = sum(1 for a in assets if a.want.torrent)
        if total > 100 and untagged != self._untagged and (not untagged or self._untagged - untagged > 500):
            log.info("stream %s: %d of %d segments have torrents", self.name, total - untagged, total)
            self._untagged = untagged
        elif untagged > self._untagged:
            self._untagged = untagged

    def _seedable(self, playlists: Mapping[str, Playlist], assets: Mapping[str, Asset]) -> list[Seedable]:
        ages: dict[tuple[str, Span | None], tuple[bool, int]] = {}
        for path, playlist in playlists.items():
            if not isinstance(playlist, MediaPlaylist):
                continue
            listed = listed_segments(path, playlist)
            left = self._windows[path].left[:GRACE] if path in self._windows else []
            if playlist.ended:
                for age, segment in enumerate(listed):
                    ages.setdefault(segment, (False, age))
                continue
            count = hot(playlist.playlist_type)
            for age, segment in enumerate([*reversed(listed[-count:]), *((path, None) for path in left)]):
                ages.setdefault(segment, (True, age))
            for age, segment in enumerate(listed[:-count]):
                ages.setdefault(segment, (False, age))
        for path, loop in self._playlists.loops.items():
            for age, segment in enumerate(listed_segments(path, loop.source)):
                ages.setdefault(segment, (False, age))
        found = []
        for (path, span), (live, age) in ages.items():
            asset = assets.get(path)
            torrent = asset.torrent_of(span) if asset is not None else None
            if asset is not None and torrent is not None:
                found.append(Seedable(torrent, asset, span, live, age))
        return found


async def worked_out(long: bool, function: Callable[..., Result], *arguments: object) -> Result:
    """``function(*arguments)``, in a thread when it takes ``long``."""
    if long:
        return await asyncio.to_thread(function, *arguments)
    return function(*arguments)


def _ended(playlist: Playlist) -> bool:
    return not isinstance(playlist, MediaPlaylist) or playlist.ended
