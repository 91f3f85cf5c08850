"""Fragments of several variants in, cuts at the same places of all of them out. Pure.

The first variant leads: its segmenter decides where a segment begins and ends. The others have a key frame at
each of its (the encoder is told to make them so), and are cut there; sound alone is cut at the fragment next
to it. A segment that not all of them have in full is nobody's.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import replace

from seeder.errors import IngestError
from seeder.ingest.cmaf import Fragment
from seeder.ingest.segmenter import SHORTEST, Cut, Segmenter

SAME = 0.005  # seconds: time scales round to a millisecond at worst (FLV); frames are 8 ms apart or more
MOST_AHEAD = 20.0
"""Seconds beyond a Target Duration that a variant is held for another: encoders look ahead for one or two. It
bounds what is held in memory."""
FALSE_STARTS = 5
"""Segments at the beginning of a run that a decoder may miss: where the input was joined between two key
frames, it starts later than what is copied."""


class MisalignedError(IngestError):
    """The variants have no key frame in common where they need one."""


class _Follower:
    """One variant's fragments, waiting to be cut."""

    def __init__(self, sound: bool) -> None:
        self.sound = sound
        self.ended = False
        self.last = 0.0  # media time up to which there is something
        self._fragments: deque[Fragment] = deque()

    def add(self, fragment: Fragment) -> None:
        if fragment.span is not None:
            self.last = fragment.span.end
        self._fragments.append(fragment)

    @property
    def held(self) -> float:
        """Seconds."""
        first = next((fragment.span.start for fragment in self._fragments if fragment.span), self.last)
        return self.last - first

    def reaches(self, end: float) -> bool:
        """It has all that belongs before ``end``."""
        starts = (fragment.span.start for fragment in reversed(self._fragments) if fragment.span)
        return self.ended or next(starts, -1.0) >= end - SAME

    def skip(self, start: float) -> None:
        """Drop what nobody else has."""
        while self._fragments and not _begins(self._fragments[0], start - SAME):
            self._fragments.popleft()

    def aligned(self, start: float) -> bool:
        """It has a key frame at ``start``."""
        if self.sound:
            return True
        first = self._fragments[0] if self._fragments else None
        return (
            first is not None and first.span is not None and first.sync and first.span.start <= start + SAME
        )

    def take(self, end: float) -> tuple[bytes, int, float]:
        """What belongs before ``end``: bytes, samples, and where it ends."""
        parts, frames, reached = [], 0, 0.0
        while self._fragments:
            fragment = self._fragments[0]
            # Of sound alone half of a fragment is the nearest.
            slack = (fragment.span.end - fragment.span.start) / 2 if self.sound and fragment.span else SAME
            if _begins(fragment, end - slack):
                break
            self._fragments.popleft()
            parts.append(fragment.data)
            if fragment.span is not None:
                frames, reached = frames + fragment.span.frames, fragment.span.end
        return b"".join(parts), frames, reached


def _begins(fragment: Fragment, at: float) -> bool:
    return fragment.span is not None and fragment.span.start >= at


class Aligner:
    """``variants``: by name, the leader first; whether each is sound alone."""

    def __init__(self, variants: Mapping[str, bool], segment_seconds: float, target_duration: int) -> None:
        names = list(variants)
        self._leader = names[0]
        self._leads = False  # it has ended
        self._segmenter = Segmenter(segment_seconds, target_duration)
        self._followers = {name: _Follower(variants[name]) for name in names[1:]}
        self._wanted: deque[Cut] = deque()  # the leader's, waiting for the others
        self._begun = False
        self._missed = 0
        self._lost = False  # a segment was left out: what follows jumps
        self._most = target_duration + MOST_AHEAD

    @property
    def overflowed(self) -> bool:
        """The leader's key frames are too far apart: nothing more comes out."""
        return self._segmenter.overflowed

    def add(self, name: str, fragment: Fragment) -> list[dict[str, Cut]]:
        """The segments that ``fragment`` completes, by variant. Raises :class:`MisalignedError`."""
        if name == self._leader:
            self._wanted += self._segmenter.add(fragment)
        else:
            self._followers[name].add(fragment)
        out = self._ready()
        waiting = sum(cut.duration for cut in self._wanted)
        if max((waiting, *(follower.held for follower in self._followers.values()))) > self._most:
            raise MisalignedError("the variants come at different times")
        return out

    def end(self, name: str) -> list[dict[str, Cut]]:
        """Nothing more comes of ``name``; the segments that it completes."""
        if name == self._leader:
            self._leads = True
            if not self._segmenter.overflowed:
                self._wanted += self._segmenter.flush()
        else:
            self._followers[name].ended = True
        return self._ready()

    def _ready(self) -> list[dict[str, Cut]]:
        out = []
        while self._wanted:
            end = self._wanted[0].start + self._wanted[0].duration
            if not all(follower.reaches(end) for follower in self._followers.values()):
                break
            segment = self._cut(self._wanted.popleft(), end)
            if segment is not None:
                out.append(segment)
        return out

    def _cut(self, cut: Cut, end: float) -> dict[str, Cut] | None:
        """None: not every variant has it."""
        if self._lost:
            cut, self._lost = replace(cut, jumped=self._begun), False
        # What lies before is sound that the last segment had no room for, but after a jump and at the start.
        for follower in self._followers.values():
            if not follower.sound or cut.jumped or not self._begun:
                follower.skip(cut.start)
        aligned = all(follower.aligned(cut.start) for follower in self._followers.values())
        taken = {name: follower.take(end) for name, follower in self._followers.items()}
        over = all(follower.ended for follower in self._followers.values())
        if not aligned and not over:
            self._missed += 1
            if self._begun or self._missed > FALSE_STARTS:
                raise MisalignedError(f"the variants have no key frame in common at {cut.start:.3f} s")
        # A run that was killed in the middle of a segment leaves more of it in one variant than in another.
        whole = all(data and (reached >= end - SHORTEST or not over) for data, _, reached in taken.values())
        if not aligned or not whole:
            self._lost = True
            return None
        self._begun = True
        own = {
            name: Cut(data, cut.start, cut.duration, frames, cut.jumped)
            for name, (data, frames, _) in taken.items()
        }
        return {self._leader: cut, **own}
