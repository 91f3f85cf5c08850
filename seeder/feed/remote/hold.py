"""Upstream segments: each fetched once and hashed; its bytes kept while there is room and use for them."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import posixpath
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import unquote, urlsplit

from seeder.errors import FetchError, MetainfoError
from seeder.feed.remote.follow import again
from seeder.feed.remote.home import place_of
from seeder.fetch.fetched import Fetched, Validators
from seeder.fetch.source import Source
from seeder.hls.names import speakable
from seeder.model import Torrent
from seeder.torrent.hashing import Hasher
from seeder.torrent.metainfo import MAX_LENGTH, part_name

log = logging.getLogger(__name__)

WORKERS = 6
"""Segments fetched at once: a ladder of six variants lists six at a time."""
TIMEOUT = 30.0
"""Seconds for a segment; long before that it left the window of most streams."""
ATTEMPTS = 8
"""After so many a segment is left without a torrent: viewers fetch it themselves, or cannot either."""


NEW = 8
"""Live segments up to so far behind the newest have older ones make room at once, the rest with the next
update: of a day's window that is some work."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A segment that is listed, or was a moment ago."""

    url: str
    """Its home (:func:`seeder.feed.remote.home.home_of`), here and everywhere below."""
    live: bool
    age: int
    """Live: segments listed after it (0: the newest). Recorded: segments listed before it."""


@dataclass(frozen=True, slots=True)
class Held:
    """A segment whose torrent is ready."""

    url: str
    torrent: Torrent
    data: bytes | None
    """None: not kept."""
    content_type: str = ""
    allows_origin: bool = True
    """Its server lets other sites' pages read it (Access-Control-Allow-Origin)."""
    validators: Validators = field(default_factory=Validators)
    checked: bool = False
    """It was not the newest when it was fetched, or was asked for again: that one may be listed too early."""


@dataclass(slots=True)
class Counts:
    """For the metrics."""

    fetched: int = 0
    bytes: int = 0
    failures: int = 0
    changed: int = 0
    """Segments whose bytes were others the second time."""


@dataclass(slots=True, eq=False)
class _Underway:
    """A segment that is being fetched."""

    home: str | None
    """By now; None: it is nobody's any more."""


