"""Follows one media playlist of an upstream: reloads it in time, through all that can go wrong there."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable
from dataclasses import dataclass, replace

from seeder.backoff import delay
from seeder.errors import FetchError, PlaylistError
from seeder.feed.publisher import worked_out
from seeder.feed.remote.listing import DateRanges, Listing, Step, added, step
from seeder.feed.remote.rhythm import Rhythm
from seeder.fetch.fetched import Fetched, Validators
from seeder.fetch.source import Source
from seeder.hls.delivery import edge_of, has, with_position, without_directives
from seeder.hls.playlist import MAX_TEXT, MediaPlaylist, decode, parse
from seeder.model import Edge

log = logging.getLogger(__name__)

TIMEOUT = 10.0
"""Seconds for a playlist; a player has given up by then."""
LONGEST = 8.0
"""Seconds at most between attempts that fail: a playlist that is back is on the screen again within this."""
SLOWEST, QUICKEST = 60.0, 0.1
"""Seconds that a target duration counts as at most and at least, whatever a playlist says."""
LONG_TEXT = 64 << 10
"""Characters above which a playlist is parsed off the event loop: some 10 ms below it."""
PATIENCE = 3
"""Target durations for which an answer older than ours is taken for that of a cache that is behind; and after
which a playlist that does not change is said to stand still."""
SOON_AFTER_END, AFTER_END = 5.0, 60.0
"""Seconds until a live playlist that has ended is looked at again, and at most between later looks: its
publisher may go on in the same place, at once after a slip or with the next show."""
BLOCKING = 3
"""Target durations that a server may keep a blocking reload (§6.2.5.2)."""
QUICK = 0.5
"""Of a target duration: who answers a blocking reload sooner, without what it asks for, did not block."""
SHORTEST = 0.05
"""Seconds between blocking reloads: parts are longer, and who always has another one is not to busy us."""


@dataclass(slots=True)
class Tally:
    """Counted for the metrics."""

    reloads: int = 0
    failures: int = 0
    restarts: int = 0
    trouble: str = ""
    """What is wrong now; empty when nothing is."""


def again(failures: int) -> float:
    """Seconds until an upstream is asked again for what it failed to give so many times in a row."""
    return delay(failures, random.random(), LONGEST)


class Follower:
    """``run`` it in a task. ``changed`` is told each new listing, and whether the publisher began anew."""

    def __init__(self, url: str, source: Source, name: str, changed: Callable[[Listing, bool], None]) -> None:
        self.url = url
        self.tally = Tally()
        self.listing: Listing | None = None
        self.seen = asyncio.Event()
        """It was had, or could not be."""
        self._source = source
        self._name = name
        self._changed = changed
        self._known: Validators | None = None
        self._rhythm: Rhythm | None = None
        self._stale_since: float | None = None
        self._changed_at = 0.0
        self._blocks = True
        """The server was not seen to ignore that we wanted to be kept waiting."""
        self._ranges = DateRanges()
        self._was_live = False

    async def run(self) -> None:
        """Until a recording is there, or cancelled."""
        clock = asyncio.get_running_loop().time
        failures = looks = 0
        while True:
            asked, edge = clock(), self._blocking()
            try:
                found = await self._fetch(edge)
            except (FetchError, PlaylistError) as error:
                failures += 1
                self.tally.failures += 1
                self._known = None
                self._trouble(str(error))
                self.seen.set()
                await asyncio.sleep(again(failures))
                continue
            failures = 0
            self.tally.reloads += 1
            if edge is not None:
                self._judge(edge, found, clock() - asked)
            self._take(found, asked, clock())
            self.seen.set()
            if self.listing is not None and self.listing.playlist.ended:
                if not self._was_live:
                    return
                looks += 1
                await asyncio.sleep(min(AFTER_END, SOON_AFTER_END * 2.0 ** min(looks - 1, 16)))
            else:
                self._was_live, looks = True, 0
                await self._wait(asked, clock())

    # --- asking --------------------------------------------------------------------------------------

    def _blocking(self) -> Edge | None:
        """What a reload can wait to be more than; None: the server has no such thing."""
        edge = None if self.listing is None else self.listing.edge
        if edge is None or not edge.control.blocks or not self._blocks or self.tally.trouble:
            return None
        return edge

    async def _fetch(self, edge: Edge | None) -> Listing | None:
        """None: it is as it was."""
        if edge is None:
            plain = await self._source.get(self.url, limit=MAX_TEXT, timeout=TIMEOUT, known=self._known)
            return await self._read(plain, plain=True)
        patience = TIMEOUT + BLOCKING * min(SLOWEST, edge.target_duration)
        url = with_position(self.url, edge)
        try:
            found = await self._source.get(url, limit=MAX_TEXT, timeout=patience, quiet=patience)
        except FetchError as error:
            if error.status == 503:
                return None  # that is how a server says that nothing came
            if error.status != 400:
                raise
            self._blocks = False  # perhaps it began anew; then it may be asked again
            return await self._fetch(None)
        return await self._read(found, plain=False)

    async def _read(self, fetched: Fetched, plain: bool) -> Listing | None:
        if fetched.status == 304:
            return None
        text = decode(fetched.data)
        playlist = await worked_out(len(text) > LONG_TEXT, parse, text)
        if not isinstance(playlist, MediaPlaylist):
            raise PlaylistError(f"{self._name}: a multivariant playlist instead of a media playlist")
        if plain:
            self._known = fetched.validators
        edge = edge_of(text, playlist)
        if edge is not None:
            now = asyncio.get_running_loop().time()
            self._ranges = self._ranges.follow(text, now, edge.control.skip_until)
            edge = replace(edge, removed=tuple(self._ranges.gone))
        return Listing(self.url, without_directives(fetched.url), text, playlist, edge)

    # --- what came -----------------------------------------------------------------------------------

    def _judge(self, asked: Edge, found: Listing | None, seconds: float) -> None:
        """Whether the server did wait."""
        if found is not None and (found.edge is None or has(found.edge, asked.msn, asked.parts)):
            return
        if seconds < QUICK * asked.target_duration:
            self._blocks = False

    def _take(self, found: Listing | None, asked: float, now: float) -> None:
        last = self.listing
        if last is None:
            assert found is not None
            self._begin(found, asked, now)
            self._changed(found, False)
            return
        how = Step.SAME if found is None else step(last.playlist, found.playlist)
        if how is Step.STALE:
            if self._stale_since is None:
                self._stale_since = now
            self._known = None  # that it is as it was (304) would not say as what
            # For a moment it is a cache's answer; for longer it is what there is now.
            how = Step.RESTART if now - self._stale_since > PATIENCE * _target(last.playlist) else Step.SAME
        else:
            self._stale_since = None
        if how is Step.SAME or found is None:
            self._unchanged(last, asked, now)
            return
        if how is Step.RESTART:
            self.tally.restarts += 1
            log.warning("%s: the publisher began anew", self._name)
            self._begin(found, asked, now)
        else:
            assert self._rhythm is not None
            more = added(last.playlist, found.playlist)
            # An edit without a segment, or another part, says nothing of when the next one is due.
            if more > 0:
                self._rhythm = self._rhythm.changed(_target(found.playlist), more, asked)
            self.listing = found
        self._changed_at = now
        self._trouble("")
        self._changed(found, how is Step.RESTART)

    def _begin(self, found: Listing, asked: float, now: float) -> None:
        playlist = found.playlist
        newest = playlist.segments[-1].duration if playlist.segments else playlist.target_duration
        self.listing = found
        self._rhythm = Rhythm.first(_target(playlist), min(SLOWEST, newest), asked)
        self._changed_at = now
        self._stale_since = None
        self._blocks = True
        self._trouble("")

    def _unchanged(self, last: Listing, asked: float, now: float) -> None:
        assert self._rhythm is not None
        target = _target(last.playlist)
        if last.playlist.ended:
            self._trouble("")
            return
        self._rhythm = self._rhythm.unchanged(asked)
        quiet = now - self._changed_at
        if quiet > PATIENCE * target:
            self._trouble(f"{self._name}: stands still for {quiet:.0f} s")
        elif self.tally.trouble:
            self._trouble("")

    async def _wait(self, asked: float, now: float) -> None:
        if self._blocking() is not None:
            await asyncio.sleep(max(0.0, asked + SHORTEST - now))
            return
        assert self._rhythm is not None
        await asyncio.sleep(max(0.0, self._rhythm.next(asked) - now))

    def _trouble(self, text: str) -> None:
        """Said when it begins, when it changes its kind, and when it is over."""
        kind = text.partition(" for ")[0]
        if text and kind != self.tally.trouble.partition(" for ")[0]:
            log.warning("%s", text)
        elif not text and self.tally.trouble:
            log.info("%s: reachable again and going on", self._name)
        self.tally.trouble = text


def _target(playlist: MediaPlaylist) -> float:
    return min(SLOWEST, max(QUICKEST, playlist.target_duration))
