"""Playlist Delta Updates (RFC 8216bis §6.2.5.1): a playlist without what its reader has had. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from seeder.hls.attributes import parse_attributes
from seeder.hls.playlist import MediaPlaylist, Segment, parse, split_lines
from seeder.model import PublishedPlaylist

_OF_SEGMENTS = ("#EXT-X-KEY:", "#EXT-X-MAP:", "#EXT-X-BITRATE:")
"""What holds for all segments that follow."""
_STAY = re.compile(
    r"#EXT-X-(?:DATERANGE|ENDLIST|SERVER-CONTROL|PART-INF|DEFINE|START|INDEPENDENT-SEGMENTS|PLAYLIST-TYPE"
    r"|I-FRAMES-ONLY|PRELOAD-HINT|RENDITION-REPORT|TARGETDURATION|VERSION|(?:MEDIA|DISCONTINUITY)-SEQUENCE)"
    r"(?![A-Z-])"
)
"""Tags of the playlist and not of a segment, wherever they stand. Date ranges stay though they could be
skipped: how old one is does not show from where it stands."""
_FORBIDDEN = re.compile(r'[\r\n"\t]')


@dataclass(frozen=True, slots=True)
class Delta:
    text: str
    lines: dict[int, int]
    """Index of a line of the whole playlist → its index here, of lines that are left."""


def delta(
    text: str, playlist: MediaPlaylist, until: float, removed: Sequence[str] | None = None
) -> Delta | None:
    """The playlist without the segments that end more than ``until`` seconds before its end; None: none does.

    ``removed``: date ranges that are gone, for who would have them skipped, too (``_HLS_skip=v2``). Keys and
    init sections that hold on are said again: not every client carries them over what was skipped.
    """
    count = _skipped(playlist, until)
    if count == 0:
        return None
    lines = split_lines(text)
    newline = lines[0][len(lines[0].rstrip("\r\n")) :] or "\n"
    first, last = playlist.segments[0].first_line, playlist.segments[count - 1].uri_line
    tag = f"#EXT-X-SKIP:SKIPPED-SEGMENTS={count}"
    if removed is not None:
        names = "\t".join(name for name in removed if not _FORBIDDEN.search(name))
        tag += f',RECENTLY-REMOVED-DATERANGES="{names}"'
    # The tags came with these versions (§8).
    least = 9 if removed is None else 10
    follower = playlist.segments[count] if count < len(playlist.segments) else None
    out: list[str] = []
    places: dict[int, int] = {}
    versioned = False
    holding: dict[str, str] = {}
    for index, line in enumerate(lines):
        if first <= index <= last and not _STAY.match(line):
            _hold(holding, line)
        else:
            places[index] = len(out)
            version = _version(line, least)
            versioned = versioned or version is not None
            if version is not None:
                line = f"#EXT-X-VERSION:{version}{newline}"
            elif follower is not None and last < index < follower.uri_line:
                line = _said_in_full(line, follower, newline)
            out.append(line)
        if index == last:
            out += [tag + newline, *holding.values()]
    if not versioned:
        out.insert(1, f"#EXT-X-VERSION:{least}{newline}")
        places = {index: place + (place > 0) for index, place in places.items()}
    return Delta("".join(out), places)


def _skipped(playlist: MediaPlaylist, until: float) -> int:
    behind = 0.0
    for number in range(len(playlist.segments), 0, -1):
        if behind > until:
            return number
        behind += playlist.segments[number - 1].duration
    return 0


def _hold(holding: dict[str, str], line: str) -> None:
    if not line.startswith(_OF_SEGMENTS):
        return
    tag, _, value = line.strip().partition(":")
    if tag == "#EXT-X-KEY":
        attributes = parse_attributes(value)
        if attributes.get("METHOD") == "NONE":
            for name in [name for name in holding if name.startswith(tag)]:
                del holding[name]
            return
        tag += attributes.get("KEYFORMAT", "identity")  # one of each at a time (§4.4.4.4)
    holding.pop(tag, None)  # in the order of the last of each: a key holds for the init section behind it
    holding[tag] = line


def _said_in_full(line: str, segment: Segment, newline: str) -> str:
    """A range that follows the one before it would follow one that is skipped."""
    if segment.span is None or not line.startswith("#EXT-X-BYTERANGE:"):
        return line
    return f"#EXT-X-BYTERANGE:{segment.span.length}@{segment.span.start}{newline}"


def _version(line: str, least: int) -> int | None:
    """What an EXT-X-VERSION has to say; None: the line is none, or says enough."""
    if not line.startswith("#EXT-X-VERSION:"):
        return None
    text = line.partition(":")[2].strip()
    version = int(text) if re.fullmatch(r"\d{1,4}", text, re.ASCII) else 0
    return max(version, least)


def shortened(playlist: PublishedPlaylist, skip: str) -> PublishedPlaylist:
    """``playlist`` for who asked with ``_HLS_skip=skip``; itself where there is nothing to leave out."""
    if not skip or playlist.edge is None or not playlist.edge.control.skip_until:
        return playlist
    parsed = parse(playlist.text)
    if not isinstance(parsed, MediaPlaylist):
        return playlist
    edge = playlist.edge
    found = delta(playlist.text, parsed, edge.control.skip_until, edge.removed if skip == "v2" else None)
    if found is None:
        return playlist
    torrents = {found.lines[i]: torrent for i, torrent in playlist.torrents.items() if i in found.lines}
    return replace(playlist, text=found.text, torrents=torrents)