class Hold:
    """``run`` it in a task; ``changed`` is called when a torrent is ready or another one than before.

    ``keep``: whether bytes are of use (to seed, to serve); at most ``memory_bytes`` of them are kept.
    """

    def __init__(
        self, source: Source, hasher: Hasher, *, keep: bool, memory_bytes: int, changed: Callable[[], None]
    ) -> None:
        self.counts = Counts()
        self._why = ""
        self._source = source
        self._hasher = hasher
        self._keep = keep
        self._room = memory_bytes
        self._changed = changed
        self._wanted: dict[str, Wanted] = {}
        self._open: dict[str, Wanted] = {}
        """Those of them that are still to be fetched: of a day's recording ever fewer."""
        self._held: dict[str, Held] = {}
        self._kept = 0
        """Bytes of them, or a few that are gone since the last :meth:`want`."""
        self._tried: dict[str, tuple[int, float]] = {}
        """URL → failures, when to try again."""
        self._underway: list[_Underway] = []
        self._wake = asyncio.Event()

    @property
    def held(self) -> Mapping[str, Held]:
        """By URL."""
        return self._held

    @property
    def trouble(self) -> str:
        """What keeps a listed segment from being fetched; empty when nothing does."""
        return self._why if self._tried else ""

    def bytes_of(self, home: str) -> bytes | None:
        """Where they are kept."""
        held = self._held.get(home)
        return None if held is None else held.data

    def want(self, segments: Iterable[Wanted]) -> None:
        """From now on these and no others, in the order of their urgency; bounded by what playlists list."""
        self._wanted = {segment.url: segment for segment in segments}
        self._held = {url: held for url, held in self._held.items() if url in self._wanted}
        self._tried = {url: tried for url, tried in self._tried.items() if url in self._wanted}
        self._open = {url: wanted for url, wanted in self._wanted.items() if self._is_open(wanted)}
        self._make_room()
        self._wake.set()

    def again(self, urls: Iterable[str]) -> None:
        """The publisher began anew: what these URLs stand for may be something else."""
        gone = set(urls)
        for url in gone:
            self._held.pop(url, None)
            self._tried.pop(url, None)
            if (wanted := self._wanted.get(url)) is not None:
                self._open[url] = wanted
        for fetch in self._underway:
            if fetch.home in gone:
                fetch.home = None
        self._wake.set()

    def rename(self, names: Mapping[str, str]) -> None:
        """Segments whose URLs changed (old → new), as signed ones do with each reload: they stay what they
        are. To be followed by :meth:`want`."""
        for old, new in names.items():
            if old in self._held and new not in self._held:
                self._held[new] = replace(self._held[old], url=new)
            if old in self._tried:
                self._tried.setdefault(new, self._tried[old])
            for fetch in self._underway:
                if fetch.home == old:
                    fetch.home = new

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for number in range(WORKERS):
                group.create_task(self._work(), name=f"attach-fetch-{number}")

    async def _work(self) -> None:
        clock = asyncio.get_running_loop().time
        while True:
            url, at = self._next(clock())
            if url is None:
                self._wake.clear()
                try:
                    async with asyncio.timeout(None if at is None else max(0.0, at - clock())):
                        await self._wake.wait()
                except TimeoutError:
                    pass
                continue
            fetch = _Underway(url)
            self._underway.append(fetch)
            try:
                await self._take(fetch, url, clock)
            finally:
                self._underway.remove(fetch)
                for home in {url, fetch.home or url}:
                    if (wanted := self._open.get(home)) is not None and not self._is_open(wanted):
                        del self._open[home]

    def _next(self, now: float) -> tuple[str | None, float | None]:
        """What to fetch now; else when there may be something."""
        later: float | None = None
        busy = {fetch.home for fetch in self._underway}
        for url in self._open:
            if url in busy:
                continue
            _, at = self._tried.get(url, (0, 0.0))
            if at <= now:
                return url, None
            later = at if later is None else min(later, at)
        return None, later

    def _is_open(self, wanted: Wanted) -> bool:
        held = self._held.get(wanted.url)
        if held is not None:
            return not held.checked and self._worth_a_look(wanted, held)
        return self._tried.get(wanted.url, (0, 0.0))[0] < ATTEMPTS

    @staticmethod
    def _worth_a_look(wanted: Wanted, held: Held) -> bool:
        """Once more when the next one is listed: what was listed too early is whole by then."""
        return wanted.live and wanted.age > 0 and bool(held.validators.headers())

    async def _take(self, fetch: _Underway, url: str, clock: Callable[[], float]) -> None:
        before = self._held.get(url)
        known = before.validators if before is not None else None
        place, span = place_of(url)
        # A server that sends all of a long resource for each range of it is not asked for that.
        limit = MAX_LENGTH if span is None else min(span.length, MAX_LENGTH)
        try:
            fetched = await self._source.get(place, limit=limit, timeout=TIMEOUT, known=known, span=span)
            torrent = before.torrent if before is not None else None
            if fetched.status != 304:
                torrent = await self._hasher.data(name_of(url), fetched.data)
        except (FetchError, MetainfoError) as error:
            if fetch.home is None:
                pass
            elif before is not None:
                self._check(fetch.home)  # it was had once; that it is gone by now is no news
            else:
                self._failed(fetch.home, clock(), str(error))
            return
        if fetch.home is None or torrent is None:
            return
        url = fetch.home
        if fetched.status == 304:
            self._check(url)
            return
        self._tried.pop(url, None)
        self.counts.fetched += 1
        self.counts.bytes += len(fetched.data)
        if url not in self._wanted:
            return
        if before is not None and before.torrent.infohash == torrent.infohash:
            self._check(url)
            return
        if before is not None:
            self.counts.changed += 1
            log.warning(
                "%s has other bytes than when it was listed first: it gets a new torrent", torrent.name
            )
        # A range that is listed too early is cut off, which is noticed.
        checked = before is not None or self._wanted[url].age > 0 or span is not None
        held = self._made(fetched, url, torrent, checked=checked)
        # They come in the order of their urgency: when there is no room left, none is made but for new ones.
        fits = self._kept + len(fetched.data) <= self._room
        new = self._wanted[url].live and self._wanted[url].age < NEW
        self._held[url] = held if fits or new else replace(held, data=None)
        if fits:
            self._kept += len(held.data or b"")
        elif new:
            self._make_room()
        self._changed()

    def _made(self, fetched: Fetched, url: str, torrent: Torrent, *, checked: bool) -> Held:
        allows = fetched.url.startswith("file:") or "access-control-allow-origin" in fetched.headers
        kind = fetched.headers.get("content-type", "")
        data = fetched.data if self._keep else None
        return Held(url, torrent, data, kind, allows, fetched.validators, checked=checked)

    def _check(self, url: str) -> None:
        if (held := self._held.get(url)) is not None:
            self._held[url] = replace(held, checked=True)

    def _failed(self, url: str, now: float, why: str) -> None:
        self.counts.failures += 1
        if why != self._why or not self._tried:
            log.warning("%s", why)
        self._why = why
        failures = self._tried.get(url, (0, 0.0))[0] + 1
        if url in self._wanted:
            self._tried[url] = (failures, now + again(failures))

    def _make_room(self) -> None:
        """Keep the bytes of the most urgent."""
        room = self._room
        for url in self._wanted:
            held = self._held.get(url)
            if held is None or held.data is None:
                continue
            if len(held.data) > room:
                self._held[url] = replace(held, data=None)
            else:
                room -= len(held.data)
        self._kept = self._room - room


def name_of(url: str) -> str:
    """A torrent's name: the URL's last component, or a hash of it where that is none for a file."""
    url, span = place_of(url)
    if span is not None:
        return part_name(name_of(url), span)
    name = unquote(posixpath.basename(urlsplit(url).path), errors="replace")[:128]
    if name in ("", ".", "..") or "/" in name or not speakable(name):
        return hashlib.sha1(url.encode()).hexdigest()[:16]
    return name
