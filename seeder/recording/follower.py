"""One stream that is, or may be, recorded: what is new in its listings goes into a recording. Blocking.

A segment that cannot be kept just now (not there yet, not hashed yet, a full disk) is tried again for as long
as it is listed; what left the window meanwhile is a hole, which the recording tells of.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from seeder.hls.names import MASTER
from seeder.hls.playlist import MediaPlaylist, decode, parse
from seeder.model import PublishedPlaylist, StreamView
from seeder.recording import words
from seeder.recording.files import GoneError, Read
from seeder.recording.marks import REMEMBERED, Listed, Mark, dates, listing, unseen
from seeder.recording.take import Take, begin

UNHASHED = 3.0
"""Seconds that a segment waits for its torrent: by that it is told from another of its name later on."""
ABSENT = 10.0
"""Seconds that one which is listed, but not there, or empty, keeps those behind it waiting."""
AGAIN = 1.0
"""Seconds until what the disk did not take is tried again."""
SETTLES = 10.0
"""Seconds at most from a publisher's farewell until its last segment is in our library."""
LOOK = 0.2
"""Seconds between two looks while something is waited for."""
DURATIONS = 3
"""Target Durations that a stream may be silent at least, whatever the grace is."""
EARLIER = 2.0
"""Seconds by which the file system's clock may be behind ours."""

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
class Waiting:
    """A segment of a live playlist that is to be kept."""

    listed: Listed
    needs: words.Needs
    date: float | None


