"""What a media playlist must keep to over successive reloads, and what our tags must say. Pure.

A first set of rules, those whose breach players punish; each finding names the section of
RFC 8216bis (or of the tags' own contract) that is broken.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from seeder.errors import LiveTorrentError, PlaylistError
from seeder.hls.attributes import parse_attributes
from seeder.hls.manifest import SEGMENT_TAG, SWARM_TAG
from seeder.hls.playlist import MediaPlaylist, Segment, parse, split_lines
from seeder.torrent.magnet import parse as parse_magnet
from seeder.torrent.metainfo import parse_info

TAGS = "live-torrent tags"

CLOCK_TOLERANCE = timedelta(milliseconds=100)
"""Dates are written with milliseconds and EXTINF is often rounded; a drift of a tenth is no error."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule broken in one reload."""

    rule: str
    """Short and stable, e.g. ``target-duration-changed``."""
    section: str
    """Of RFC 8216bis, e.g. ``4.4.3.1``."""
    line: int
    """From 1; 0 when the whole text is meant."""
    text: str
    reload: int = 0
    """Which of the texts, from 0."""


@dataclass(slots=True)
class Checker:
    """Feed it every reload in order; what it remembers is bounded by ``memory`` segments."""

    memory: int = 10_000
    """URIs remembered to notice their reuse: six hours of 2 s segments."""
    _last: MediaPlaylist | None = None
    _reloads: int = 0
    _msn_of: dict[str, int] = field(default_factory=dict)

    def reload(self, text: str) -> list[Finding]:
        """The findings of the next reload of one media playlist, manifest tags included."""
        number = self._reloads
        self._reloads += 1
        try:
            playlist = parse(text)
        except PlaylistError as error:
            return [Finding("not-a-playlist", "4.1", error.line, str(error), number)]
        if not isinstance(playlist, MediaPlaylist):
            return [Finding("not-a-media-playlist", "4.1", 0, "a multivariant playlist", number)]
        found = [*_alone(playlist), *_tags(text), *self._reuse(playlist)]
        if self._last is not None:
            found += _against(self._last, playlist)
        self._last = playlist
        return [Finding(f.rule, f.section, f.line, f.text, number) for f in found]

    def _reuse(self, playlist: MediaPlaylist) -> Iterator[Finding]:
        for segment in playlist.segments:
            if segment.byterange is not None:
                continue
            known = self._msn_of.setdefault(segment.uri, segment.msn)
            if known != segment.msn:
                text = f"{segment.uri} was the segment {known} and is now {segment.msn}"
                yield Finding("uri-reused", "6.2.1", segment.uri_line + 1, text)
        while len(self._msn_of) > self.memory:
            del self._msn_of[next(iter(self._msn_of))]


def check(texts: Sequence[str]) -> list[Finding]:
    """All findings over successive reloads of one media playlist."""
    checker = Checker()
    return [finding for text in texts for finding in checker.reload(text)]


def _alone(playlist: MediaPlaylist) -> Iterator[Finding]:
    if playlist.target_duration != int(playlist.target_duration):
        text = f"TARGETDURATION {playlist.target_duration} is not an integer"
        yield Finding("target-duration-not-integer", "4.4.3.1", 0, text)
    before: tuple[Segment, datetime] | None = None
    for segment in playlist.segments:
        if int(segment.duration + 0.5) > playlist.target_duration:
            text = f"EXTINF {segment.duration} rounds above TARGETDURATION {playlist.target_duration:g}"
            yield Finding("extinf-above-target", "4.4.4.1", segment.line + 1, text)
        at = segment.program_date_time
        if at is None:
            continue
        if at.tzinfo is None:
            yield Finding("date-without-zone", "4.4.4.6", segment.line + 1, f"{at.isoformat()} names no zone")
            continue
        if before is not None:
            earlier, then = before
            if at <= then:
                text = f"segment {segment.msn} begins at {at}, not after segment {earlier.msn}"
                yield Finding("date-not-rising", "4.4.4.6", segment.line + 1, text)
            elif segment.msn == earlier.msn + 1 and not segment.discontinuity:
                off = abs(at - then - timedelta(seconds=earlier.duration))
                if off > CLOCK_TOLERANCE:
                    text = (
                        f"segment {segment.msn} begins {off.total_seconds():.3f} s off what EXTINF adds up to"
                    )
                    yield Finding("date-off", "6.2.1", segment.line + 1, text)
        before = segment, at


