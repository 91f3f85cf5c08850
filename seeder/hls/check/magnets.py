"""What our own tags must say (docs/design.md, "Outside contract"). Pure."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterator, Sequence

from seeder.errors import LiveTorrentError
from seeder.hls.attributes import parse_attributes
from seeder.hls.check.rules import Finding
from seeder.hls.manifest import SEGMENT_TAG, SWARM_TAG
from seeder.hls.playlist import split_lines
from seeder.hls.terms import problems
from seeder.model import Torrent
from seeder.torrent.magnet import parse as parse_magnet
from seeder.torrent.metainfo import parse_info


def magnets(text: str) -> Iterator[Finding]:
    lines = split_lines(text)
    ranged = _ranged(lines)
    for number, raw in enumerate(lines, 1):
        line = raw.strip()
        if line.startswith(SWARM_TAG + ":"):
            attributes = parse_attributes(line.partition(":")[2])
            if len(attributes.get("ID", "")) != 40:
                yield Finding("swarm-tag", number, "the swarm's ID is not 40 hex digits")
            if not attributes.get("TRACKER", "").startswith(("ws://", "wss://")):
                yield Finding("swarm-tag", number, "the swarm's tracker is no ws:// or wss:// URL")
            for problem in problems(attributes):
                yield Finding("swarm-tag", number, problem)
        elif line.startswith(SEGMENT_TAG + ":"):
            if number >= len(lines) or not lines[number].startswith("#EXTINF:"):
                yield Finding("tag-misplaced", number, "the tag does not stand right before an EXTINF")
            wrong = read_tag(line, ranged=number - 1 in ranged)
            if isinstance(wrong, str):
                yield Finding("torrent-tag", number, wrong)


def _ranged(lines: Sequence[str]) -> set[int]:
    """Indices of the lines of segments that are byte ranges."""
    found: set[int] = set()
    own: list[int] = []
    ranged = False
    for index, raw in enumerate(lines):
        own.append(index)
        ranged = ranged or raw.startswith("#EXT-X-BYTERANGE:")
        if raw.strip() and not raw.startswith("#"):
            found.update(own if ranged else ())
            own, ranged = [], False
    return found


def torrents(text: str) -> dict[int, Torrent]:
    """Those of well-formed tags, by the index of the ``#EXTINF`` line that follows."""
    lines = split_lines(text)
    ranged = _ranged(lines)
    found = {}
    for index, raw in enumerate(lines):
        if raw.startswith(SEGMENT_TAG + ":"):
            torrent = read_tag(raw.strip(), ranged=index in ranged)
            if isinstance(torrent, Torrent):
                found[index + 1] = torrent
    return found


def read_tag(line: str, *, ranged: bool = False) -> Torrent | str:
    """The torrent, or what is wrong with the tag; ``ranged``: its segment is a byte range."""
    attributes = parse_attributes(line.partition(":")[2])
    try:
        magnet = parse_magnet(attributes.get("MAGNET", ""))
        torrent = parse_info(b64decode(attributes.get("INFO", ""), validate=True))
    except (LiveTorrentError, ValueError) as error:
        return str(error)
    if torrent.infohash != magnet.infohash:
        return "SHA-1 of INFO is not the magnet's btih"
    if magnet.length != torrent.length or magnet.name != torrent.name:
        return "the magnet's name or length is not INFO's"
    if not magnet.trackers:
        return "the magnet has no tracker"
    if magnet.web_seeds and ranged:
        return "the magnet of a byte range has a web seed, which would send another file (BEP 19)"
    return torrent
