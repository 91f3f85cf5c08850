"""The next segments of a playlist that is read again and again. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from seeder.hls.playlist import MediaPlaylist, Segment
from seeder.onward.choice import UnfitError

LONGEST_HOLE = 60.0
"""Seconds of missing media that time stamps tell of: players take more for a clock that was set."""


@dataclass(frozen=True, slots=True)
class Step:
    segment: Segment
    fresh: bool
    """It does not continue what came before: a decoder, and time stamps, begin anew."""
    hole: float
    """Seconds of media that are missing before it, as far as EXT-X-PROGRAM-DATE-TIME tells."""


class Follow:
    """Where we are in one playlist. ``whole``: from its first segment on, and not from the newest."""

    def __init__(self, whole: bool = False) -> None:
        self._whole = whole
        self._last: Segment | None = None
        self._broken = True  # the next step is a fresh one
        self._clock: datetime | None = None  # where the last step ended

    def advance(self, playlist: MediaPlaylist) -> list[Step]:
        """What has come since the last call, in order. Raises :class:`UnfitError` for what is encrypted."""
        if playlist.i_frames_only:
            raise UnfitError("that playlist holds single pictures", 406)
        steps = []
        for segment in playlist.segments[self._next(playlist) :]:
            if segment.key_uri is not None:
                raise UnfitError("the stream is encrypted: play its playlist", 406)
            before, self._last = self._last, segment
            if segment.gap:
                self._broken = True
                continue
            other_init = before is not None and (before.map_uri, before.map_span) != (
                segment.map_uri,
                segment.map_span,
            )
            fresh = self._broken or segment.discontinuity or other_init
            steps.append(Step(segment, fresh, self._hole(segment)))
            self._broken = False
        return steps

    def lost(self) -> None:
        """The last step could not be had: what follows does not continue it."""
        self._broken = True

    def _next(self, playlist: MediaPlaylist) -> int:
        """Index of the next segment in it."""
        segments, last = playlist.segments, self._last
        edge = 0 if self._whole else max(0, len(segments) - 1)
        if last is None:
            return edge
        at = last.msn - playlist.media_sequence
        if at < -1:  # we were slower than its window
            self._broken = True
            return 0
        if at >= len(segments) or (at >= 0 and _other(segments[at], last)):
            self._broken = True  # its writer began to count anew
            return edge
        return at + 1

    def _hole(self, segment: Segment) -> float:
        begins = segment.program_date_time or self._clock
        hole = 0.0
        if begins is not None and self._clock is not None and _comparable(begins, self._clock):
            hole = (begins - self._clock).total_seconds()
        self._clock = None if begins is None else begins + timedelta(seconds=segment.duration)
        return min(max(hole, 0.0), LONGEST_HOLE)


def _other(one: Segment, two: Segment) -> bool:
    return (one.uri, one.span) != (two.uri, two.span)


def _comparable(one: datetime, two: datetime) -> bool:
    """With a time zone both, or both without."""
    return (one.tzinfo is None) == (two.tzinfo is None)
