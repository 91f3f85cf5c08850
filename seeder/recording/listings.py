"""What a stream's playlists list that was not kept, and can be; what was, is remembered. No I/O."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from seeder.hls.playlist import MediaPlaylist, parse
from seeder.model import PublishedPlaylist, StreamView
from seeder.recording import words
from seeder.recording.marks import REMEMBERED, Listed, Mark, dates, listing, unseen

UNHASHED = 3.0
"""Seconds that a segment waits for its torrent: by that it is told from another of its name later on."""
ABSENT = 10.0
"""Seconds that one which is listed, but not there, or empty, keeps those behind it waiting."""
EARLIER = 2.0
"""Seconds by which the file system's clock may be behind ours."""


@dataclass(slots=True)
class Waiting:
    """A segment of a live playlist that is to be kept."""

    listed: Listed
    needs: words.Needs
    date: float | None
    """Unix seconds at which it begins, where that is known."""


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
    """What was kept last; ``None``: nothing."""


@dataclass(frozen=True, slots=True)
class _Read:
    """A media playlist as it was published last."""

    version: int
    playlist: MediaPlaylist
    needs: list[words.Needs]
    dates: list[float | None]


class Listings:
    """One stream's. ``since``: Unix seconds from which on what is written is new."""

    def __init__(self, since: float) -> None:
        self.since = since
        self.heard: float | None = None
        """Monotonic seconds at which something new was listed last."""
        self._marks: dict[str, deque[Mark]] = {}
        # When (monotonic seconds) what cannot be kept yet was met first: by playlist and MSN.
        self._waits: dict[tuple[str, int], float] = {}
        # Playlists of which something could not be had, and what was kept before that.
        self._holes: dict[str, Mark | None] = {}
        self._newest: dict[str, Mark] = {}
        self._read: dict[str, _Read | None] = {}
        self._versions: dict[str, int] = {}

    def known(self, view: StreamView) -> None:
        """What is listed now is not new."""
        for path, read in self._playlists(view).items():
            if path not in self._marks:
                for each in listing(view, path, read.playlist.segments):
                    self.seen(path, each.mark)

    def remember(self, path: str, marks: Sequence[Mark]) -> None:
        """What was kept by an earlier run."""
        self._marks[path] = deque(marks[-REMEMBERED:], REMEMBERED)

    def forget(self) -> None:
        """Everything: the stream is not recorded any more."""
        self._marks.clear()
        self.settle()

    def settle(self) -> None:
        """A recording is whole: what is missing now is missing before the next."""
        self._waits.clear()
        self._holes.clear()

    def seen(self, path: str, mark: Mark) -> None:
        """It was kept, or never will be."""
        self._marks.setdefault(path, deque(maxlen=REMEMBERED)).append(mark)
        self._waits.pop((path, mark.msn), None)
        if len(self._waits) > REMEMBERED:  # of what left its window unkept
            self._waits.clear()

    def kept(self, path: str, mark: Mark) -> None:
        self.seen(path, mark)
        self._holes.pop(path, None)

    def look(self, view: StreamView, now: float, *, hurry: bool) -> dict[str, Fresh]:
        """By path, of each media playlist, at ``now`` (monotonic seconds). ``hurry``: the last look."""
        return {p: self._fresh(view, p, read, now, hurry) for p, read in self._playlists(view).items()}

    def _playlists(self, view: StreamView) -> dict[str, _Read]:
        found: dict[str, _Read | None] = {}
        for path, published in view.playlists.items():
            held = self._read.get(path)
            same = self._versions.get(path) == published.version
            found[path] = held if same else _media(published)
            self._versions[path] = published.version
        self._read = found
        self._versions = {path: self._versions[path] for path in found}
        return {path: read for path, read in found.items() if read is not None}

    def _fresh(self, view: StreamView, path: str, read: _Read, now: float, hurry: bool) -> Fresh:
        segments, marks = read.playlist.segments, self._marks.get(path)
        before = self._holes.get(path, marks[-1] if marks else None)
        if segments and self._newest.get(path) != (newest := listing(view, path, segments[-1:])[0].mark):
            self._newest[path], self.heard = newest, now
        # As a rule all but the last few are known, and a window to seek back in is long.
        at = 0 if not marks else max(0, min(len(segments), marks[-1].msn - read.playlist.media_sequence))
        listed = listing(view, path, segments[at:])
        if at and unseen(marks or (), listed[:1]) != (1, False):
            at, listed = 0, listing(view, path, segments)
        index, hole = unseen(marks, listed) if marks else (self._first_new(listed), False)
        ready: list[Waiting] = []
        all_there = True
        for number in range(index, len(listed)):
            verdict = self._verdict(path, listed[number], read.playlist, now, hurry)
            if verdict is None:
                all_there = False
                break
            if verdict:
                ready.append(Waiting(listed[number], read.needs[at + number], read.dates[at + number]))
            elif ready:
                all_there = False  # met again, once that is kept
                break
            else:
                self._holes.setdefault(path, before)
                self.seen(path, listed[number].mark)
        return Fresh(read.playlist, ready, hole or path in self._holes, all_there, before)

    def _first_new(self, listed: Iterable[Listed]) -> int:
        """Of a playlist never seen before: it may be what an earlier run left."""
        index = 0
        for each in listed:
            if _written(each) >= self.since - EARLIER:
                break
            index += 1
        return index

    def _verdict(
        self, path: str, listed: Listed, playlist: MediaPlaylist, now: float, hurry: bool
    ) -> bool | None:
        """Whether it can be kept; ``None``: not known yet."""
        if listed.path is None or listed.segment.gap:
            return False
        since = self._waits.setdefault((path, listed.segment.msn), now)
        if listed.resource is None or listed.resource.size == 0:
            return None if now - since < ABSENT else False
        if listed.hashed or playlist.i_frames_only or hurry or now - since >= UNHASHED:
            return True
        return None


def _media(published: PublishedPlaylist) -> _Read | None:
    playlist = None if published.multivariant else parse(published.text)
    if not isinstance(playlist, MediaPlaylist):
        return None
    return _Read(published.version, playlist, words.needs(playlist), dates(playlist.segments))


def _written(listed: Listed) -> float:
    """Unix seconds of its last writing; far ahead where that is not known."""
    try:
        return int(listed.resource.etag.strip('"').partition("-")[0], 16) / 1e9 if listed.resource else 1e18
    except ValueError:
        return 1e18
