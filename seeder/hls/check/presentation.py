"""The media playlists of one presentation against each other (RFC 8216bis §6.2.4). Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate

from seeder.hls.check.media import CLOCK_TOLERANCE
from seeder.hls.check.rules import Finding
from seeder.hls.playlist import MediaPlaylist, Segment
from seeder.model import Span

OVER = 1.1
"""Of BANDWIDTH and AVERAGE-BANDWIDTH: Apple's own validator lets a tenth pass."""


@dataclass(frozen=True, slots=True)
class Member:
    """A media playlist of a presentation."""

    where: str
    playlist: MediaPlaylist
    kind: str = "EXT-X-STREAM-INF"
    """The tag that names it; ``SUBTITLES`` for a rendition of that type."""
    bandwidth: int | None = None
    """Bits per second, as the multivariant playlist says."""
    average: int | None = None
    codecs: str | None = None
    line: int = 0
    """Of the multivariant playlist."""

    @property
    def exempt(self) -> bool:
        """Subtitles and I-frames may be cut differently."""
        return self.kind in ("SUBTITLES", "EXT-X-I-FRAME-STREAM-INF")


def presentation(members: Sequence[Member], sizes: Mapping[str, int] | None = None) -> Iterator[Finding]:
    """``sizes``: bytes of segments by what :func:`segment_key` makes of them, as far as they are known."""
    cut = [member for member in members if not member.exempt]
    if cut:
        first = cut[0]
        for other in cut[1:]:
            yield from _beside(first, other)
        yield from _clocks(cut)
    for member in members:
        yield from _rates(member, sizes or {})


def segment_key(where: str, uri: str, span: Span | None = None) -> str:
    """A segment of the playlist ``where``."""
    return f"{where} {uri} {span.start if span else 0}"


def _beside(first: Member, other: Member) -> Iterator[Finding]:
    one, two = first.playlist, other.playlist
    if one.target_duration != two.target_duration:
        text = f"TARGETDURATION {two.target_duration:g}; {first.where} has {one.target_duration:g}"
        yield Finding("variants-target-duration", 0, text, where=other.where)
    if one.playlist_type != two.playlist_type or one.ended != two.ended:
        text = f"{_type(two)}; {first.where} is {_type(one)}"
        yield Finding("variants-type", 0, text, where=other.where)
    yield from _discontinuities(first, other)
    if one.ended and two.ended:
        off = abs(one.duration - two.duration)
        if off > max(one.target_duration, two.target_duration):
            text = f"{two.duration:.1f} s; {first.where} has {one.duration:.1f} s"
            yield Finding("variants-length", 0, text, where=other.where)


def _type(playlist: MediaPlaylist) -> str:
    return f"{playlist.playlist_type or 'live'}{', ended' if playlist.ended else ''}"


def _discontinuities(first: Member, other: Member) -> Iterator[Finding]:
    """Dates say what matches, where there are any; else the numbers of what is cut alike."""
    theirs = {s.program_date_time: s for s in first.playlist.segments if s.program_date_time}
    for segment in other.playlist.segments:
        twin = theirs.get(segment.program_date_time) if segment.program_date_time else None
        if twin is not None and twin.discontinuity_sequence != segment.discontinuity_sequence:
            text = (
                f"segment {segment.msn} has discontinuity number {segment.discontinuity_sequence}; "
                f"{first.where} has {twin.discontinuity_sequence} at the same time"
            )
            yield Finding("variants-discontinuity", segment.uri_line + 1, text, where=other.where)
            return


def _clocks(members: Sequence[Member]) -> Iterator[Finding]:
    dated = [m for m in members if any(s.program_date_time for s in m.playlist.segments)]
    if not dated:
        return
    for member in members:
        if member.playlist.segments and member not in dated:
            text = f"no EXT-X-PROGRAM-DATE-TIME; {dated[0].where} has it"
            yield Finding("variants-dates", 0, text, where=member.where)
    first = dated[0]
    for other in dated[1:]:
        # Segments of the same number that are cut alike begin at the same moment.
        ours = {s.msn: at for s, at in _times(first.playlist)}
        for segment, at in _times(other.playlist):
            then = ours.get(segment.msn)
            if then is None or (then.tzinfo is None) != (at.tzinfo is None):
                continue
            off = abs(then - at) % timedelta(seconds=max(0.001, segment.duration))
            off = min(off, timedelta(seconds=segment.duration) - off)
            if off > CLOCK_TOLERANCE and first.playlist.target_duration == other.playlist.target_duration:
                text = f"segment {segment.msn} begins at {at}; {first.where} has it at {then}"
                yield Finding("variants-dates", segment.line + 1, text, where=other.where)
                break


def _times(playlist: MediaPlaylist) -> Iterator[tuple[Segment, datetime]]:
    for segment in playlist.segments:
        if segment.program_date_time is not None:
            yield segment, segment.program_date_time


def _rates(member: Member, sizes: Mapping[str, int]) -> Iterator[Finding]:
    known = [
        (segment, sizes[key])
        for segment in member.playlist.segments
        if (key := segment_key(member.where, segment.uri, segment.span)) in sizes and segment.duration > 0
    ]
    if not known:
        return
    if member.bandwidth is not None:
        # A short last one says little: the peak is taken over half a target duration at least (§4.1).
        long = [(s, b) for s, b in known if s.duration >= 0.5 * member.playlist.target_duration]
        for segment, size in long:
            rate = 8 * size / segment.duration
            if rate > OVER * member.bandwidth:
                text = f"{segment.uri} takes {rate:.0f} bit/s, BANDWIDTH is {member.bandwidth}"
                yield Finding("bandwidth-exceeded", segment.uri_line + 1, text, where=member.where)
                break
    if member.average is not None and len(known) == len(member.playlist.segments):
        seconds = list(accumulate(segment.duration for segment, _ in known))[-1]
        rate = 8 * sum(size for _, size in known) / seconds
        if rate > OVER * member.average:
            text = f"{rate:.0f} bit/s over {seconds:.0f} s, AVERAGE-BANDWIDTH is {member.average}"
            yield Finding("average-exceeded", 0, text, where=member.where)
