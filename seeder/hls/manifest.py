"""The served manifest: every line of the writer's, plus our tags.

One ``#EXT-X-COM-LIVETORRENT-SWARM`` right after ``#EXTM3U`` says where the stream's viewers meet; one
``#EXT-X-COM-LIVETORRENT`` right before a segment's ``#EXTINF`` carries its magnet and its info
dictionary. Players skip tags they do not know (RFC 8216 §6.3.1), so the manifest stays plain HLS.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Mapping

from seeder.hls.attributes import parse_attributes, quoted
from seeder.hls.names import is_absolute, quote_path, requested_path, stream_url
from seeder.hls.playlist import MediaPlaylist, parse, split_lines
from seeder.hls.terms import attributes
from seeder.model import Addresses, PublishedPlaylist, Torrent
from seeder.torrent.magnet import build, magnet_of

SEGMENT_TAG = "#EXT-X-COM-LIVETORRENT"
SWARM_TAG = "#EXT-X-COM-LIVETORRENT-SWARM"


def annotate(playlist: PublishedPlaylist, rendezvous: bytes, addresses: Addresses, stream: str) -> str:
    """The manifest of ``playlist`` for viewers who reach us at ``addresses``.

    Without the lines that begin with one of our tags both are the same, byte for byte:
    a tag line ends the way the first line does, LF, CRLF or CR. Tags that are there already, of another
    server's or an earlier time, give way: a player would meet others than ours' viewers.
    """
    uris = _segment_uris(playlist)
    tags: dict[int, str] = {}
    for index, torrent in playlist.torrents.items():
        if index in uris:
            tags[index] = segment_tag(torrent, addresses.tracker, *_web_seeds(uris[index], addresses, stream))
    return insert(playlist.text, swarm_tag(rendezvous, addresses), tags)


def insert(text: str, swarm: str, tags: Mapping[int, str]) -> str:
    """``text`` with the swarm's tag after its first line and ``tags``, by the index of segments' ``#EXTINF``
    lines, before those; as :func:`annotate` describes."""
    lines = split_lines(text)
    newline = _newline(lines)
    out: list[str] = []
    for index, line in enumerate(lines):
        if index in tags:
            out.append(tags[index] + newline)
        if not _is_ours(line):
            out.append(line)
        if index == 0 and len(lines) > 1:
            out.append(swarm + newline)
    return "".join(out)


def _web_seeds(uri: str, addresses: Addresses, stream: str) -> list[str]:
    if not uri or is_absolute(uri):
        return [uri]
    seeds = [stream_url(addresses.base, stream, uri)] if addresses.base else []
    return [*seeds, f"{addresses.storage}/{quote_path(uri)}"] if addresses.storage else seeds


def segment_tag(torrent: Torrent, tracker: str, *urls: str | None) -> str:
    """``urls``: the web seeds. None or empty where its address is not known, and for a byte range, of which
    there can be none: BEP 19 has it send a whole file."""
    magnet = build(magnet_of(torrent, [tracker], [url for url in urls if url]))
    return f"{SEGMENT_TAG}:MAGNET={quoted(magnet)},INFO={quoted(b64encode(torrent.info).decode())}"


def swarm_tag(rendezvous: bytes, addresses: Addresses) -> str:
    tag = [f"{SWARM_TAG}:ID={quoted(rendezvous.hex())}", f"TRACKER={quoted(addresses.tracker)}"]
    if addresses.ice:
        tag.append(f"ICE={quoted(','.join(addresses.ice))}")
    return ",".join([*tag, *attributes(addresses.terms)])


def strip_tags(text: str) -> str:
    """``text`` without our tags: the writer's playlist."""
    return split_tags(text)[0]


def split_tags(text: str) -> tuple[str, tuple[tuple[int, str], ...]]:
    """``text`` without our tags, and those lines with their index in it; :func:`join_tags` puts them back."""
    lines = split_lines(text)
    tags = tuple((index, line) for index, line in enumerate(lines) if _is_ours(line))
    return "".join(line for line in lines if not _is_ours(line)), tags


def join_tags(text: str, tags: Iterable[tuple[int, str]]) -> str:
    """The inverse of :func:`split_tags`."""
    lines = split_lines(text)
    out: list[str] = []
    at = 0
    for index, line in tags:
        until = at + index - len(out)
        out += [*lines[at:until], line]
        at = until
    return "".join([*out, *lines[at:]])


def swarm_id(text: str) -> str | None:
    """The rendezvous that a manifest names, in hex; the first one, as clients read it."""
    for line in split_lines(text):
        if line.startswith(SWARM_TAG + ":"):
            return parse_attributes(line.strip().partition(":")[2]).get("ID")
    return None


def _is_ours(line: str) -> bool:
    return line.startswith((SEGMENT_TAG, SWARM_TAG))


def _segment_uris(playlist: PublishedPlaylist) -> dict[int, str]:
    """EXTINF line → the path its segment is asked for by, or the URL where it is somebody else's; empty for a
    byte range of either."""
    if not playlist.torrents:
        return {}
    parsed = parse(playlist.text)
    if not isinstance(parsed, MediaPlaylist):
        return {}
    paths = (
        (s, s.uri if is_absolute(s.uri) else requested_path(playlist.path, s.uri)) for s in parsed.segments
    )
    return {s.line: path if s.byterange is None else "" for s, path in paths if path is not None}


def _newline(lines: list[str]) -> str:
    first = lines[0] if lines else ""
    return first[len(first.rstrip("\r\n")) :] or "\n"
