"""An upstream, attached: its playlists followed, its segments hashed, all of it published and seeded."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urlsplit

from seeder.errors import FetchError, PlaylistError
from seeder.feed.library import Library
from seeder.feed.publisher import LONG, versions, worked_out
from seeder.feed.remote.follow import LONG_TEXT, TIMEOUT, Follower, again
from seeder.feed.remote.hold import Counts, Held, Hold, Wanted
from seeder.feed.remote.home import home_of
from seeder.feed.remote.listing import Listing
from seeder.feed.remote.places import Places, also, kinds
from seeder.feed.remote.relay import Relay
from seeder.feed.remote.view import (
    Presentation,
    Text,
    Window,
    announced,
    build,
    listed,
    moved,
    relay_path,
    renamed,
    slide,
    text_of,
    wanted,
)
from seeder.feed.seeding import Seed, Seeding, chosen
from seeder.fetch.source import Source, open_source
from seeder.hls.playlist import MAX_TEXT, MultivariantPlaylist, Playlist, decode, parse
from seeder.hls.rewrite import Rewritten, absolute, nowhere, rewrite, variables_of
from seeder.logs import mask
from seeder.model import Kind, StreamView
from seeder.stats.snapshot import UpstreamStats
from seeder.torrent.hashing import Hasher
from seeder.torrent.seeds import Seeds
from seeder.torrent.spool import Spool

log = logging.getLogger(__name__)

ROOT_SECONDS = 60.0
"""Between two looks at the multivariant playlist: variants come and go seldom, tokens in it sooner."""
LOOK = 3.0
"""Between two looks at whether its playlists can be had: if not, it may know better."""
SETTLE = 0.02
"""Seconds for what happens together to be published together."""
SHARE = 3.0
"""Times as long as the last update took: of a day's recording each is some work, and is due with each segment
that was hashed."""
LINGER = 60.0
"""Seconds for which something is relayed after it was listed last: keys and parts go without a window, and
signed URLs change with each reload."""


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
        session: Seeds | None,
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
        self._texts: dict[str, tuple[Listing, object, Text]] = {}
        """Path → a listing, what else its text was made of, and that."""
        self._lately: dict[str, tuple[Kind, float]] = {}
        """URL of what is relayed → what it is, and when it was listed last."""
        self._bandwidths: Mapping[str, int] = {}
        self._view: StreamView | None = None
        self._dirty = asyncio.Event()
        self._anew: set[str] = set()
        """URLs of playlists that began anew since the last update."""
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
        secret = {"authorization", "cookie"} & {name.lower() for name in attach.headers}
        if not attach.relay and (secret or "@" in urlsplit(attach.url).netloc):
            log.info("viewers get no login of yours: if the segments' home wants one, --relay serves them")
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
            relay = Relay(source, lambda url, span: self._hold.bytes_of(home_of(url, span)))
            if attach.relay:
                self._library.relay(attach.name, relay)
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
                self._library.relay(attach.name, None)
                relay.close()
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
                    playlist = await worked_out(len(text) > LONG_TEXT, parse, text)
                    self._arrange(playlist, found.url, source, group)
                    known = found.validators
            except (FetchError, PlaylistError) as error:
                failures += 1
                self._failures += 1
                known = None
                trouble = str(error)
                if isinstance(error, PlaylistError):
                    trouble = f"{self._attach.url} is no playlist: {error}"
                if trouble != self._trouble:
                    log.warning("%s; trying again until it works", mask(trouble))
                self._trouble = trouble
                self.ready.set()
                # What was read of it stays good; there is no hurry then.
                await asyncio.sleep(again(failures) if not self._followers else ROOT_SECONDS / 4)
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

    def _arrange(self, playlist: Playlist, base: str, source: Source, group: asyncio.TaskGroup) -> None:
        """A follower for each playlist there is, and for no other."""
        text = playlist.text
        if isinstance(playlist, MultivariantPlaylist):
            self._imported = variables_of(text, base, {})
            known = {
                url: kind
                for uri, kind in kinds(playlist).items()
                if (url := absolute(uri, base, self._imported)) is not None
            }
            paths = self._places.arrange(known)
            aside = (lambda url: relay_path(url)) if self._attach.relay else nowhere
            self._root = rewrite(text, base, paths.get, aside=aside)
        else:
            self._root = None
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
            self._anew.add(listing.url)
            self._hold.again(text_of("", listing, {}, self._imported, False).homes.values())
        self._dirty.set()

    # --- publishing ----------------------------------------------------------------------------------

    async def _publish(self) -> None:
        clock = asyncio.get_running_loop().time
        took = 0.0
        while True:
            await self._dirty.wait()
            await asyncio.sleep(max(SETTLE, SHARE * took))
            self._dirty.clear()
            began = clock()
            try:
                await self._update(began)
            except Exception:
                # One surprising playlist must not end the rest; what was published stays.
                log.exception("%s: cannot be updated", self._attach.name)
            took = clock() - began

    async def _update(self, now: float) -> None:
        listings = {
            path: follower.listing
            for path, (follower, _) in self._followers.items()
            if follower.listing is not None
        }
        if not listings:
            return
        long = sum(len(listing.playlist.segments) for listing in listings.values()) > LONG
        before = self._texts
        self._texts = await worked_out(long, self._rewritten, listings)
        texts = {path: text for path, (_, _, text) in self._texts.items()}
        names = await worked_out(long, self._renamed, before)
        self._hold.rename(names)
        windows = {
            path: slide(moved(self._windows.get(path, Window()), names), listing.playlist, texts[path].homes)
            for path, listing in listings.items()
        }
        rows = [(listing, windows[path], texts[path].homes) for path, listing in listings.items()]
        segments = await worked_out(long, wanted, rows)
        self._windows = windows
        self._hold.want(segments)
        held = dict(self._hold.held)
        presentation = Presentation(self._attach.name, self._root, listings, texts, self._bandwidths)
        if self._root is None:  # else it announces them itself
            self._bandwidths = await worked_out(long, announced, presentation, held)
            presentation = replace(presentation, bandwidths=self._bandwidths)
        relayed = await worked_out(long, self._relayed, presentation, now) if self._attach.relay else None
        self._view = await worked_out(
            long, build, presentation, windows, held, relayed, self._view, versions.__next__
        )
        forgotten = self._library.publish(self._view)
        if forgotten:
            self._seeding.forget(forgotten)
        self._choose(segments, held)
        self._look_at_origins()
        self.ready.set()

    def _rewritten(self, listings: Mapping[str, Listing]) -> dict[str, tuple[Listing, object, Text]]:
        """Those that changed, anew: of a low-latency feed's playlists one does, several times a second."""
        places = also(self._places.paths, {path: listing.base for path, listing in listings.items()})
        ours = places, self._imported
        found = {}
        for path, listing in listings.items():
            before = self._texts.get(path)
            if before is not None and before[0] is listing and before[1] == ours:
                found[path] = before
            else:
                text = text_of(path, listing, places, self._imported, self._attach.relay)
                found[path] = listing, ours, text
        return found

    def _renamed(self, before: Mapping[str, tuple[Listing, object, Text]]) -> dict[str, str]:
        """Old home → new home, in playlists that go on where they were."""
        anew, self._anew = self._anew, set()
        names: dict[str, str] = {}
        for path, (listing, _, text) in self._texts.items():
            last, _, old = before.get(path, (listing, None, text))
            if last is not listing and listing.url not in anew:
                names |= renamed((last, old), (listing, text))
        return names

    def _relayed(self, now: Presentation, clock: float) -> dict[str, Kind]:
        """What is served from here; also what was listed until a moment ago, for who read that."""
        texts = [text.rewritten for text in now.texts.values()]
        if now.root is not None:
            texts.append(now.root)
        found = listed(texts, self._windows.values())
        self._lately |= {url: (kind, clock) for url, kind in found.items()}
        self._lately = {url: it for url, it in self._lately.items() if clock - it[1] < LINGER}
        return {url: kind for url, (kind, _) in self._lately.items()} | found

    def _choose(self, segments: Sequence[Wanted], held: Mapping[str, Held]) -> None:
        if self._session is None:
            return
        kept = ((it, held[it.url]) for it in segments if it.url in held)
        seeds = [
            (Seed(segment.torrent, segment.data, Path()), it.live, it.age)
            for it, segment in kept
            if segment.data is not None
        ]
        limit = self._session.settings.max_torrents
        self._seeding.want(chosen(seeds, self._library.asked(), limit, self._attach.memory_bytes))

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
