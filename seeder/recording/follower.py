"""One stream that is, or may be, recorded: what is new in its listings goes into a recording. Blocking.

A segment that cannot be kept just now (not there yet, not hashed yet, a full disk) is tried again for as long
as it is listed; what left the window meanwhile is a hole, which the recording tells of.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from seeder.hls.names import MASTER
from seeder.hls.playlist import decode
from seeder.model import StreamView
from seeder.recording.files import GoneError, Read
from seeder.recording.listings import UNHASHED, Fresh, Listings
from seeder.recording.take import Take, begin

AGAIN = 1.0
"""Seconds until what the disk did not take is tried again."""
SETTLES = 10.0
"""Seconds at most from a publisher's farewell until its last segment is in our library."""
LOOK = 0.2
"""Seconds between two looks while something is waited for."""
DURATIONS = 3
"""Target Durations that a stream may be silent at least, whatever the grace is."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Where:
    """What all streams' followers have in common."""

    feed: Path
    """Resolved."""
    read: Read
    clock: Callable[[], float]
    """Unix seconds."""
    grace: float
    """Seconds without a new segment after which a recording ends."""
    room: Callable[[], bool]
    """Whether the disk has room for recordings."""


@dataclass(slots=True)
class Follower:
    """``since``: Unix seconds from which on what is written is new; ``known``: what is listed at the first
    look is not. :meth:`step` may be called by any thread; the other attributes are set between."""

    name: str
    where: Where
    since: float
    known: bool = False
    take: Take | None = None
    on: bool = True
    """It is to be recorded."""
    ending: float | None = None
    """Monotonic seconds at which its publisher said farewell."""
    trouble: str = ""
    """Why nothing is being written just now, for people."""
    news: list[tuple[str, dict[str, object]]] = field(default_factory=list)
    """Events to be told."""
    _listings: Listings = field(init=False)
    _begins: float | None = None
    """Monotonic seconds since when a recording could begin."""
    _told: str = ""
    """The recording whose beginning was told."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._listings = Listings(self.since)
        if self.take is not None:
            for path, track in self.take.tracks.items():
                self._listings.remember(path, track.marks)
                track.marks = []

    def step(self, view: StreamView | None, now: float, *, stopping: bool = False) -> float | None:
        """Look at ``view`` at ``now`` (monotonic seconds); when to come again, ``None``: when it changes.
        ``stopping``: then no more."""
        with self._lock:
            try:
                return self._step(view, now, stopping)
            except GoneError:
                self._gone()
                return now + AGAIN

    def _step(self, view: StreamView | None, now: float, stopping: bool) -> float | None:
        listings = self._listings
        listings.since = self.since
        if listings.heard is None:
            listings.heard = now
        if self.known and view is not None:
            listings.known(view)
        self.known = False
        if self.take is None and not self.on:
            listings.forget()
            return None
        due: list[float] = []
        fresh = {} if view is None else listings.look(view, now, hurry=stopping)
        waiting = any(not each.all_there for each in fresh.values())
        if view is not None and self.on:
            waiting |= not self._keep(view, fresh, now, stopping)
        if waiting:
            due.append(now + LOOK)
        take = self.take
        if take is not None:
            later = self._flush(take, view, now)
            if later is not None:
                due.append(later)
            if self._over(view, fresh, waiting, now) or stopping:
                if self.trouble:  # what the disk would not take
                    for path, each in fresh.items():
                        if path in take.tracks:
                            take.missed(path, sum(w.listed.segment.duration for w in each.ready))
                            for unkept in each.ready:
                                listings.seen(path, unkept.listed.mark)
                if not self._finish(take):
                    due.append(now + AGAIN)
                elif take.full and not stopping:
                    due.append(now)
            else:
                due.append(now + LOOK if self.ending is not None else listings.heard + self._grace(view))
        if self.trouble:
            due.append(now + AGAIN)
        return min(due, default=None)

    def describe(self, changes: dict[str, object]) -> None:
        """Title, kept. OSError."""
        with self._lock:
            if self.take is not None:
                self.take.described(**changes)

    # --- keeping it ------------------------------------------------------------------------------------

    def _keep(self, view: StreamView, fresh: Mapping[str, Fresh], now: float, stopping: bool) -> bool:
        """Whether nothing is to be tried again."""
        if not any(each.ready for each in fresh.values()):
            return True
        if not self.where.room():
            self.trouble = "the disk is nearly full: nothing is recorded until there is room"
            return False
        if self.take is None:
            if not self._together(fresh, now) and not stopping:
                return False
            self._align(fresh)
            if not any(each.ready for each in fresh.values()) or not self._begin(fresh):
                return False
        take = self.take
        assert take is not None
        done, self.trouble = True, ""
        holes = {p for p, each in fresh.items() if each.hole and each.ready and p in take.tracks}
        for path in holes:  # before the first segment: each is one discontinuity, in all playlists
            take.broken(path)
        for path, each in fresh.items():
            kept = 0
            lost = self._lost(take, path, each) if path in holes else 0.0
            for waiting in each.ready:
                if take.full:
                    return True
                try:
                    take.add(path, each.playlist, waiting.listed, waiting.needs, waiting.date, view.resources)
                except OSError as error:
                    self._failed(error)
                    done = False
                    break
                kept += 1
                if lost:
                    take.missed(path, lost)
                    lost = 0.0
                self._listings.kept(path, waiting.listed.mark)
            each.ready = each.ready[kept:]
        if self._told != take.name and take.tracks:
            self._told = take.name
            self.news.append(("recording.start", {"name": take.name, "of": self.name}))
        return done

    def _together(self, fresh: Mapping[str, Fresh], now: float) -> bool:
        """Whether every playlist has something, or has had its time: a recording's begin together."""
        self._begins = self._begins if self._begins is not None else now
        seconds = max((each.playlist.target_duration for each in fresh.values()), default=0.0)
        lacking = any(not each.ready and not each.playlist.ended for each in fresh.values())
        return not lacking or now - self._begins > max(UNHASHED, 2 * seconds)

    def _align(self, fresh: Mapping[str, Fresh]) -> None:
        """Leave out what only some of the playlists have: players take their beginnings for one moment."""
        first = [each.ready[0] for each in fresh.values() if each.ready]
        moments = [waiting.date for waiting in first if waiting.date is not None]
        numbers = [waiting.listed.segment.msn for waiting in first]
        overlap = all(e.ready[-1].listed.segment.msn >= max(numbers) for e in fresh.values() if e.ready)
        for path, each in fresh.items():
            late = 0
            for waiting in each.ready:
                segment = waiting.listed.segment
                if len(moments) == len(first):
                    early = (waiting.date or 0.0) + segment.duration / 2 < max(moments)
                else:
                    early = overlap and segment.msn < max(numbers)
                if not early:
                    break
                late += 1
            for waiting in each.ready[:late]:
                self._listings.seen(path, waiting.listed.mark)
            each.ready = each.ready[late:]

    def _begin(self, fresh: Mapping[str, Fresh]) -> bool:
        first = [each.ready[0] for each in fresh.values() if each.ready]
        started = min((w.date for w in first if w.date is not None), default=None)
        now = self.where.clock()
        if started is None or not now - 86_400 < started < now + 60:  # a writer's clock may be anything
            started = now - max(w.listed.segment.duration for w in first)
        try:
            self.take = begin(self.where.feed, self.name, self.where.read, self.where.clock, started)
        except OSError as error:
            self._failed(error)
            return False
        self._begins = None
        log.info("%s: recording to %s", self.name, self.take.name)
        return True

    def _lost(self, take: Take, path: str, each: Fresh) -> float:
        """Seconds missing before what is ready."""
        first, ends = each.ready[0], take.tracks[path].ends
        if first.date is not None and ends is not None and 0 <= first.date - ends < 86_400:
            return first.date - ends
        behind = first.listed.segment.msn - each.before.msn - 1 if each.before is not None else 0
        return max(0, behind) * each.playlist.target_duration

    def _failed(self, error: OSError) -> None:
        line = f"the recording cannot be written: {error.strerror or error}"
        if line != self.trouble:
            log.warning("%s: %s; going on when it can", self.name, line)
        self.trouble = line

    # --- the end ---------------------------------------------------------------------------------------

    def _grace(self, view: StreamView | None) -> float:
        return max(self.where.grace, DURATIONS * (0.0 if view is None else view.target_duration))

    def _over(
        self, view: StreamView | None, playlists: Mapping[str, Fresh], waiting: bool, now: float
    ) -> bool:
        heard = self._listings.heard
        assert heard is not None
        if not self.on or (self.take is not None and self.take.full):
            return True
        if now - heard >= self._grace(view):
            return True
        if waiting:
            return False
        if view is not None and playlists and not view.live:
            return True
        if self.ending is None:
            return False
        return now - self.ending > SETTLES or self.caught_up(view)

    def caught_up(self, view: StreamView | None) -> bool:
        """What lies in the feed is what we have looked at."""
        if view is None:
            return True
        for path, published in view.playlists.items():
            if published.multivariant:
                continue
            for place in (self.where.feed / self.name / path, self.where.feed / path):
                try:
                    if decode(place.read_bytes()) != published.text:
                        return False
                    break
                except (OSError, ValueError):
                    continue
        return True

    def _flush(self, take: Take, view: StreamView | None, now: float) -> float | None:
        master = None if view is None else view.playlists.get(MASTER)
        try:
            return take.flush(now, master.text if master is not None and master.multivariant else None)
        except OSError as error:
            self._failed(error)
            return now + AGAIN

    def _finish(self, take: Take) -> bool:
        try:
            done = take.finish()
        except OSError as error:
            self._failed(error)
            return False
        self.take, self.ending, self.trouble, self._listings.heard = None, None, "", None
        self._listings.settle()
        if done is not None:
            log.info("%s: %s is ready (%.0f s)", self.name, done.name, done.duration)
            self.news.append(
                ("recording.ready", {"name": done.name, "of": self.name, "duration": done.duration})
            )
        return True

    def _gone(self) -> None:
        take, self.take, self.ending = self.take, None, None
        if take is not None:
            take.close()
            log.warning("%s: the recording's folder %s is gone", self.name, take.name)
            self.news.append(("recording.gone", {"name": take.name, "of": self.name}))
