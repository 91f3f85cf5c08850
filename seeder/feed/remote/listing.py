"""One answer of an upstream: a playlist as it was then, and how it follows the one before. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from seeder.hls.attributes import parse_attributes
from seeder.hls.playlist import MediaPlaylist, Segment, split_lines


@dataclass(frozen=True, slots=True)
class Listing:
    """A media playlist, as fetched."""

    url: str
    """As the multivariant playlist names it."""
    base: str
    """Where it was in the end: its URIs are relative to that."""
    text: str
    playlist: MediaPlaylist


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
    """Signed URLs change in the query while the segment is the same."""
    return _path(old.uri) != _path(new.uri) or old.span != new.span


def _path(uri: str) -> str:
    return uri.partition("?")[0]


def added(last: MediaPlaylist | None, now: MediaPlaylist) -> float:
    """Seconds of segments that are new."""
    newest = last.segments[-1].msn if last is not None and last.segments else -1
    return sum(s.duration for s in now.segments if s.msn > newest)


@dataclass(frozen=True, slots=True)
class Control:
    """What EXT-X-SERVER-CONTROL promises (§4.4.3.8)."""

    blocks: bool = False
    skip_until: float = 0.0
    """Seconds; 0: no delta updates."""


def control(text: str) -> Control:
    for line in split_lines(text):
        if line.startswith("#EXT-X-SERVER-CONTROL:"):
            attributes = parse_attributes(line.strip().partition(":")[2])
            number = attributes.get("CAN-SKIP-UNTIL", "0")
            skip = float(number) if re.fullmatch(r"\d{1,9}(\.\d{0,9})?", number) else 0.0
            return Control(attributes.get("CAN-BLOCK-RELOAD") == "YES", skip)
    return Control()


def position(text: str, playlist: MediaPlaylist) -> tuple[int, int]:
    """The MSN that comes next, and how many of its parts are listed already (§6.2.5.2)."""
    behind = playlist.segments[-1].uri_line if playlist.segments else -1
    lines = split_lines(text)[behind + 1 :]
    following = playlist.media_sequence + len(playlist.segments)
    return following, sum(1 for line in lines if line.startswith("#EXT-X-PART:"))
