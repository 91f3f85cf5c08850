"""One media playlist by itself (RFC 8216bis §4.4.3–4.4.5). Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from seeder.hls.check.lines import Line
from seeder.hls.check.rules import Finding
from seeder.hls.check.tags import is_date
from seeder.hls.playlist import MediaPlaylist, Segment

CLOCK_TOLERANCE = timedelta(milliseconds=100)
"""Dates are written with milliseconds and EXTINF is often rounded; a drift of a tenth is no error."""

LONG = 6.0
"""Seconds that Apple's authoring rules want a segment to last at most."""


def media(playlist: MediaPlaylist, lines: Sequence[Line]) -> Iterator[Finding]:
    yield from _durations(playlist, lines)
    yield from _order(lines)
    yield from _ranges(playlist)
    yield from _keys(lines)
    yield from _dates(playlist)
    yield from _date_ranges(lines)
    yield from _whole(playlist, lines)


def _line(lines: Sequence[Line], tag: str) -> Line | None:
    return next((line for line in lines if line.tag == tag), None)


def _durations(playlist: MediaPlaylist, lines: Sequence[Line]) -> Iterator[Finding]:
    said = _line(lines, "EXT-X-TARGETDURATION")
    number = said.number if said else 0
    target = playlist.target_duration
    if target != int(target):
        yield Finding("target-duration-not-integer", number, f"TARGETDURATION {target} is not an integer")
    elif target > LONG:
        yield Finding("target-duration-long", number, f"segments last up to {target:g} s")
    for segment in playlist.segments:
        if int(segment.duration + 0.5) > target:
            text = f"EXTINF {segment.duration} rounds above TARGETDURATION {target:g}"
            yield Finding("extinf-above-target", segment.line + 1, text)


def _order(lines: Sequence[Line]) -> Iterator[Finding]:
    counted = {"EXT-X-MEDIA-SEQUENCE": "", "EXT-X-DISCONTINUITY-SEQUENCE": "EXT-X-DISCONTINUITY"}
    for tag, also in counted.items():
        first = next((line for line in lines if not line.tag or line.tag == also), None)
        late = [
            line for line in lines if line.tag == tag and first is not None and line.number > first.number
        ]
        for line in late:
            assert first is not None
            text = f"{tag} stands behind line {first.number}, which it counts"
            yield Finding("sequence-late", line.number, text)


def _ranges(playlist: MediaPlaylist) -> Iterator[Finding]:
    before: Segment | None = None
    for segment in playlist.segments:
        if segment.byterange is not None and segment.byterange.offset is None:
            follows = before is not None and before.byterange is not None and before.uri == segment.uri
            if not follows:
                text = f"the range of {segment.uri} has no offset and follows no range of it"
                yield Finding("byterange-without-start", segment.uri_line + 1, text)
        before = segment


def _keys(lines: Sequence[Line]) -> Iterator[Finding]:
    for line in lines:
        if line.tag != "EXT-X-KEY":
            continue
        method, others = line.get("METHOD"), line.attributes.values.keys() - {"METHOD"}
        if method == "NONE" and others:
            text = f"METHOD=NONE, and yet {', '.join(sorted(others))}"
            yield Finding("key-incomplete", line.number, text)
        elif method not in (None, "NONE") and not line.get("URI"):
            yield Finding("key-incomplete", line.number, f"METHOD={method} without a URI")
        vector = line.get("IV")
        if vector is not None and len(vector) != 34:
            yield Finding("key-iv", line.number, f"an IV of {4 * max(0, len(vector) - 2)} bits")


def _dates(playlist: MediaPlaylist) -> Iterator[Finding]:
    before: tuple[Segment, datetime] | None = None
    for segment in playlist.segments:
        at = segment.program_date_time
        if at is None:
            continue
        if at.tzinfo is None:
            yield Finding("date-without-zone", segment.line + 1, f"{at.isoformat()} names no zone")
            continue
        if before is not None:
            yield from _later(*before, segment, at)
        before = segment, at


