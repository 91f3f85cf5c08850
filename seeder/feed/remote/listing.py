"""One answer of an upstream: a playlist as it was then, and how it follows the one before. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from seeder.hls.attributes import parse_attributes
from seeder.hls.playlist import MediaPlaylist, Segment, split_lines
from seeder.model import Edge


@dataclass(frozen=True, slots=True)
class Listing:
    """A media playlist, as fetched."""

    url: str
    """As the multivariant playlist names it."""
    base: str
    """Where it was in the end: its URIs are relative to that."""
    text: str
    playlist: MediaPlaylist
    edge: Edge | None = None
    """Where its server understands Delivery Directives, and so shall we."""


class Step(StrEnum):
    """From one listing to the next."""

    SAME = "same"
    ON = "on"
    STALE = "stale"
    """Older than what we have: a cache, or another server of several, that is behind."""
    RESTART = "restart"
    """The publisher began anew: other segments under the numbers, or numbers from the start."""


def step(last: MediaPlaylist, now: MediaPlaylist) -> Step:
    """How a reload follows the one before."""
    if now.text == last.text:
        return Step.SAME
    before = {s.msn: s for s in last.segments}
    shared = [(before[s.msn], s) for s in now.segments if s.msn in before]
    if any(_other(old, new) for old, new in shared):
        return Step.RESTART
    if not last.segments or not now.segments:
        return Step.ON
    if now.segments[-1].msn < last.segments[-1].msn or now.media_sequence < last.media_sequence:
        return Step.STALE if shared else Step.RESTART
    return Step.ON


def _other(old: Segment, new: Segment) -> bool:
    """Signed URLs change in the query while the segment is the same. Ranges are not looked at: in a window
    of one file ffmpeg 9 leaves EXT-X-MEDIA-SEQUENCE at 0 for ever, and that is no beginning."""
    return _path(old.uri) != _path(new.uri)


def _path(uri: str) -> str:
    return uri.partition("?")[0]


def added(last: MediaPlaylist | None, now: MediaPlaylist) -> float:
    """Seconds of segments that are new."""
    newest = last.segments[-1].msn if last is not None and last.segments else -1
    return sum(s.duration for s in now.segments if s.msn > newest)


@dataclass(frozen=True, slots=True)
class DateRanges:
    """Those that a playlist lists, and those that went: who skips old ones is told of these (§4.4.5.2)."""

    listed: frozenset[str] = frozenset()
    gone: Mapping[str, float] = field(default_factory=dict)
    """ID → when."""

    def follow(self, text: str, now: float, keep: float) -> DateRanges:
        """What ``text`` makes of it; what went more than ``keep`` seconds ago is forgotten."""
        if not self.listed and not self.gone and "#EXT-X-DATERANGE:" not in text:
            return self
        lines = (line for line in split_lines(text) if line.startswith("#EXT-X-DATERANGE:"))
        ids = (parse_attributes(line.strip().partition(":")[2]).get("ID") for line in lines)
        listed = frozenset(name for name in ids if name is not None)
        gone = dict.fromkeys(self.listed, now) | dict(self.gone)
        return DateRanges(listed, {n: at for n, at in gone.items() if n not in listed and now - at <= keep})
