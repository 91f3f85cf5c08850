"""A finished media playlist, played over and over as a live one. Pure: the time is an argument.

Everything follows from the time of day, so a restart goes on where it would have been, and variants
stay aligned: cycle k of all of them begins at k × the period, the longest variant's duration.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from seeder.hls.attributes import parse_attributes
from seeder.hls.playlist import MediaPlaylist, Segment, split_lines

WINDOW = 6
"""Segments listed, at least; more when three Target Durations (RFC 8216bis §6.2.2) need it."""


@dataclass(frozen=True, slots=True)
class Loop:
    """One variant, ready to be played."""

    source: MediaPlaylist
    period: float
    """Seconds of a cycle, the same for all variants of the stream."""
    bodies: tuple[str, ...]
    """Each segment's lines without MAP, KEY, date and discontinuity, which depend on the place."""
    heads: tuple[str, ...]
    """Each segment's MAP and KEY lines in force, written out."""
    ends: tuple[float, ...]
    """Seconds from the cycle's start to each segment's end."""


def period_of(playlists: Iterable[MediaPlaylist]) -> float:
    """Seconds of one cycle of a stream; 0 when there is nothing to play."""
    return max((p.duration for p in playlists), default=0.0)


def make_loop(playlist: MediaPlaylist, period: float) -> Loop:
    """``playlist`` has segments and ends; ``period`` is :func:`period_of` its stream, above 0."""
    lines = split_lines(playlist.text)
    bodies, heads, ends = [], [], []
    keys: list[str] = []
    current_map = ""
    at = 0
    seen = 0.0
    for segment in playlist.segments:
        body = []
        for line in (raw.strip() for raw in lines[at : segment.uri_line + 1]):
            if line.startswith("#EXT-X-MAP:"):
                current_map = line
            elif line.startswith("#EXT-X-KEY:"):
                keys = (
                    [] if parse_attributes(line[11:]).get("METHOD") == "NONE" else [*_other(keys, line), line]
                )
            elif line.startswith("#EXT-X-BYTERANGE:") and segment.span is not None:
                # Without its offset it would follow whatever the loop has before it.
                body.append(f"#EXT-X-BYTERANGE:{segment.span.length}@{segment.span.start}")
            elif line.startswith(_BODY_TAGS) or (line and not line.startswith("#")):
                body.append(line)
        at = segment.uri_line + 1
        bodies.append("\n".join(body))
        heads.append(
            "\n".join([*(_with_iv(k, segment) for k in keys), *([current_map] if current_map else [])])
        )
        seen += segment.duration
        ends.append(seen)
    return Loop(playlist, max(period, seen), tuple(bodies), tuple(heads), tuple(ends))


_BODY_TAGS = ("#EXTINF:", "#EXT-X-BYTERANGE:", "#EXT-X-GAP", "#EXT-X-BITRATE:")


def _other(keys: list[str], line: str) -> list[str]:
    """The keys in force that ``line`` does not replace: those of another KEYFORMAT."""
    kind = parse_attributes(line[11:]).get("KEYFORMAT", "identity")
    return [k for k in keys if parse_attributes(k[11:]).get("KEYFORMAT", "identity") != kind]


def _with_iv(key: str, segment: Segment) -> str:
    """A KEY without IV means the MSN (RFC 8216bis §5.2), which is another in the loop: write it out."""
    attributes = parse_attributes(key[11:])
    if attributes.get("METHOD") == "AES-128" and "IV" not in attributes:
        return f"{key},IV=0x{segment.msn:032x}"
    return key


def position(loop: Loop, now: float) -> tuple[int, int]:
    """(cycle, index) of the last segment that has ended by ``now`` (seconds since the epoch)."""
    cycle, into = divmod(now, loop.period)
    index = sum(1 for end in loop.ends if end <= into) - 1
    return (int(cycle), index) if index >= 0 else (int(cycle) - 1, len(loop.ends) - 1)


def next_change(loop: Loop, now: float) -> float:
    """When (seconds since the epoch) the playlist gets its next segment; later than ``now``."""
    cycle = math.floor(now / loop.period)
    ends = (k * loop.period + end for k in (cycle, cycle + 1) for end in loop.ends)
    return next((at for at in ends if at > now), now + loop.period)


def live_text(loop: Loop, now: float, window: int = WINDOW) -> str:
    """The live media playlist at ``now`` (seconds since the epoch).

    MSN = cycle × segments + index, so it grows for ever; each cycle begins with a discontinuity.
    """
    count = len(loop.ends)
    cycle, index = position(loop, now)
    last = cycle * count + index
    first = max(0, last - _listed(loop, last, window) + 1)
    out = [
        "#EXTM3U",
        f"#EXT-X-VERSION:{max(loop.source.version, 6)}",
        f"#EXT-X-TARGETDURATION:{max(1, math.ceil(loop.source.target_duration))}",
        f"#EXT-X-MEDIA-SEQUENCE:{first}",
        f"#EXT-X-DISCONTINUITY-SEQUENCE:{_discontinuities(loop, first)}",
    ]
    if any(line.strip() == "#EXT-X-INDEPENDENT-SEGMENTS" for line in split_lines(loop.source.text)):
        out.append("#EXT-X-INDEPENDENT-SEGMENTS")
    head = None
    for msn in range(first, last + 1):
        k, i = divmod(msn, count)
        broken = _breaks(loop, i)
        if broken:
            out.append("#EXT-X-DISCONTINUITY")
        if broken or msn == first or loop.heads[i] != head:
            if head and "#EXT-X-KEY:" in head and "#EXT-X-KEY:" not in loop.heads[i]:
                out.append("#EXT-X-KEY:METHOD=NONE")
            if loop.heads[i]:
                out.append(loop.heads[i])
        head = loop.heads[i]
        start = k * loop.period + (loop.ends[i] - loop.source.segments[i].duration)
        out.append(f"#EXT-X-PROGRAM-DATE-TIME:{_iso(start)}")
        out.append(loop.bodies[i])
    return "\n".join(out) + "\n"


def _listed(loop: Loop, last: int, window: int) -> int:
    """How many segments, counted back from ``last``: ``window``, and three Target Durations at least."""
    count, seconds = 0, 0.0
    while count < window or seconds < 3 * loop.source.target_duration:
        seconds += max(loop.source.segments[(last - count) % len(loop.ends)].duration, 0.1)
        count += 1
    return count


def _breaks(loop: Loop, index: int) -> bool:
    return index == 0 or loop.source.segments[index].discontinuity


def _discontinuities(loop: Loop, first: int) -> int:
    """Discontinuity tags of all the segments before ``first``: those no longer listed."""
    cycle, index = divmod(first, len(loop.ends))
    inside = sum(1 for i in range(len(loop.ends)) if _breaks(loop, i))
    return cycle * inside + sum(1 for i in range(index) if _breaks(loop, i))


def _iso(seconds: float) -> str:
    return (
        datetime.fromtimestamp(round(seconds, 3), UTC)
        .isoformat(timespec="milliseconds")
        .replace("+00:00", "Z")
    )
