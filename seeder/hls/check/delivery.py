"""How playlists and segments are served, and what a segment is made of. Pure: responses come in as values."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from seeder.hls.check.rules import Finding
from seeder.hls.playlist import MediaPlaylist, Segment

PLAYLIST_TYPES = ("application/vnd.apple.mpegurl", "audio/mpegurl")
OF_OLD = ("application/x-mpegurl", "audio/x-mpegurl")
"""Unregistered, and yet all players take them: no finding."""
SEGMENT_TYPES = {
    "ts": ("video/mp2t",),
    "fmp4": ("video/mp4", "audio/mp4", "video/iso.segment", "application/mp4"),
    "audio": ("audio/aac", "audio/mpeg", "audio/ac3", "audio/eac3", "audio/aacp"),
    "vtt": ("text/vtt",),
}
GZIP_FROM = 1400
"""Bytes; what fits one packet gains nothing by being smaller."""
TS_PACKET = 188


@dataclass(frozen=True, slots=True)
class Response:
    """What came of a GET."""

    url: str
    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    """Names in lower case."""
    data: bytes = b""
    """Decoded."""
    error: str = ""
    """Why there was none; ``status`` is 0 then."""


def served_playlist(response: Response, playlist: MediaPlaylist | None) -> Iterator[Finding]:
    """``playlist``: as parsed; None for a multivariant one."""
    where, headers = response.url, response.headers
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in PLAYLIST_TYPES + OF_OLD:
        yield Finding("playlist-type", 0, f"served as {kind or 'nothing in particular'}", where=where)
    yield from _cors(response)
    if len(response.data) > GZIP_FROM and headers.get("content-encoding", "identity") == "identity":
        yield Finding("playlist-not-gzipped", 0, f"{len(response.data)} bytes as they are", where=where)
    if playlist is not None and not playlist.ended:
        kept = fresh_for(headers)
        if kept > playlist.target_duration:
            yield Finding("live-cached", 0, f"may be kept for {kept:g} s", where=where)


def _cors(response: Response) -> Iterator[Finding]:
    allowed = response.headers.get("access-control-allow-origin")
    if allowed is None:
        yield Finding("cors-missing", 0, "no Access-Control-Allow-Origin", where=response.url)


def fresh_for(headers: Mapping[str, str]) -> float:
    """Seconds that caches may keep it (RFC 9111 §5.2.2); 0 where nothing says so."""
    directives = headers.get("cache-control", "").lower()
    if re.search(r"\b(no-store|no-cache|private)\b", directives):
        return 0.0
    for name in ("s-maxage", "max-age"):
        if match := re.search(rf"\b{name}=\"?(\d+)", directives):
            return float(match.group(1))
    return 0.0


def served_segment(response: Response, segment: Segment, where: str) -> Iterator[Finding]:
    """``where``: the playlist that lists it."""
    line = segment.uri_line + 1
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    form = form_of(response.data)
    if segment.key_uri is None or form is not None:  # encrypted bytes look like nothing
        if form is None:
            yield Finding("segment-format", line, f"{segment.uri} is none of them", where=where)
        elif kind not in SEGMENT_TYPES[form]:
            text = f"{segment.uri} is {form}, served as {kind or 'nothing in particular'}"
            yield Finding("segment-type", line, text, where=where)
        yield from _made(response.data, form, segment, where)
    if "access-control-allow-origin" not in response.headers:
        yield Finding("cors-missing", line, f"{segment.uri}: no Access-Control-Allow-Origin", where=where)
    if re.search(
        r"\b(no-store|no-cache|private|max-age=0)\b", response.headers.get("cache-control", "").lower()
    ):
        text = f"{segment.uri}: Cache-Control {response.headers['cache-control']}"
        yield Finding("segment-uncached", line, text, where=where)


def form_of(data: bytes) -> str | None:
    """``ts``, ``fmp4``, ``audio``, ``vtt``; None for anything else (§3.1)."""
    if data[:1] == b"\x47" and all(
        data[at : at + 1] == b"\x47" for at in range(0, min(len(data), 5 * TS_PACKET), TS_PACKET)
    ):
        return "ts"
    if data[4:8] in (b"styp", b"moof", b"ftyp", b"sidx", b"prft", b"emsg", b"mdat"):
        return "fmp4"
    if data.removeprefix(b"\xef\xbb\xbf").startswith(b"WEBVTT"):
        return "vtt"
    if data[:3] == b"ID3" or (data[:1] == b"\xff" and data[1:2] >= b"\xe0") or data[:2] == b"\x0b\x77":
        return "audio"
    return None


def _made(data: bytes, form: str | None, segment: Segment, where: str) -> Iterator[Finding]:
    line = segment.uri_line + 1
    if form == "ts" and segment.map_uri is None and not _begins_with_tables(data):
        yield Finding("ts-no-pat", line, f"{segment.uri} begins without PAT and PMT", where=where)
    if form == "vtt" and b"X-TIMESTAMP-MAP" not in data[:4096]:
        yield Finding("vtt-timestamp-map", line, f"{segment.uri} has no X-TIMESTAMP-MAP", where=where)
    if form == "audio" and b"com.apple.streaming.transportStreamTimestamp" not in data[:4096]:
        yield Finding(
            "audio-timestamp", line, f"{segment.uri} does not begin with its timestamp", where=where
        )


def _begins_with_tables(data: bytes) -> bool:
    """PAT (PID 0) before the first packet that begins a PES packet."""
    for at in range(0, min(len(data) - 3, 40 * TS_PACKET), TS_PACKET):
        pid = (data[at + 1] & 0x1F) << 8 | data[at + 2]
        if pid == 0:
            return True
        starts, control = bool(data[at + 1] & 0x40), data[at + 3] & 0x30
        payload = at + 4 + (1 + data[at + 4] if control == 0x30 and at + 4 < len(data) else 0)
        if starts and data[payload : payload + 3] == b"\0\0\1":
            return False
    return False
