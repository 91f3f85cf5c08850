"""An upstream, attached: its playlists followed, its segments hashed, all of it published and seeded."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urlsplit

from seeder.errors import FetchError, PlaylistError
from seeder.feed.library import Library
from seeder.feed.publisher import versions
from seeder.feed.remote.follow import RETRY, TIMEOUT, Follower
from seeder.feed.remote.hold import Counts, Hold
from seeder.feed.remote.home import place_of
from seeder.feed.remote.listing import Listing
from seeder.feed.remote.places import Places, also, kinds
from seeder.feed.remote.view import (
    Presentation,
    Window,
    announced,
    build,
    homes,
    relay_path,
    slide,
    wanted,
)
from seeder.feed.seeding import Seed, Seeding
from seeder.feed.window import Candidate, to_seed
from seeder.fetch.source import Source, open_source
from seeder.hls.playlist import MAX_TEXT, MultivariantPlaylist, decode, parse
from seeder.hls.rewrite import Rewritten, absolute, rewrite, variables_of
from seeder.logs import mask
from seeder.model import StreamView
from seeder.stats.snapshot import UpstreamStats
from seeder.torrent.hashing import Hasher
from seeder.torrent.session import SeedSession
from seeder.torrent.spool import Spool

log = logging.getLogger(__name__)

ROOT_SECONDS = 60.0
"""Between two looks at the multivariant playlist: variants come and go seldom, tokens in it sooner."""
LOOK = 3.0
"""Between two looks at whether its playlists can be had: if not, it may know better."""
RELAY_SECONDS = 1.0
"""A relayed segment that is not here by then is listed with its home."""
SETTLE = 0.02
"""Seconds for what happens together to be published together."""


@dataclass(frozen=True, slots=True)
class Attach:
    """An upstream, and what to do with it."""

    url: str
    """Of its multivariant playlist, or its only media playlist."""
    name: str
    headers: Mapping[str, str] = field(default_factory=dict)
    allow_private: bool = False
    verify: bool = True
    seed: bool = True
    """Keep segments and have libtorrent seed them; else they are hashed only."""
    relay: bool = False
    """Serve segments from here: their home lets no other sites' pages read them."""
    trackers: tuple[str, ...] = ()
    memory_bytes: int = 512 << 20
    spool: Path | None = None