def _against(last: MediaPlaylist, now: MediaPlaylist) -> Iterator[Finding]:
    if now.target_duration != last.target_duration:
        text = f"TARGETDURATION went from {last.target_duration:g} to {now.target_duration:g}"
        yield Finding("target-duration-changed", "6.2.1", 0, text)
    if now.media_sequence < last.media_sequence:
        text = f"MEDIA-SEQUENCE went from {last.media_sequence} to {now.media_sequence}"
        yield Finding("media-sequence-fell", "6.2.2", 0, text)
    if last.ended and now.text != last.text:
        yield Finding("changed-after-endlist", "6.2.1", 0, "the playlist changed after EXT-X-ENDLIST")
    before = {s.msn: s for s in last.segments}
    for segment in now.segments:
        old = before.get(segment.msn)
        if old is None:
            continue
        line = segment.uri_line + 1
        if old.uri != segment.uri or old.byterange != segment.byterange:
            text = f"segment {segment.msn} was {old.uri} and is now {segment.uri}"
            yield Finding("segment-changed", "6.2.1", line, text)
        if old.duration != segment.duration:
            text = f"segment {segment.msn} lasted {old.duration} and lasts {segment.duration}"
            yield Finding("extinf-changed", "6.2.1", segment.line + 1, text)
        if old.discontinuity_sequence != segment.discontinuity_sequence:
            text = (
                f"segment {segment.msn} had discontinuity number {old.discontinuity_sequence} "
                f"and has {segment.discontinuity_sequence}"
            )
            yield Finding("discontinuity-sequence", "6.2.2", line, text)
        if old.program_date_time and segment.program_date_time not in (None, old.program_date_time):
            text = f"segment {segment.msn} began at {old.program_date_time}, now {segment.program_date_time}"
            yield Finding("date-changed", "6.2.1", line, text)
    if last.segments and now.segments and now.segments[-1].msn < last.segments[-1].msn:
        text = f"segments {now.segments[-1].msn + 1} to {last.segments[-1].msn} were taken from the end"
        yield Finding("segments-taken-back", "6.2.1", 0, text)


def _tags(text: str) -> Iterator[Finding]:
    lines = split_lines(text)
    for number, raw in enumerate(lines, 1):
        line = raw.strip()
        if line.startswith(SWARM_TAG + ":"):
            if len(parse_attributes(line.partition(":")[2]).get("ID", "")) != 40:
                yield Finding("swarm-tag", TAGS, number, "the swarm's ID is not 40 hex digits")
        elif line.startswith(SEGMENT_TAG + ":"):
            if number >= len(lines) or not lines[number].startswith("#EXTINF:"):
                yield Finding("tag-misplaced", TAGS, number, "the tag does not stand right before an EXTINF")
            if (problem := _problem(parse_attributes(line.partition(":")[2]))) is not None:
                yield Finding("torrent-tag", TAGS, number, problem)


def _problem(attributes: dict[str, str]) -> str | None:
    try:
        magnet = parse_magnet(attributes.get("MAGNET", ""))
        torrent = parse_info(b64decode(attributes.get("INFO", ""), validate=True))
    except (LiveTorrentError, ValueError) as error:
        return str(error)
    if torrent.infohash != magnet.infohash:
        return "SHA-1 of INFO is not the magnet's btih"
    if magnet.length != torrent.length or magnet.name != torrent.name:
        return "the magnet's name or length is not INFO's"
    if not magnet.trackers or not magnet.web_seeds:
        return "the magnet has no tracker or no web seed"
    return None