def _later(earlier: Segment, then: datetime, segment: Segment, at: datetime) -> Iterator[Finding]:
    if at <= then:
        text = f"segment {segment.msn} begins at {at}, not after segment {earlier.msn}"
        yield Finding("date-not-rising", segment.line + 1, text)
    elif segment.msn == earlier.msn + 1 and not segment.discontinuity:
        off = abs(at - then - timedelta(seconds=earlier.duration))
        if off > CLOCK_TOLERANCE:
            text = f"segment {segment.msn} begins {off.total_seconds():.3f} s off what EXTINF adds up to"
            yield Finding("date-off", segment.line + 1, text)


def _date_ranges(lines: Sequence[Line]) -> Iterator[Finding]:
    known: dict[str, dict[str, str]] = {}
    ranges = [line for line in lines if line.tag == "EXT-X-DATERANGE"]
    if ranges and _line(lines, "EXT-X-PROGRAM-DATE-TIME") is None and _line(lines, "EXTINF") is not None:
        text = "no EXT-X-PROGRAM-DATE-TIME says when that is"
        yield Finding("daterange-without-clock", ranges[0].number, text)
    for line in ranges:
        yield from _span(line)
        before = known.setdefault(line.get("ID") or "", {})
        for name, value in line.attributes.values.items():
            if before.setdefault(name, value) != value:
                text = f"{name} was {before[name]} and is now {value}"
                yield Finding("daterange-changed", line.number, text)
    for identity, values in known.items():
        if "START-DATE" not in values:
            number = next(line.number for line in ranges if (line.get("ID") or "") == identity)
            yield Finding("attribute-missing", number, "EXT-X-DATERANGE has no START-DATE", "4.4.5.1")


def _span(line: Line) -> Iterator[Finding]:
    has = line.attributes.values
    start, end = line.get("START-DATE") or "", line.get("END-DATE") or ""
    if is_date(start) and is_date(end):
        begins, ends = datetime.fromisoformat(start), datetime.fromisoformat(end)
        if (begins.tzinfo is None) == (ends.tzinfo is None) and ends < begins:
            yield Finding("daterange-span", line.number, f"it ends at {end}, before {start}")
    if has.get("END-ON-NEXT") == "YES":
        if "CLASS" not in has:
            yield Finding("daterange-span", line.number, "END-ON-NEXT without a CLASS: next of what?")
        if "DURATION" in has or "END-DATE" in has:
            yield Finding("daterange-span", line.number, "END-ON-NEXT, and another end besides")


def _whole(playlist: MediaPlaylist, lines: Sequence[Line]) -> Iterator[Finding]:
    start = _line(lines, "EXT-X-START")
    if start is not None:
        try:
            offset = float(start.get("TIME-OFFSET") or 0)
        except ValueError:
            offset = 0.0  # a finding already
        if abs(offset) > playlist.duration > 0:
            text = f"TIME-OFFSET {offset:g} in a playlist of {playlist.duration:g} s"
            yield Finding("start-outside", start.number, text)
    if playlist.playlist_type == "VOD" and not playlist.ended:
        yield Finding("vod-without-end", 0, "type VOD without EXT-X-ENDLIST")
    # Before the first one leaves it may be as short as it likes.
    if not playlist.ended and playlist.media_sequence > 0 and playlist.segments:
        least = 3 * playlist.target_duration
        # Half a second each: that much the target duration may have been rounded up.
        if playlist.duration < least - 1.5:
            text = f"{playlist.duration:g} s are listed, less than {least:g}"
            yield Finding("window-too-short", 0, text)
    for before, segment in pairwise((None, *playlist.segments)):
        assert segment is not None
        changed = before is None or before.map_uri != segment.map_uri
        name = segment.uri.partition("?")[0].lower()
        if changed and segment.map_uri is None and name.endswith((".m4s", ".mp4", ".cmfv", ".cmfa")):
            yield Finding("fmp4-without-map", segment.uri_line + 1, f"{segment.uri} has no EXT-X-MAP")
            return
