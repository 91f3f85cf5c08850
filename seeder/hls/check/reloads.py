"""One reload of a media playlist against the one before (RFC 8216bis §6.2.1, §6.2.2). Pure."""

from __future__ import annotations

from collections.abc import Iterator

from seeder.hls.check.rules import Finding
from seeder.hls.playlist import MediaPlaylist, Segment


def against(last: MediaPlaylist, now: MediaPlaylist) -> Iterator[Finding]:
    if now.target_duration != last.target_duration:
        text = f"TARGETDURATION went from {last.target_duration:g} to {now.target_duration:g}"
        yield Finding("target-duration-changed", 0, text)
    if now.playlist_type != last.playlist_type:
        text = f"PLAYLIST-TYPE went from {last.playlist_type or 'none'} to {now.playlist_type or 'none'}"
        # An event that has ended may become a recording: players only see that nothing changes any more.
        if not now.ended:
            yield Finding("type-changed", 0, text)
    if now.media_sequence < last.media_sequence:
        text = f"MEDIA-SEQUENCE went from {last.media_sequence} to {now.media_sequence}"
        yield Finding("media-sequence-fell", 0, text)
    if last.ended and now.text != last.text:
        yield Finding("changed-after-endlist", 0, "the playlist changed after EXT-X-ENDLIST")
    if last.playlist_type == "EVENT" and now.media_sequence > last.media_sequence:
        text = f"segments {last.media_sequence} to {now.media_sequence - 1} are gone"
        yield Finding("event-dropped", 0, text)
    before = {segment.msn: segment for segment in last.segments}
    for segment in now.segments:
        old = before.get(segment.msn)
        if old is not None:
            yield from _kept(old, segment)
    if last.segments and now.segments and now.segments[-1].msn < last.segments[-1].msn:
        text = f"segments {now.segments[-1].msn + 1} to {last.segments[-1].msn} were taken from the end"
        yield Finding("segments-taken-back", 0, text)


def _kept(old: Segment, now: Segment) -> Iterator[Finding]:
    line, msn = now.uri_line + 1, now.msn
    if old.uri != now.uri or old.span != now.span:
        yield Finding("segment-changed", line, f"segment {msn} was {old.uri} and is now {now.uri}")
    if (old.key_uri, old.map_uri) != (now.key_uri, now.map_uri):
        text = (
            f"segment {msn} had key {old.key_uri} and map {old.map_uri}, now {now.key_uri} and {now.map_uri}"
        )
        yield Finding("segment-crypt-changed", line, text)
    if old.duration != now.duration:
        text = f"segment {msn} lasted {old.duration} and lasts {now.duration}"
        yield Finding("extinf-changed", now.line + 1, text)
    if old.discontinuity_sequence != now.discontinuity_sequence:
        text = (
            f"segment {msn} had discontinuity number {old.discontinuity_sequence} "
            f"and has {now.discontinuity_sequence}"
        )
        yield Finding("discontinuity-sequence", line, text)
    if old.program_date_time and now.program_date_time not in (None, old.program_date_time):
        text = f"segment {msn} began at {old.program_date_time}, now {now.program_date_time}"
        yield Finding("date-changed", line, text)