class AttachTask:
    """``run`` it in a task; ``ready`` is set once something is published, or the upstream failed."""

    def __init__(
        self,
        attach: Attach,
        library: Library,
        session: SeedSession | None,
        on_retire: Callable[[bytes], None] | None = None,
    ) -> None:
        self.ready = asyncio.Event()
        self._attach = attach
        self._library = library
        self._session = session if attach.seed else None
        self._on_retire = on_retire
        self._places = Places()
        self._root: Rewritten | None = None
        self._imported: Mapping[str, str] = {}
        self._followers: dict[str, tuple[Follower, asyncio.Task[None]]] = {}
        """By path here."""
        self._windows: dict[str, Window] = {}
        self._live: set[str] = set()
        """Paths of playlists that have not ended: recordings are too long to be relayed from memory."""
        self._relayed: dict[str, str] = {}
        self._decided: dict[str, bool] = {}
        """Home → served from here, for as long as it is listed."""
        self._bandwidths: Mapping[str, int] = {}
        self._view: StreamView | None = None
        self._dirty = asyncio.Event()
        self._due: float | None = None
        self._missing_since: float | None = None
        self._trouble = ""
        self._failures = 0
        self._warned = False
        self._held: Hold | None = None
        self._seeding: Seeding

    def upstream(self) -> UpstreamStats:
        tallies = [follower.tally for follower, _ in self._followers.values()]
        counts = self._held.counts if self._held is not None else Counts()
        fetching = self._held.trouble if self._held is not None else ""
        troubles = [self._trouble, *(tally.trouble for tally in tallies), fetching]
        return UpstreamStats(
            reloads=sum(tally.reloads for tally in tallies),
            failures=self._failures + sum(tally.failures for tally in tallies) + counts.failures,
            restarts=sum(tally.restarts for tally in tallies),
            fetched=counts.fetched,
            bytes=counts.bytes,
            changed=counts.changed,
            trouble=mask(next((trouble for trouble in troubles if trouble), "")),
        )

    @property
    def _hold(self) -> Hold:
        assert self._held is not None, "run() makes it"
        return self._held

    async def run(self) -> None:
        """Until cancelled. Afterwards nothing is published."""
        attach = self._attach
        async with AsyncExitStack() as stack:
            source = await stack.enter_async_context(
                open_source(
                    attach.url,
                    headers=attach.headers,
                    allow_private=attach.allow_private,
                    verify=attach.verify,
                )
            )
            hasher = await stack.enter_async_context(Hasher())
            spool = None
            if self._session is not None:
                spool = await stack.enter_async_context(Spool(attach.spool, attach.memory_bytes))
                self._session.on_broken = self._broken
            keep = self._session is not None or attach.relay
            self._held = Hold(
                source, hasher, keep=keep, memory_bytes=attach.memory_bytes, changed=self._dirty.set
            )
            self._seeding = Seeding(
                self._session, spool, attach.trackers, self._library.knows, self._on_retire
            )
            try:
                async with asyncio.TaskGroup() as group:
                    group.create_task(self._hold.run(), name="attach-hold")
                    group.create_task(self._seeding.run(), name="attach-seeding")
                    group.create_task(self._publish(), name="attach-publish")
                    await self._follow_root(source, group)
            finally:
                self._library.withdraw(attach.name)
                if self._session is not None:
                    self._session.on_broken = None

    # --- the multivariant playlist -------------------------------------------------------------------

    async def _follow_root(self, source: Source, group: asyncio.TaskGroup) -> None:
        failures, known = 0, None
        while True:
            try:
                found = await source.get(self._attach.url, limit=MAX_TEXT, timeout=TIMEOUT, known=known)
                if found.status != 304:
                    text = decode(found.data)
                    self._arrange(text, found.url, source, group)
                    known = found.validators
            except (FetchError, PlaylistError) as error:
                failures += 1
                self._failures += 1
                known = None
                if str(error) != self._trouble:
                    log.warning("%s", mask(str(error)))
                self._trouble = str(error)
                self.ready.set()
                # What was read of it stays good; there is no hurry then.
                delay = RETRY[min(failures, len(RETRY)) - 1] if not self._followers else ROOT_SECONDS / 4
                await asyncio.sleep(delay * (1 - 0.5 * random.random()))
                continue
            failures, self._trouble = 0, ""
            if self._root is None:
                return  # a media playlist: its follower does the rest
            await self._until_root_is_due()

    async def _until_root_is_due(self) -> None:
        """Sooner, when a variant cannot be had any more: the playlist that names it may know better."""
        for _ in range(int(ROOT_SECONDS / LOOK)):
            await asyncio.sleep(LOOK)
            if any(follower.tally.trouble for follower, _ in self._followers.values()):
                return

    def _arrange(self, text: str, base: str, source: Source, group: asyncio.TaskGroup) -> None:
        """A follower for each playlist there is, and for no other."""
        playlist = parse(text)
        if isinstance(playlist, MultivariantPlaylist):
            self._imported = variables_of(text, base, {})
            known = {
                url: kind
                for uri, kind in kinds(playlist).items()
                if (url := absolute(uri, base, self._imported)) is not None
            }
            paths = self._places.arrange(known)
            self._root = rewrite(text, base, paths.get)
        else:
            paths = self._places.arrange({self._attach.url: "EXT-X-STREAM-INF"})
        for path in self._followers.keys() - set(paths.values()):
            _, task = self._followers.pop(path)
            task.cancel()
            self._windows.pop(path, None)
        for url, path in paths.items():
            if path in self._followers:
                self._followers[path][0].url = url  # perhaps with another token
            else:
                name = f"{self._attach.name}/{path.partition('/')[0]}"
                follower = Follower(url, source, name, self._listed)
                self._followers[path] = follower, group.create_task(follower.run(), name=f"attach-{path}")
        self._dirty.set()

    def _listed(self, listing: Listing, restarted: bool) -> None:
        if restarted:
            self._hold.again(homes(listing, self._imported).values())
        self._dirty.set()

    # --- publishing ----------------------------------------------------------------------------------

    async def _publish(self) -> None:
        clock = asyncio.get_running_loop().time
        while True:
            try:
                async with asyncio.timeout(None if self._due is None else max(0.0, self._due - clock())):
                    await self._dirty.wait()
            except TimeoutError:
                pass
            await asyncio.sleep(SETTLE)
            self._dirty.clear()
            self._due = None
            try:
                self._update(clock())
            except Exception:
                # One surprising playlist must not end the rest; what was published stays.
                log.exception("%s: cannot be updated", self._attach.name)

    def _update(self, now: float) -> None:
        listings = {
            path: follower.listing
            for path, (follower, _) in self._followers.items()
            if follower.listing is not None
        }
        if not listings:
            return
        home = {path: homes(listing, self._imported) for path, listing in listings.items()}
        for path, listing in listings.items():
            whole = [home[path][s.uri_line] for s in listing.playlist.segments if s.uri_line in home[path]]
            self._windows[path] = slide(
                self._windows.get(path, Window()), list(dict.fromkeys(whole)), not listing.playlist.ended
            )
        self._live = {path for path, listing in listings.items() if not listing.playlist.ended}
        rows = [(listing, self._windows[path], home[path]) for path, listing in listings.items()]
        segments = wanted(rows)
        self._hold.want(segments)
        if self._attach.relay and self._waits(now):
            return
        presentation = Presentation(
            self._attach.name,
            self._root,
            listings,
            home,
            also(self._places.paths, {path: listing.base for path, listing in listings.items()}),
            self._imported,
            self._bandwidths,
        )
        if self._root is None:  # else it announces them itself
            self._bandwidths = announced(presentation, self._hold.held)
            presentation = replace(presentation, bandwidths=self._bandwidths)
        self._view = build(
            presentation, self._windows, self._hold.held, self._relayed, self._view, versions.__next__
        )
        forgotten = self._library.publish(self._view)
        if forgotten:
            self._seeding.forget(forgotten)
        self._choose([(segment.url, segment.live, segment.age) for segment in segments])
        self._look_at_origins()
        self.ready.set()

    def _waits(self, now: float) -> bool:
        """Decide of each listed segment whether it is served from here; whether one is worth waiting for.

        A segment keeps its URI (§6.2.1), so this is decided before it is listed, and once.
        """
        live = [w for path, w in self._windows.items() if path in self._live]
        listed = {url for window in live for url in (*window.listed, *window.left)}
        # Of a byte range the playlist says where in its home it is: it stays there.
        listed = {url for url in listed if place_of(url)[1] is None}
        self._decided = {url: here for url, here in self._decided.items() if url in listed}
        for url in listed - self._decided.keys():
            if (held := self._hold.held.get(url)) is not None and held.data is not None:
                self._decided[url] = True
        missing = listed - self._decided.keys()
        self._relayed = {url: relay_path(url) for url, here in self._decided.items() if here}
        if not missing:
            self._missing_since = None
            return False
        self._missing_since = self._missing_since or now
        if now < self._missing_since + RELAY_SECONDS:
            self._due = self._missing_since + RELAY_SECONDS
            return True
        self._missing_since = None
        self._decided |= dict.fromkeys(missing, False)
        return False

    def _choose(self, order: list[tuple[str, bool, int]]) -> None:
        if self._session is None:
            return
        held = self._hold.held
        candidates, seeds = [], {}
        for url, live, age in order:
            segment = held.get(url)
            if segment is None or segment.data is None:
                continue
            infohash = segment.torrent.infohash
            candidates.append(Candidate(infohash, len(segment.data), live, age))
            seeds[infohash] = Seed(segment.torrent, segment.data, Path())
        asked = {infohash: rank for rank, infohash in enumerate(self._library.asked())}
        limit = self._session.settings.max_torrents
        chosen = to_seed(candidates, asked, limit, self._attach.memory_bytes)
        self._seeding.want({infohash: seeds[infohash] for infohash in chosen})

    def _broken(self, infohash: bytes) -> None:
        self._seeding.broken(infohash)

    def _look_at_origins(self) -> None:
        """Say once what would keep browsers from reading segments where they are."""
        if self._warned or self._attach.relay:
            return
        for held in self._hold.held.values():
            self._warned = True
            if not held.allows_origin:
                log.warning(
                    "%s sends no Access-Control-Allow-Origin: pages on other sites cannot fetch its "
                    "segments; --relay serves them from here",
                    urlsplit(held.url).netloc.rpartition("@")[2],
                )
            return
