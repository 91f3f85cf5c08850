"""Fragments in, cuts out: every cut starts with an IDR and is shorter than the Target Duration allows. Pure.

The rule. A segment ends at the first IDR that makes it as long as wished (less a tenth, so that GOPs of
1.96 s make 2 s segments); if that would exceed the limit it ends at the IDR before. A GOP longer than the
limit cannot be cut at all, since a segment may not start without an IDR: what of it fits is the last segment,
the rest is dropped, and :attr:`Segmenter.overflowed` tells the caller to encode instead of copying.
"""

from __future__ import annotations

from dataclasses import dataclass

from seeder.ingest.cmaf import Fragment, Span

TOLERANCE = 0.1  # of the wished length
ROUNDING = 0.499  # EXTINF must round to at most the Target Duration (RFC 8216bis §4.4.3.1): < TD + 0.5
SHORTEST = 0.1  # seconds: a run's last frame or two are no segment worth a request; timelines do without them
JUMP = 0.5  # seconds of media time missing between fragments: more than a frame, or jitter, can explain


@dataclass(frozen=True, slots=True)
class Cut:
    """One segment's bytes; times in seconds on the run's media time line."""

    data: bytes
    start: float
    duration: float
    frames: int
    """Samples of the lead track."""
    jumped: bool = False
    """Media time is missing before it: it needs an EXT-X-DISCONTINUITY."""


@dataclass(slots=True)
class _Gop:
    """Fragments from one IDR up to the next."""

    fragments: list[bytes]
    start: float
    end: float
    frames: int

    def extend(self, data: bytes, span: Span) -> None:
        self.fragments.append(data)
        self.end = max(self.end, span.end)
        self.frames += span.frames


class Segmenter:
    """Holds at most one limit's worth of fragments."""

    def __init__(self, segment_seconds: float, target_duration: int) -> None:
        self._wish = segment_seconds * (1 - TOLERANCE)
        self._limit = target_duration + ROUNDING
        self._gops: list[_Gop] = []
        self._jumped = False  # what the next cut shall say
        self.overflowed = False
        """A GOP exceeded the limit: nothing more comes out."""

    def add(self, fragment: Fragment) -> list[Cut]:
        """The segments that ``fragment`` completes, usually none or one."""
        span = fragment.span
        if self.overflowed:
            return []
        if span is None:  # the other track's samples, at the end of a run
            if self._gops:
                self._gops[-1].fragments.append(fragment.data)
            return []
        cuts: list[Cut] = []
        if self._gops and span.start - self._gops[-1].end > JUMP:
            cuts += self.flush()
            self._jumped = True
        if fragment.sync:
            if self._gops and span.start - self._gops[-1].start <= self._limit:
                # Exact, where the sum of sample durations only estimates the last one.
                self._gops[-1].end = span.start
            cuts += self._ready()
            self._gops.append(_Gop([fragment.data], span.start, span.end, span.frames))
            too_long = span.end - span.start > self._limit
        elif self._gops:
            if span.end - self._gops[0].start > self._limit and len(self._gops) > 1:
                cuts.append(self._pop(len(self._gops) - 1))
            too_long = span.end - self._gops[-1].start > self._limit
            if not too_long:
                self._gops[-1].extend(fragment.data, span)
        else:
            return cuts  # a run that starts inside a GOP: nothing can be decoded before the first IDR
        if too_long:
            if fragment.sync:  # the whole GOP in one fragment: none of it fits
                self._gops.pop()
            cuts += self.flush()
            self.overflowed = True
        return cuts

    def flush(self) -> list[Cut]:
        """The rest, when the run has ended."""
        cuts = self._ready()
        if self._gops and self._gops[-1].end - self._gops[0].start >= SHORTEST:
            cuts.append(self._pop(len(self._gops)))
        self._gops.clear()
        return cuts

    def _ready(self) -> list[Cut]:
        """Cut what is long enough; every GOP held is complete and within the limit."""
        cuts = []
        while self._gops and self._gops[-1].end - self._gops[0].start >= self._wish:
            start = self._gops[0].start
            count = next(i for i, gop in enumerate(self._gops, 1) if gop.end - start >= self._wish)
            if self._gops[count - 1].end - start > self._limit:
                count -= 1
            cuts.append(self._pop(max(count, 1)))
        return cuts

    def _pop(self, count: int) -> Cut:
        gops, self._gops = self._gops[:count], self._gops[count:]
        data = b"".join(part for gop in gops for part in gop.fragments)
        jumped, self._jumped = self._jumped, False
        start, end = gops[0].start, gops[-1].end
        return Cut(data, start, end - start, sum(gop.frames for gop in gops), jumped)
