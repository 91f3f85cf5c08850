"""Follows one media playlist of an upstream: reloads it in time, through all that can go wrong there."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

from seeder.errors import FetchError, PlaylistError
from seeder.feed.remote.listing import Listing, Step, added, control, position, step
from seeder.feed.remote.rhythm import Rhythm
from seeder.fetch.fetched import Validators
from seeder.fetch.source import Source
from seeder.hls.playlist import MAX_TEXT, MediaPlaylist, decode, parse

log = logging.getLogger(__name__)

TIMEOUT = 10.0
"""Seconds for a playlist; a player has given up by then."""
RETRY = (0.5, 1.0, 2.0, 4.0, 8.0)
"""Seconds between failures, the last one over and over, each less up to a half by chance."""
PATIENCE = 3
"""Target durations for which an answer older than ours is taken for that of a cache that is behind; and after
which a playlist that does not change is said to stand still."""
BLOCKING = 3
"""Target durations that a server may keep a blocking reload (§6.2.5.2)."""
QUICK = 0.1
"""Of a target duration: a blocking reload that is answered sooner, unchanged, did not block."""


@dataclass(slots=True)
class Tally:
    """Counted for the metrics."""

    reloads: int = 0
    failures: int = 0
    restarts: int = 0
    trouble: str = ""
    """What is wrong now; empty when nothing is."""


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

    async def run(self) -> None:
        """Until the playlist has ended, or cancelled."""
        clock = asyncio.get_running_loop().time
        failures = 0
        while True:
            asked = clock()
            try:
                found = await self._fetch()
            except (FetchError, PlaylistError) as error:
                failures += 1
                self.tally.failures += 1
                self._known = None
                self._trouble(str(error))
                self.seen.set()
                delay = RETRY[min(failures, len(RETRY)) - 1]
                await asyncio.sleep(delay * (1 - 0.5 * random.random()))
                continue
            failures = 0
            self.tally.reloads += 1
            self._take(found, asked, clock())
            self.seen.set()
            if self.listing is not None and self.listing.playlist.ended:
                return
            await self._wait(asked, clock())

    # --- asking --------------------------------------------------------------------------------------

    async def _fetch(self) -> Listing | None:
        """None: it is as it was."""
        blocking = self._directives()
        if blocking is not None and self.listing is not None:
            timeout = TIMEOUT + BLOCKING * self.listing.playlist.target_duration
            fetched = await self._source.get(blocking, limit=MAX_TEXT, timeout=timeout)
        else:
            fetched = await self._source.get(self.url, limit=MAX_TEXT, timeout=TIMEOUT, known=self._known)
        if fetched.status == 304:
            return None
        text = decode(fetched.data)
        playlist = parse(text)
        if not isinstance(playlist, MediaPlaylist):
            raise PlaylistError(f"{self._name}: a multivariant playlist instead of a media playlist")
        if blocking is None:
            self._known = fetched.validators
        return Listing(self.url, _without_directives(fetched.url), text, playlist)

    def _directives(self) -> str | None:
        """The URL that has the server answer when there is something new; None: it has no such thing."""
        listing = self.listing
        if listing is None or not self._blocks or self.tally.trouble or not control(listing.text).blocks:
            return None
        msn, part = position(listing.text, listing.playlist)
        parts = urlsplit(self.url)
        query = f"{parts.query}&" if parts.query else ""
        directive = f"_HLS_msn={msn}" + (f"&_HLS_part={part}" if "#EXT-X-PART-INF" in listing.text else "")
        return urlunsplit(parts._replace(query=query + directive))

    # --- what came -----------------------------------------------------------------------------------

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
            # For a moment it is a cache's answer; for longer it is what there is now.
            how = (
                Step.RESTART
                if now - self._stale_since > PATIENCE * last.playlist.target_duration
                else Step.SAME
            )
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
                self._rhythm = self._rhythm.changed(found.playlist.target_duration, more, asked)
            self.listing = found
        self._changed_at = now
        self._trouble("")
        self._changed(found, how is Step.RESTART)

    def _begin(self, found: Listing, asked: float, now: float) -> None:
        playlist = found.playlist
        newest = playlist.segments[-1].duration if playlist.segments else playlist.target_duration
        self.listing = found
        self._rhythm = Rhythm.first(max(0.1, playlist.target_duration), newest, asked)
        self._changed_at = now
        self._stale_since = None
        self._trouble("")

    def _unchanged(self, last: Listing, asked: float, now: float) -> None:
        assert self._rhythm is not None
        target = last.playlist.target_duration
        if self._directives() is not None and now - asked < QUICK * target:
            self._blocks = False
        self._rhythm = self._rhythm.unchanged(asked)
        quiet = now - self._changed_at
        if quiet > PATIENCE * target:
            self._trouble(f"{self._name}: stands still for {quiet:.0f} s")
        elif self.tally.trouble:
            self._trouble("")

    async def _wait(self, asked: float, now: float) -> None:
        if self._directives() is not None:
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


def _without_directives(url: str) -> str:
    """What URIs are relative to has no query anyway, but variables come from it."""
    parts = urlsplit(url)
    kept = [pair for pair in parts.query.split("&") if pair and not pair.startswith("_HLS_")]
    return urlunsplit(parts._replace(query="&".join(kept)))
