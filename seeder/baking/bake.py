"""A folder, baked: what is new is hashed, playlists are replaced stream by stream."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass, field, replace

from seeder.baking import find
from seeder.baking.hashing import Counter, Stopped, Unhashed, hash_all
from seeder.baking.journal import Journal, load
from seeder.baking.listing import Extent, Listing, listing, web_seeds
from seeder.baking.page import policy, watch_page
from seeder.baking.plan import Remarks, Work, plan, rendezvous
from seeder.baking.site import browser_files
from seeder.baking.state import MAX_IDS, Baked, State
from seeder.baking.store import MAX_PLAYLIST, Folder
from seeder.baking.streams import Stream, page_of
from seeder.errors import FeedError, PlaylistError
from seeder.feed.beneath import Signature
from seeder.hls.manifest import insert, segment_tag, swarm_tag
from seeder.hls.playlist import MediaPlaylist, parse
from seeder.model import Addresses, Terms, rendezvous_hash


@dataclass(frozen=True, slots=True)
class Options:
    """What the operator said."""

    tracker: str
    """``ws(s)://…``"""
    public_url: str | None = None
    """Where the folder will be, without a slash at its end."""
    ice: tuple[str, ...] = ()
    terms: Terms = field(default_factory=Terms)
    workers: int | None = None
    """Threads that hash; None: as many as there are cores."""


@dataclass(frozen=True, slots=True)
class Ears:
    """Who listens to what is done."""

    tell: Callable[[str], None]
    """A result."""
    progress: Callable[[Counter, Work], None] = lambda counter, work: None
    stopped: Callable[[], bool] = lambda: False


@dataclass(slots=True)
class Summary:
    """What a bake did, or would do."""

    streams: int = 0
    segments: int = 0
    """Listed, over all playlists."""
    hashed: int = 0
    bytes: int = 0
    """Hashed."""
    known: int = 0
    """Hashed by an earlier bake."""
    written: int = 0
    """Files."""
    removed: int = 0
    seconds: float = 0.0
    stopped: bool = False


