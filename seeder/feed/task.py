"""The feed, from start to stop: one task that keeps the library true to the folder."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Callable, Collection, Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from seeder.errors import FeedError
from seeder.feed.assets import Loader
from seeder.feed.beneath import Signature, resolve, signature_of
from seeder.feed.library import Library
from seeder.feed.publisher import Publisher, Shared
from seeder.feed.scan import Alone, Glance, StreamFiles, differences, scan, streams_of
from seeder.feed.seeding import Seed, Seeding, chosen
from seeder.feed.settling import Settling
from seeder.feed.watch import Watch
from seeder.feed.window import to_keep
from seeder.hls.names import is_playlist, is_safe
from seeder.torrent.hashing import Hasher
from seeder.torrent.seeds import Seeds
from seeder.torrent.spool import Spool

log = logging.getLogger(__name__)

SCAN_SHARE = 20
"""A scan may take one part in twenty of the time, however large the feed."""

DECIDE_SECONDS = 0.1
"""At most so often is decided anew what to seed and to keep in memory."""


@dataclass(frozen=True, slots=True)
class FeedConfig:
    """How to publish a feed."""

    feed: Path
    """The folder; it must exist."""
    alone: Alone | None = None
    """All of the folder is one stream; ``None``: it has a folder for each."""
    loop: bool = False
    """Play finished playlists as live ones, over and over."""
    trackers: tuple[str, ...] = ()
    """Announce URLs for libtorrent (ours as libtorrent reaches it, or an external one)."""
    memory_bytes: int = 512 << 20
    """Live segments held in memory, and as much again in the spool: a window of 8 for 100 streams of
    5 Mbit/s. Beyond it the oldest are served from disk."""
    scan_seconds: float = 3.0
    """Between scans, which find what events missed."""
    spool: Path | None = None
    """Where to make the spool; by default in memory where there is room."""


class FeedTask:
    """Publishes ``config.feed`` into ``library`` and seeds it through ``session`` (None: HTTP only).

    ``on_retire`` is called with each infohash that is no longer published, after libtorrent has let go
    of it: the tracker's cue to send its last reply. ``ready`` is set once everything that was in the
    feed at the start is published (perhaps still without all torrents).
    """

    def __init__(
        self,
        config: FeedConfig,
        library: Library,
        session: Seeds | None = None,
        *,
        on_retire: Callable[[bytes], None] | None = None,
    ) -> None:
        self.ready = asyncio.Event()
        self._config = config
        self._library = library
        self._session = session
        self._on_retire = on_retire
        self._root = config.feed
        self._files: dict[str, Signature] = {}
        self._streams: dict[str, StreamFiles] = {}
        self._settling = Settling()
        self._publishers: dict[str, tuple[Publisher, asyncio.Task[None]]] = {}
        self._touched: set[str] | None = None  # by events, while a scan runs
        self._refused: frozenset[str] = frozenset()
        self._unspeakable: frozenset[str] = frozenset()
        self._news = asyncio.Event()  # some stream has a new view
        self._rescan = asyncio.Event()
        self._seeds_from: Callable[[Path], bool] = lambda place: False

    async def run(self) -> None:
        """Until cancelled; FeedError when the folder cannot be used. Afterwards nothing is published."""
        self._root = check_folder(self._config.feed)
        async with AsyncExitStack() as stack:
            spool = None
            if self._session is not None:
                spool = await stack.enter_async_context(Spool(self._config.spool, self._config.memory_bytes))
            hasher = await stack.enter_async_context(Hasher())
            loader = Loader(self._root, hasher)
            self._seeding = Seeding(
                self._session, spool, self._config.trackers, self._library.knows, self._on_retire
            )
            self._seeds_from = self._seeding.reads
            self._shared = Shared(
                self._library, loader, self._settling, self._files, self._config.loop, self._changed
            )
            if self._session is not None:
                self._session.on_broken = self._broken
            try:
                async with asyncio.TaskGroup() as group:
                    group.create_task(loader.run(), name="feed-loader")
                    group.create_task(self._seeding.run(), name="feed-seeding")
                    group.create_task(self._decide(), name="feed-decide")
                    group.create_task(self._follow(group), name="feed-follow")
            finally:
                for name in list(self._publishers):
                    self._library.withdraw(name)
                self._publishers.clear()
                if self._session is not None:
                    self._session.on_broken = None

    def reads(self, place: Path) -> bool:
        """Whether libtorrent seeds from the file at ``place`` (resolved)."""
        return self._seeds_from(place)

    # --- following the folder ----------------------------------------------------------------------

    async def _follow(self, group: asyncio.TaskGroup) -> None:
        while True:
            identity = _identity(self._root)
            async with Watch(self._root) as watch:
                await self._scan(group)
                if not self.ready.is_set():
                    group.create_task(self._await_ready(), name="feed-ready")
                await self._events(group, watch, identity)
            log.warning("the feed folder %s was replaced: looking at the new one", self._root)

    async def _await_ready(self) -> None:
        for publisher, _ in list(self._publishers.values()):
            await publisher.published.wait()
        self.ready.set()

    async def _events(self, group: asyncio.TaskGroup, watch: Watch, identity: tuple[int, int] | None) -> None:
        """Until the folder is another one than ``identity``."""
        scanning: asyncio.Task[float] | None = None
        due = time.monotonic() + self._interval(watch, 0.0)
        earliest = 0.0  # a scan out of turn; then it may take half of the time, not more
        while True:
            await watch.wait(max(0.0, due - time.monotonic()) if scanning is None else 0.05)
            changed, closed, overflow = watch.take()
            if changed:
                await self._look_at(group, changed, closed)
            if scanning is not None and scanning.done():
                due = time.monotonic() + self._interval(watch, scanning.result())
                earliest = time.monotonic() + scanning.result()
                scanning = None
                self._settling.expire(time.monotonic())
                if (now := _identity(self._root)) is not None and now != identity:
                    return
            if overflow or self._rescan.is_set():
                due = min(due, earliest)
            if time.monotonic() >= due and scanning is None:
                self._rescan.clear()
                scanning = group.create_task(self._scan(group), name="feed-scan")

    def _interval(self, watch: Watch, took: float) -> float:
        seconds = self._config.scan_seconds if watch.active else min(1.0, self._config.scan_seconds)
        return max(seconds, SCAN_SHARE * took)

    async def _look_at(self, group: asyncio.TaskGroup, changed: set[str], closed: set[str]) -> None:
        """Take note of paths that events named."""
        paths = [path for path in changed if is_safe(path)]
        if not paths:
            return
        now = time.monotonic()
        # A segment that is still being written is of no interest, and its writes come by the dozen.
        for path in paths:
            if path not in closed:
                self._settling.written(path, now)
        paths = [path for path in paths if path in closed or is_playlist(path) or not self._exists(path)]
        appeared = False
        for path, signature in (await asyncio.to_thread(_signatures, self._root, paths)).items():
            if signature is None or path in closed:
                self._settling.closed(path)
            appeared |= is_playlist(path) and (signature is None) == (path in self._files)
            if signature is None:
                self._files.pop(path, None)
            else:
                self._files[path] = signature
            if self._touched is not None:
                self._touched.add(path)
        self._arrange(group, paths, appeared)
        for path in closed.intersection(paths):
            alone = self._config.alone
            entry = self._publishers.get(path.partition("/")[0] if alone is None else alone.name)
            if entry is not None and not is_playlist(path):
                entry[0].closed(path)

    def _exists(self, path: str) -> bool:
        return os.path.exists(self._root / path)

    async def _scan(self, group: asyncio.TaskGroup) -> float:
        """Look at everything; the seconds it took."""
        first = not self._files
        self._touched = set()
        started = time.monotonic()
        glance: Glance = await asyncio.to_thread(scan, self._root)
        took = time.monotonic() - started
        seen = dict(glance.files)
        for path in self._touched:  # events are newer than the scan that was under way
            if path in self._files:
                seen[path] = self._files[path]
            else:
                seen.pop(path, None)
        self._touched = None
        changed = differences(self._files, seen)
        appeared = any(is_playlist(path) for path in self._files.keys() ^ seen.keys())
        if not first:
            for path in changed & seen.keys():
                self._settling.written(path, started)
        self._files.clear()
        self._files.update(seen)
        for path in sorted(glance.refused - self._refused)[:20]:
            log.warning("%s in the feed is a link that leads out of it: it is not served", path)
        for path in sorted(glance.unspeakable - self._unspeakable)[:20]:
            log.warning(
                "%r in the feed is not served: rename it without control characters, backslashes and bytes "
                "that are not UTF-8",
                path,
            )
        self._refused, self._unspeakable = glance.refused, glance.unspeakable
        self._arrange(group, changed, appeared)
        return took

    def _arrange(self, group: asyncio.TaskGroup, changed: Collection[str], appeared: bool) -> None:
        """One publisher for each stream there is; wake those that ``changed`` may matter to.

        ``appeared``: some playlist came or went, so that there may be other streams.
        """
        if appeared:
            self._streams = streams_of(self._files, self._config.alone)
            for name in self._publishers.keys() - self._streams.keys():
                publisher, task = self._publishers.pop(name)
                task.cancel()
                publisher.published.set()
                log.info("stream %s is gone", name)
                self._changed(self._library.withdraw(name))
        for name in self._streams.keys() - self._publishers.keys():
            publisher = Publisher(name, self._root, self._streams[name], self._shared)
            task = group.create_task(publisher.run(), name=f"feed-{name}")
            self._publishers[name] = (publisher, task)
            log.info("stream %s found", name)
        names = {path.partition("/")[0] for path in changed if "/" in path}
        for name, (publisher, _) in self._publishers.items():
            if changed and (name in names or not publisher.where.folder):
                publisher.poke(self._streams[name], changed)

    # --- deciding what to seed and to hold ---------------------------------------------------------

    def _changed(self, forgotten: frozenset[bytes]) -> None:
        if forgotten:
            self._seeding.forget(forgotten)
        self._news.set()

    def _broken(self, infohash: bytes) -> None:
        self._seeding.broken(infohash)
        self._rescan.set()  # its file changed: the next look finds out how

    async def _decide(self) -> None:
        crowded = False
        while True:
            try:
                # What viewers ask for matters only when not everything can be seeded.
                async with asyncio.timeout(1.0 if crowded else None):
                    await self._news.wait()
            except TimeoutError:
                pass
            self._news.clear()
            self._forget_bytes()
            crowded = self._choose()
            await asyncio.sleep(DECIDE_SECONDS)

    def _choose(self) -> bool:
        """Tell the seeding what it should hold; whether that is less than everything."""
        if self._session is None:
            return False
        limit, asked = self._session.settings.max_torrents, self._library.asked()
        recent = frozenset(asked)
        publishers = [publisher for publisher, _ in self._publishers.values()]
        seeds = [
            (Seed(it.torrent, it.asset.data, it.asset.place, it.span), it.live, it.age)
            for publisher in publishers
            for it in publisher.candidates(limit, recent)
        ]
        self._seeding.want(chosen(seeds, asked, limit, self._config.memory_bytes))
        long = any(len(publisher.seedable) > limit for publisher in publishers)
        return long or len({seed.torrent.infohash for seed, _, _ in seeds}) > limit

    def _forget_bytes(self) -> None:
        held = {name: publisher.held() for name, (publisher, _) in self._publishers.items()}
        if sum(size for entries in held.values() for _, size, _ in entries) <= self._config.memory_bytes:
            return
        flat = [(f"{name}/{path}", size, age) for name, es in held.items() for path, size, age in es]
        kept = to_keep(flat, self._config.memory_bytes)
        for name, entries in held.items():
            dropped = [path for path, _, _ in entries if f"{name}/{path}" not in kept]
            if dropped:
                self._publishers[name][0].drop(dropped)


def check_folder(folder: Path) -> Path:
    """The feed folder, absolute and resolved; FeedError says what is wrong with it."""
    try:
        root = folder.resolve(strict=True)
    except (OSError, RuntimeError):
        raise FeedError(
            f"the feed folder {folder} does not exist: create it or pass another --feed"
        ) from None
    if not root.is_dir():
        raise FeedError(f"the feed {folder} is not a folder")
    if not os.access(root, os.R_OK | os.X_OK):
        raise FeedError(f"the feed folder {folder} cannot be read: check its permissions")
    return root


def _identity(root: Path) -> tuple[int, int] | None:
    try:
        status = root.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _signatures(root: Path, paths: Iterable[str]) -> dict[str, Signature | None]:
    """What is at these paths now; None where there is no file beneath the feed. Blocking."""
    found: dict[str, Signature | None] = {}
    for path in paths:
        place = resolve(root, path)
        try:
            found[path] = signature_of(place.stat()) if place is not None else None
        except OSError:
            found[path] = None
    return found