@dataclass(slots=True)
class Fresh:
    """What one playlist has that was not kept."""

    playlist: MediaPlaylist
    ready: list[Waiting]
    hole: bool
    """Something is missing before it."""
    all_there: bool
    """Nothing behind it is being waited for."""
    before: Mark | None


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
    _marks: dict[str, deque[Mark]] = field(default_factory=dict)
    _waits: dict[tuple[str, int], float] = field(default_factory=dict)
    _parsed: dict[str, tuple[int, MediaPlaylist | None]] = field(default_factory=dict)
    _heard: float | None = None
    """Monotonic seconds of the last new segment, since there is a recording."""
    _begins: float | None = None
    """… since when one could begin."""
    _holes: dict[str, Mark | None] = field(default_factory=dict)
    """Playlists of which something could not be had, and what was before that."""
    _newest: dict[str, Mark] = field(default_factory=dict)
    """What each playlist ended with."""
    _hurry: bool = False
    """This is the last look."""
    _told: str = ""
    """The recording whose beginning was told."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        if self.take is not None:
            for path, track in self.take.tracks.items():
                self._marks[path] = deque(track.marks[-REMEMBERED:], REMEMBERED)
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
        if self._heard is None:
            self._heard = now
        self._hurry = stopping
        playlists = self._playlists(view)
        if self.known:
            self.known = False
            for path, playlist in playlists.items():
                if view is not None and path not in self._marks:
                    self._note(path, listing(view, path, playlist))
        if self.take is None and not self.on:
            self._marks.clear()
            self._waits.clear()
            return None
        due: list[float] = []
        fresh = {} if view is None else {p: self._fresh(view, p, m, now) for p, m in playlists.items()}
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
            if self._over(view, playlists, waiting, now) or stopping:
                if self.trouble:  # what the disk would not take
                    for path, each in fresh.items():
                        if path in take.tracks:
                            take.missed(path, sum(w.listed.segment.duration for w in each.ready))
                            self._note(path, [waiting.listed for waiting in each.ready])
                if not self._finish(take):
                    due.append(now + AGAIN)
                elif take.full and not stopping:
                    due.append(now)
            else:
                due.append(now + LOOK if self.ending is not None else self._heard + self._grace(view))
        if self.trouble:
            due.append(now + AGAIN)
        return min(due, default=None)

    def describe(self, changes: dict[str, object]) -> None:
        """Title, kept. OSError."""
        with self._lock:
            if self.take is not None:
                self.take.described(**changes)

    # --- what is new -----------------------------------------------------------------------------------

    def _playlists(self, view: StreamView | None) -> dict[str, MediaPlaylist]:
        if view is None:
            return {}
        found: dict[str, MediaPlaylist] = {}
        parsed: dict[str, tuple[int, MediaPlaylist | None]] = {}
        for path, published in view.playlists.items():
            held = self._parsed.get(path)
            if held is None or held[0] != published.version:
                held = (published.version, _media(published))
            parsed[path] = held
            if held[1] is not None:
                found[path] = held[1]
        self._parsed = parsed
        return found

    def _fresh(self, view: StreamView, path: str, playlist: MediaPlaylist, now: float) -> Fresh:
        listed = listing(view, path, playlist)
        marks = self._marks.get(path)
        before = self._holes.get(path, marks[-1] if marks else None)
        if listed and self._newest.get(path) != (newest := listed[-1].mark):
            self._newest[path], self._heard = newest, now
        if marks:
            index, hole = unseen(marks, listed)
        else:
            index, hole = self._first_new(listed), False
        needs, when = words.needs(playlist), dates(playlist.segments)
        ready: list[Waiting] = []
        all_there = True
        for at in range(index, len(listed)):
            verdict = self._verdict(path, listed[at], playlist, now)
            if verdict is None:
                all_there = False
                break
            if verdict:
                ready.append(Waiting(listed[at], needs[at], when[at]))
            elif ready:
                all_there = False  # met again, once that is kept
                break
            else:
                self._holes.setdefault(path, before)
                self._mark(path, listed[at].mark)
        return Fresh(playlist, ready, hole or path in self._holes, all_there, before)

    def _first_new(self, listed: list[Listed]) -> int:
        """Of a playlist never seen before: it may be what an earlier run left."""
        index = 0
        while index < len(listed) and _written(listed[index]) < self.since - EARLIER:
            index += 1
        return index

    def _verdict(self, path: str, listed: Listed, playlist: MediaPlaylist, now: float) -> bool | None:
        """Whether it can be kept; ``None``: not known yet."""
        if listed.path is None or listed.segment.gap:
            return False
        resource = listed.resource
        key = (path, listed.segment.msn)
        since = self._waits.setdefault(key, now)
        if resource is None or resource.size == 0:
            return None if now - since < ABSENT else False
        hashed = listed.hashed or playlist.i_frames_only or self._hurry
        if not hashed and now - since < UNHASHED:
            return None
        return True

    def _note(self, path: str, listed: list[Listed]) -> None:
        for each in listed:
            self._mark(path, each.mark)

    def _mark(self, path: str, mark: Mark) -> None:
        self._marks.setdefault(path, deque(maxlen=REMEMBERED)).append(mark)
        self._waits.pop((path, mark.msn), None)
        if len(self._waits) > REMEMBERED:  # of what left its window unkept
            self._waits.clear()

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
                self._holes.pop(path, None)
                self._mark(path, waiting.listed.mark)
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
                self._mark(path, waiting.listed.mark)
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
        self._begins = self.ending = None
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
        self, view: StreamView | None, playlists: Mapping[str, MediaPlaylist], waiting: bool, now: float
    ) -> bool:
        assert self._heard is not None
        if not self.on or (self.take is not None and self.take.full):
            return True
        if now - self._heard >= self._grace(view):
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
        self.take, self.ending, self.trouble, self._heard = None, None, "", None
        self._waits.clear()
        self._holes.clear()
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


def _media(published: PublishedPlaylist) -> MediaPlaylist | None:
    if published.multivariant:
        return None
    playlist = parse(published.text)
    return playlist if isinstance(playlist, MediaPlaylist) else None


def _written(listed: Listed) -> float:
    """Unix seconds of its last writing; infinite where that is not known."""
    try:
        return int(listed.resource.etag.strip('"').partition("-")[0], 16) / 1e9 if listed.resource else 1e18
    except ValueError:
        return 1e18
