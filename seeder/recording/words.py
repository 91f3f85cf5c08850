"""A recording's playlists, line by line, from those of the live stream. Pure.

A recorded segment is a few lines: its ``EXTINF`` as it was, behind what it needs that the segment before it
did not say. Its MSN is another than the live one's, so what followed from that is written out.
"""

from __future__ import annotations

import math
import posixpath
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from seeder.hls.attributes import parse_attributes
from seeder.hls.names import quote_path
from seeder.hls.playlist import MediaPlaylist, Segment, split_lines
from seeder.ingest.playlist import SKIP_DURATIONS, date_time
from seeder.model import Span


@dataclass(frozen=True, slots=True)
class Needs:
    """What must be read to play a segment."""

    keys: tuple[str, ...] = ()
    """EXT-X-KEY lines in force, an IV that followed from the MSN written out."""
    map_line: str = ""
    """The EXT-X-MAP in force; empty: none."""
    map_keys: tuple[str, ...] = ()
    """The keys that were in force where it stands: they hold for the init section."""


@dataclass(frozen=True, slots=True)
class Head:
    """What a playlist says before its first segment."""

    version: int = 3
    target: int = 1
    """EXT-X-TARGETDURATION."""
    independent: bool = False
    i_frames: bool = False

    def joined(self, other: Head) -> Head:
        """Good for the segments of both."""
        return Head(
            max(self.version, other.version),
            max(self.target, other.target),
            self.independent and other.independent,
            self.i_frames,
        )


def head_of(playlist: MediaPlaylist) -> Head:
    longest = max((s.duration for s in playlist.segments), default=0.0)
    independent = any(line.strip() == "#EXT-X-INDEPENDENT-SEGMENTS" for line in split_lines(playlist.text))
    least = 6 if any(s.map_uri is not None for s in playlist.segments) else 4
    return Head(
        max(playlist.version, least),
        max(1, math.ceil(playlist.target_duration), round(longest)),
        independent,
        playlist.i_frames_only,
    )


def needs(playlist: MediaPlaylist) -> list[Needs]:
    """Of each segment."""
    lines = split_lines(playlist.text)
    keys: list[str] = []
    map_keys: tuple[str, ...]
    map_line, map_keys = "", ()
    at = 0
    found = []
    for segment in playlist.segments:
        for line in (raw.strip() for raw in lines[at : segment.uri_line + 1]):
            if line.startswith("#EXT-X-MAP:"):
                map_line, map_keys = line, tuple(keys)
            elif line.startswith("#EXT-X-KEY:"):
                attributes = parse_attributes(line[11:])
                if attributes.get("METHOD") == "NONE":
                    keys = []
                else:
                    keys = [key for key in keys if _format(key) != _format(line)] + [line]
        at = segment.uri_line + 1
        found.append(Needs(tuple(_with_iv(key, segment) for key in keys), map_line, map_keys))
    return found


def _format(key: str) -> str:
    return parse_attributes(key[11:]).get("KEYFORMAT", "identity")


def _with_iv(key: str, segment: Segment) -> str:
    """A key without IV means the MSN (RFC 8216bis §5.2)."""
    attributes = parse_attributes(key[11:])
    if "IV" in attributes or _format(key) != "identity":
        return key
    return f"{key},IV=0x{segment.msn:032x}"


def moved(line: str, uri: str, new: str) -> str:
    """``line`` with ``new`` in the place of its ``URI="uri"``."""
    return line.replace(f'URI="{uri}"', f'URI="{new}"', 1)


def map_of(uri: str, span: Span | None) -> str:
    ranged = "" if span is None else f',BYTERANGE="{span.length}@{span.start}"'
    return f'#EXT-X-MAP:URI="{uri}"{ranged}'


def relative(playlist: str, path: str) -> str:
    """``path`` (of the stream) as the playlist at ``playlist`` writes it."""
    return quote_path(posixpath.relpath(path, posixpath.dirname(playlist) or "."))


def entry(
    playlist: MediaPlaylist,
    segment: Segment,
    uri: str,
    says: Sequence[str],
    *,
    broken: bool,
    date: float | None,
) -> str:
    """The lines of ``segment``, which is ``uri`` here. ``says``: keys and init section, where they are others
    than before; ``broken``: an EXT-X-DISCONTINUITY stands before it; ``date``: to be said, where it does not
    say one itself."""
    lines = split_lines(playlist.text)
    own = [raw.strip() for raw in lines[segment.first_line : segment.uri_line]]
    out = ["#EXT-X-DISCONTINUITY"] if broken else []
    out += says
    said = [line for line in own if line.startswith("#EXT-X-PROGRAM-DATE-TIME:")]
    if not said and date is not None:
        said = [f"#EXT-X-PROGRAM-DATE-TIME:{date_time(date)}"]
    out += said
    out.append(lines[segment.line].strip())
    if segment.span is not None:
        # Without its offset it would follow whatever stands before it here.
        out.append(f"#EXT-X-BYTERANGE:{segment.span.length}@{segment.span.start}")
    out.append(uri)
    return "\n".join(out) + "\n"


def beginning(head: Head, *, ended: bool) -> str:
    """Of a playlist, up to its first segment."""
    out = [
        "#EXTM3U",
        f"#EXT-X-VERSION:{head.version}",
        f"#EXT-X-TARGETDURATION:{head.target}",
        "#EXT-X-MEDIA-SEQUENCE:0",
        f"#EXT-X-PLAYLIST-TYPE:{'VOD' if ended else 'EVENT'}",
    ]
    if head.independent:
        out.append("#EXT-X-INDEPENDENT-SEGMENTS")
    if head.i_frames:
        out.append("#EXT-X-I-FRAMES-ONLY")
    if not ended:
        # With magnets a segment is 700 bytes of playlist: who follows a long one needs its end alone.
        out.append(f"#EXT-X-SERVER-CONTROL:CAN-SKIP-UNTIL={SKIP_DURATIONS * head.target:.1f}")
    return "\n".join(out) + "\n"


END = "#EXT-X-ENDLIST\n"


def folder_name(stream: str, now: float, number: int = 1) -> str:
    """Of a recording of ``stream`` that begins at ``now`` (Unix seconds); ``number``: where it is taken, the
    next one's."""
    moment = datetime.fromtimestamp(now, UTC).strftime("%Y%m%d-%H%M%S")
    return f"{stream}-{moment}" + (f"-{number}" if number > 1 else "")