class Bake:
    """One run. FeedError and ServeError, with everything that is done so far left as it is;
    :class:`Stopped` as long as nothing is."""

    def __init__(self, folder: Folder, options: Options, ears: Ears) -> None:
        self.remarks = Remarks()
        self.summary = Summary()
        self._folder = folder
        self._options = options
        self._ears = ears
        self._ready: set[Extent] = set()
        """Extents whose hashes in the state are those of the files as they are."""
        self._ids: frozenset[str] = frozenset()
        """By which tags of this folder's bakes are known."""
        self._wanted: set[str] = set()
        """Files of ours that this bake makes."""

    def rehearse(self) -> Work:
        """What :meth:`run` would do; nothing is written, nothing hashed."""
        with self._folder.locked():
            state = load(self._folder) or State()
            _, work = self._look(state)
            self._no_clash(state, browser_files()[0])
        return work

    def run(self) -> Summary:
        began = time.monotonic()
        with self._folder.locked():
            state = load(self._folder) or State()
            listings, work = self._look(state)
            browser, template = browser_files()
            self._no_clash(state, browser)
            with Journal(self._folder, state) as journal:
                try:
                    for path, data in browser.items():
                        self._own(journal, path, data)
                    self._bake(journal, listings, work, template)
                    self._tidy(journal)
                except Stopped:
                    self.summary.stopped = True
        self.summary.seconds = time.monotonic() - began
        return self.summary

    # --- what there is -----------------------------------------------------------------------------

    def _look(self, state: State) -> tuple[dict[str, Listing], Work]:
        listings = find.find(self._folder, state.ids(), self.remarks.add, self._check)
        if not listings:
            raise FeedError(
                f"no playlist (.m3u8) in {self._folder.root}: name a folder with finished HLS in it"
            )
        work = plan(listings, state.hashed, self._signature, self.remarks)
        if not work.streams:
            first = next(iter(self.remarks.lines()), "there is nothing to play")
            raise FeedError(f"nothing to bake in {self._folder.root}: {first}")
        self._ready = set(work.known)
        self.summary = Summary(
            streams=len(work.streams), segments=sum(work.segments.values()), known=len(work.known)
        )
        return listings, work

    def _signature(self, path: str) -> Signature | None:
        self._check()  # there may be half a million
        return self._folder.signature(path)

    def _check(self) -> None:
        if self._ears.stopped():
            raise Stopped

    def _no_clash(self, state: State, browser: dict[str, bytes]) -> None:
        """What lies where the browser's files go must be ours: nobody's file is lost."""
        for path, data in browser.items():
            there = self._folder.digest(path)
            if there is not None and path not in state.files and there != _digest(data):
                raise FeedError(f"{self._folder.root / path} is there and not of a bake here: move it away")

    # --- what is done ------------------------------------------------------------------------------

    def _bake(self, journal: Journal, listings: dict[str, Listing], work: Work, template: str) -> None:
        """Hash; each stream is written as soon as its last segment is known."""
        self._identities(journal, work.streams)
        self._ids = journal.state.ids()
        counter = Counter()
        todo = frozenset(work.todo)
        left: dict[str, int] = {}
        streams_of: dict[Extent, list[Stream]] = {}
        for stream in work.streams:
            extents = {e for path in stream.playlists for e in listings[path].extents.values()} & todo
            left[stream.path] = len(extents)
            for extent in extents:
                streams_of.setdefault(extent, []).append(stream)
        for stream in work.streams:
            if not left[stream.path]:
                self._stream(journal, stream, listings, template)

        def tick() -> None:
            self._ears.progress(counter, work)

        hashing = hash_all(self._folder, work.todo, counter, self._ears.stopped, tick, self._options.workers)
        with closing(hashing):
            for extent, result in hashing:
                if isinstance(result, Unhashed):
                    self.remarks.add(extent.path, f"{result.reason}: no magnet for it")
                else:
                    journal.segment(extent, result)
                    self._ready.add(extent)
                    self.summary.hashed += 1
                    self.summary.bytes += result.length
                for stream in streams_of[extent]:
                    left[stream.path] -= 1
                    if not left[stream.path]:
                        self._stream(journal, stream, listings, template)

    def _stream(self, journal: Journal, stream: Stream, listings: dict[str, Listing], template: str) -> None:
        """Replace its playlists, then make its page."""
        baked = journal.state.streams[stream.path]
        for path in stream.playlists:
            self._check()
            self._playlist(journal, path, baked.ids[-1])
        if baked.page is not None:
            homes = {home for path in stream.playlists for home in listings[path].homes}
            title = stream.title(self._folder.root.name)
            rules = policy(self._options.tracker, homes)
            html = watch_page(template, baked.page, stream.path, title, rules)
            self._own(journal, baked.page, html.encode())
        else:
            self.remarks.add(stream.path, "has no page: files of that name are there already")
        self._ears.tell(self._line(stream, listings, baked))

    def _identities(self, journal: Journal, streams: Iterable[Stream]) -> None:
        """Swarm and page of each, in order and before anything is written: which of two streams gets a page's
        usual name must not be chance."""
        state = journal.state
        pages = {baked.page: path for path, baked in state.streams.items() if baked.page is not None}
        for stream in streams:

            def taken(page: str, path: str = stream.path) -> bool:
                theirs = self._folder.exists(page) and page not in state.files
                return theirs or pages.get(page, path) != path

            known = state.streams.get(stream.path)
            before, page = ((), None) if known is None else (known.ids, known.page)
            base = self._options.public_url
            derived = rendezvous_hash(f"{base}/{stream.path}").hex() if base is not None else None
            identity = rendezvous(known, derived, lambda: secrets.token_hex(20))
            ids = (*(other for other in before if other != identity), identity)[-MAX_IDS:]
            page = page or page_of(stream, taken)
            if page is not None:
                pages[page] = stream.path
            journal.stream(stream.path, Baked(ids, page))

    def _playlist(self, journal: Journal, path: str, identity: str) -> None:
        try:
            original = find.read(self._folder, path, self._ids)
            playlist = parse(original.text) if original is not None else None
        except (PlaylistError, OSError):
            original = playlist = None
        growing = isinstance(playlist, MediaPlaylist) and not playlist.ended
        if original is None or playlist is None or growing:
            self.remarks.add(path, "changed meanwhile: run bake again")
            return
        tags: dict[int, str] = {}
        if isinstance(playlist, MediaPlaylist):
            tags = self._tags(journal.state, path, playlist)
        addresses = Addresses("", self._options.tracker, self._options.ice, self._options.terms)
        data = insert(original.text, swarm_tag(bytes.fromhex(identity), addresses), tags).encode()
        if len(data) > MAX_PLAYLIST:
            self.remarks.add(path, "would be larger than 256 MiB with its magnets: left alone")
            return
        # Before the tags are there: who finds them must know that they are ours.
        journal.playlist(path, journal.state.playlists.get(path, ()) if original.ours else original.removed)
        self.summary.written += self._folder.put(path, data)
        if (copy := find.packed(self._folder, path)) is not None:
            self.remarks.add(copy, "is older than the playlist now: pack it anew, or servers send it instead")

    def _tags(self, state: State, path: str, playlist: MediaPlaylist) -> dict[int, str]:
        extents = listing(path, playlist).extents
        base = self._options.public_url
        urls = web_seeds(path, playlist, base) if base is not None else {}
        tags = {}
        for line, extent in extents.items():
            if extent in self._ready:
                torrent = state.hashed[extent].torrent(extent.name)
                tags[line] = segment_tag(torrent, self._options.tracker, urls.get(line))
        return tags

    def _own(self, journal: Journal, path: str, data: bytes) -> None:
        """Have a file of ours; one that somebody changed since stays as it is."""
        self._wanted.add(path)
        digest, there = _digest(data), self._folder.digest(path)
        known = journal.state.files.get(path, ())
        if there is not None and there != digest and there not in known:
            self.remarks.add(path, "was changed since it was made: it stays as it is")
            return
        if there != digest:
            journal.file(path, (*known[-1:], digest))
            self.summary.written += self._folder.put(path, data)
        journal.file(path, (digest,))

    def _tidy(self, journal: Journal) -> None:
        """What nobody needs any more goes: files of ours, and what is known of segments and playlists."""
        state = journal.state
        for path, baked in state.streams.items():
            if not self._folder.place(path):
                # Its swarm is remembered: some of its playlists may be left, with tags.
                state.streams[path] = replace(baked, page=None)
        # Also pages of streams that are left alone this time: somebody may be at work on them.
        self._wanted |= {baked.page for baked in state.streams.values() if baked.page is not None}
        for path in sorted(state.files.keys() - self._wanted):
            if self._folder.digest(path) in state.files[path]:
                self._folder.remove(path)
                self.summary.removed += 1
            del state.files[path]
        state.hashed = {extent: state.hashed[extent] for extent in self._ready}
        state.playlists = {p: removed for p, removed in state.playlists.items() if self._folder.place(p)}
        journal.compact()

    def _line(self, stream: Stream, listings: dict[str, Listing], baked: Baked) -> str:
        extents = {e for path in stream.playlists for e in listings[path].extents.values()}
        return (
            f"{stream.path}: {many(len(stream.playlists), 'playlist')}, "
            f"{len(extents & self._ready)} of {many(len(extents), 'segment')} with magnets, "
            f"swarm {baked.ids[-1]}" + (f", page {baked.page}" if baked.page else "")
        )


def many(count: int, noun: str) -> str:
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
