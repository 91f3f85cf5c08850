"""The served manifest: every line of the writer's, plus our tags.

One ``#EXT-X-COM-LIVETORRENT-SWARM`` right after ``#EXTM3U`` says where the stream's viewers meet; one
``#EXT-X-COM-LIVETORRENT`` right before a segment's ``#EXTINF`` carries its magnet and its info
dictionary. Players skip tags they do not know (RFC 8216 §6.3.1), so the manifest stays plain HLS.
"""

from __future__ import annotations

from base64 import b64encode

from seeder.hls.attributes import quoted
from seeder.hls.names import is_absolute, requested_path, stream_url
from seeder.hls.playlist import MediaPlaylist, parse, split_lines
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
    lines = split_lines(playlist.text)
    uris = _segment_uris(playlist)
    newline = _newline(lines)
    out: list[str] = []
    for index, line in enumerate(lines):
        torrent = playlist.torrents.get(index)
        if torrent is not None and index in uris:
            uri = uris[index]
            url = uri if not uri or is_absolute(uri) else stream_url(addresses.base, stream, uri)
            out.append(segment_tag(torrent, addresses.tracker, url) + newline)
        if not line.startswith((SEGMENT_TAG, SWARM_TAG)):
            out.append(line)
        if index == 0 and len(lines) > 1:
            out.append(swarm_tag(rendezvous, addresses) + newline)
    return "".join(out)


def segment_tag(torrent: Torrent, tracker: str, url: str) -> str:
    """``url``: empty for a byte range, of which there can be no web seed: BEP 19 has it send a whole file."""
    magnet = build(magnet_of(torrent, [tracker], [url] if url else []))
    return f"{SEGMENT_TAG}:MAGNET={quoted(magnet)},INFO={quoted(b64encode(torrent.info).decode())}"


def swarm_tag(rendezvous: bytes, addresses: Addresses) -> str:
    tag = f"{SWARM_TAG}:ID={quoted(rendezvous.hex())},TRACKER={quoted(addresses.tracker)}"
    return f"{tag},ICE={quoted(','.join(addresses.ice))}" if addresses.ice else tag


def strip_tags(text: str) -> str:
    """``text`` without our tags: the writer's playlist."""
    return "".join(line for line in split_lines(text) if not line.startswith((SEGMENT_TAG, SWARM_TAG)))


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
