"""Media and multivariant playlists: text → records (RFC 8216bis §4).

The records say where things stand in the text; the text itself is what gets served, so nothing is
ever written back from them. Forgiving where players are (CRLF, a byte order mark, trailing blanks,
unknown tags), strict where a mistake would misplace a torrent.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from seeder.errors import PlaylistError
from seeder.hls.attributes import parse_attributes
from seeder.model import Span

MAX_TEXT = 8 << 20
"""Characters. A day of 2 s segments with our tags' worth of lines is 5 MB; more is no playlist."""

MAX_SEQUENCE = 2**63 - 1
"""A decimal-integer is 64 bit (RFC 8216bis §4.2); one bit less stays clear of signed readers."""

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")


def split_lines(text: str) -> list[str]:
    """The lines with their ends: LF, CRLF or CR and nothing else.

    ``str.splitlines`` also breaks at U+2028, form feeds and others, which are ordinary characters of
    a title or URI here.
    """
    return _LINE.findall(text)


class Role(StrEnum):
    """What a reference is to the playlist that makes it."""

    SEGMENT = "segment"
    INIT = "init"
    KEY = "key"
    PLAYLIST = "playlist"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Reference:
    """A URI exactly as written, and what it is for."""

    uri: str
    role: Role


@dataclass(frozen=True, slots=True)
class ByteRange:
    """A sub-range of a resource (§4.4.4.2)."""

    length: int
    offset: int | None
    """None: right after the previous segment's range."""


@dataclass(frozen=True, slots=True)
class Segment:
    """One segment as listed."""

    uri: str
    msn: int
    duration: float
    """Seconds, as in EXTINF."""
    first_line: int
    """Index of the first line that belongs to it alone (a tag of its own, at the latest EXTINF)."""
    line: int
    """Index of its ``#EXTINF`` line in :func:`split_lines`."""
    uri_line: int
    discontinuity: bool
    discontinuity_sequence: int
    byterange: ByteRange | None
    """As written."""
    span: Span | None
    """The bytes of the resource that it is; None: all of them, or a range that begins nowhere."""
    map_uri: str | None
    map_span: Span | None
    """The bytes of it that are the init section; None: all of them."""
    key_uri: str | None
    """None when not encrypted (or METHOD=NONE)."""
    program_date_time: datetime | None
    """Only when the segment has the tag itself."""
    gap: bool


@dataclass(frozen=True, slots=True)
class MediaPlaylist:
    """A playlist of segments."""

    text: str
    version: int
    target_duration: float
    """Seconds."""
    media_sequence: int
    discontinuity_sequence: int
    playlist_type: str
    """``EVENT``, ``VOD`` or empty."""
    ended: bool
    """EXT-X-ENDLIST is there: nothing will be added."""
    i_frames_only: bool
    """Segments are single frames, for fast forward; most often ranges of what other playlists list."""
    segments: tuple[Segment, ...]
    parts: tuple[str, ...] = ()
    """URIs of parts (EXT-X-PART) that are files of their own."""

    @property
    def duration(self) -> float:
        """Seconds, all segments together."""
        return math.fsum(s.duration for s in self.segments)

    def references(self) -> tuple[Reference, ...]:
        """Everything it mentions, each once, in order."""
        return tuple(dict.fromkeys(self._references()))

    def _references(self) -> Iterator[Reference]:
        for segment in self.segments:
            if segment.map_uri is not None:
                yield Reference(segment.map_uri, Role.INIT)
            if segment.key_uri is not None:
                yield Reference(segment.key_uri, Role.KEY)
            yield Reference(segment.uri, Role.SEGMENT)
        for uri in self.parts:
            yield Reference(uri, Role.OTHER)


@dataclass(frozen=True, slots=True)
class Variant:
    """One EXT-X-STREAM-INF, EXT-X-MEDIA or EXT-X-I-FRAME-STREAM-INF that names a playlist."""

    uri: str
    tag: str
    attributes: dict[str, str]


@dataclass(frozen=True, slots=True)
class MultivariantPlaylist:
    """A playlist of playlists."""

    text: str
    variants: tuple[Variant, ...]
    others: tuple[Reference, ...]
    """Session keys and data."""

    def references(self) -> tuple[Reference, ...]:
        """Everything it mentions, each once, in order."""
        playlists = (Reference(v.uri, Role.PLAYLIST) for v in self.variants)
        return tuple(dict.fromkeys((*playlists, *self.others)))


Playlist = MediaPlaylist | MultivariantPlaylist


def decode(data: bytes) -> str:
    """Bytes → text; a playlist is UTF-8 (§4.1). PlaylistError otherwise."""
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise PlaylistError("not UTF-8", data.count(b"\n", 0, error.start) + 1) from None


def parse(text: str) -> Playlist:
    """Records of a playlist, or PlaylistError with the line (from 1) that is none."""
    if len(text) > MAX_TEXT:
        raise PlaylistError(f"larger than {MAX_TEXT >> 20} MiB")
    lines = split_lines(text)
    first = lines[0].removeprefix("\ufeff").strip() if lines else ""
    if first != "#EXTM3U":
        raise PlaylistError("does not begin with #EXTM3U", 1)
    stripped = [line.strip() for line in lines]
    multivariant = any(line.startswith("#EXT-X-STREAM-INF:") for line in stripped)
    if multivariant:
        return _parse_multivariant(text, stripped)
    if not any(line.startswith(("#EXTINF:", "#EXT-X-TARGETDURATION:")) for line in stripped):
        if any(line.startswith(("#EXT-X-MEDIA:", "#EXT-X-I-FRAME-STREAM-INF:")) for line in stripped):
            return _parse_multivariant(text, stripped)
        raise PlaylistError("neither segments nor variants nor a TARGETDURATION")
    return _MediaParser(text).parse(stripped)


def _split_tag(line: str) -> tuple[str, str]:
    tag, _, value = line.partition(":")
    return tag, value.strip()


def _parse_multivariant(text: str, lines: list[str]) -> MultivariantPlaylist:
    variants: list[Variant] = []
    others: list[Reference] = []
    pending: dict[str, str] | None = None
    for number, line in enumerate(lines, 1):
        if not line or number == 1:
            continue
        if not line.startswith("#"):
            if pending is None:
                raise PlaylistError("a URI without EXT-X-STREAM-INF before it", number)
            variants.append(Variant(line, "EXT-X-STREAM-INF", pending))
            pending = None
            continue
        tag, value = _split_tag(line)
        if tag == "#EXTINF":
            raise PlaylistError("both segments and variants", number)
        if tag == "#EXT-X-STREAM-INF":
            pending = parse_attributes(value)
        elif tag in ("#EXT-X-MEDIA", "#EXT-X-I-FRAME-STREAM-INF"):
            attributes = parse_attributes(value)
            if uri := attributes.get("URI"):
                variants.append(Variant(uri, tag[1:], attributes))
        elif tag in _SESSION_TAGS and (uri := parse_attributes(value).get("URI")):
            others.append(Reference(uri, _SESSION_TAGS[tag]))
    return MultivariantPlaylist(text, tuple(variants), tuple(others))


class _MediaParser:
    """One pass over the lines; what is gathered for the next segment is reset at its URI."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.version = 1
        self.target_duration: float | None = None
        self.media_sequence = 0
        self.discontinuity_sequence = 0
        self.playlist_type = ""
        self.ended = False
        self.i_frames_only = False
        self.segments: list[Segment] = []
        self.parts: list[str] = []
        self.before: tuple[str, Span] | None = None  # the range before, which one without offset follows
        self.map_span: Span | None = None
        self.map_uri: str | None = None  # until the next EXT-X-MAP
        self.key_uri: str | None = None  # until the next EXT-X-KEY
        self.discontinuities = 0
        self._reset()

    def _reset(self) -> None:
        self.duration: float | None = None
        self.extinf_line = 0
        self.first_line: int | None = None
        self.discontinuity = False
        self.byterange: ByteRange | None = None
        self.program_date_time: datetime | None = None
        self.gap = False

    def parse(self, lines: list[str]) -> MediaPlaylist:
        for index, line in enumerate(lines):
            if not line or index == 0:
                continue
            if line.startswith("#"):
                if line.startswith("#EXT"):
                    self._tag(index, *_split_tag(line))
            else:
                self._uri(index, line)
        if self.target_duration is None:
            raise PlaylistError("no EXT-X-TARGETDURATION")
        return MediaPlaylist(
            text=self.text,
            version=self.version,
            target_duration=self.target_duration,
            media_sequence=self.media_sequence,
            discontinuity_sequence=self.discontinuity_sequence,
            playlist_type=self.playlist_type,
            ended=self.ended,
            i_frames_only=self.i_frames_only,
            segments=tuple(self.segments),
            parts=tuple(self.parts),
        )

    def _tag(self, index: int, tag: str, value: str) -> None:
        number = index + 1
        if tag in _SEGMENT_TAGS and self.first_line is None:
            self.first_line = index
        match tag:
            case "#EXTINF":
                self.duration = _decimal(value.partition(",")[0], "EXTINF", number)
                self.extinf_line = index
            case "#EXT-X-BYTERANGE":
                self.byterange = _byterange(value, number)
            case "#EXT-X-DISCONTINUITY":
                self.discontinuity = True
                self.discontinuities += 1
            case "#EXT-X-PROGRAM-DATE-TIME":
                self.program_date_time = _datetime(value, number)
            case "#EXT-X-GAP":
                self.gap = True
            case "#EXT-X-MAP":
                attributes = parse_attributes(value)
                self.map_uri = attributes.get("URI")
                # Without an offset it begins with the resource (§4.4.4.5).
                written = _MAP_RANGE.fullmatch(attributes.get("BYTERANGE", ""))
                self.map_span = Span(int(written[2] or 0), int(written[1])) if written else None
            case "#EXT-X-KEY":
                attributes = parse_attributes(value)
                self.key_uri = None if attributes.get("METHOD") == "NONE" else attributes.get("URI")
            case "#EXT-X-PART":
                attributes = parse_attributes(value)
                # Of a file that grows a part is a range; the file is there once it is whole, as a segment.
                if (uri := attributes.get("URI")) and "BYTERANGE" not in attributes:
                    self.parts.append(uri)
            case "#EXT-X-TARGETDURATION":
                self.target_duration = _decimal(value, "EXT-X-TARGETDURATION", number)
            case "#EXT-X-MEDIA-SEQUENCE":
                # After a segment it would renumber what was already counted (§4.4.3.2).
                if self.segments:
                    raise PlaylistError("EXT-X-MEDIA-SEQUENCE after a segment", number)
                self.media_sequence = _integer(value, "EXT-X-MEDIA-SEQUENCE", number)
            case "#EXT-X-DISCONTINUITY-SEQUENCE":
                self.discontinuity_sequence = _integer(value, "EXT-X-DISCONTINUITY-SEQUENCE", number)
            case "#EXT-X-VERSION":
                self.version = _integer(value, "EXT-X-VERSION", number)
            case "#EXT-X-PLAYLIST-TYPE":
                self.playlist_type = value
            case "#EXT-X-ENDLIST":
                self.ended = True
            case "#EXT-X-I-FRAMES-ONLY":
                self.i_frames_only = True

    def _uri(self, index: int, uri: str) -> None:
        if self.duration is None:
            raise PlaylistError("a URI without EXTINF before it", index + 1)
        span = self._span(uri)
        self.before = (uri, span) if span is not None else None
        self.segments.append(
            Segment(
                uri=uri,
                msn=self.media_sequence + len(self.segments),
                duration=self.duration,
                first_line=self.extinf_line if self.first_line is None else self.first_line,
                line=self.extinf_line,
                uri_line=index,
                discontinuity=self.discontinuity,
                discontinuity_sequence=self.discontinuity_sequence + self.discontinuities,
                byterange=self.byterange,
                span=span,
                map_uri=self.map_uri,
                map_span=self.map_span,
                key_uri=self.key_uri,
                program_date_time=self.program_date_time,
                gap=self.gap,
            )
        )
        self._reset()

    def _span(self, uri: str) -> Span | None:
        """§4.4.4.2: without an offset right after the range before, one of the same resource."""
        if self.byterange is None or self.byterange.length == 0:
            return None
        start = self.byterange.offset
        if start is None and self.before is not None and self.before[0] == uri:
            start = self.before[1].stop
        return None if start is None else Span(start, self.byterange.length)


_SESSION_TAGS = {"#EXT-X-SESSION-KEY": Role.KEY, "#EXT-X-SESSION-DATA": Role.OTHER}

_SEGMENT_TAGS = frozenset(
    {
        "#EXTINF",
        "#EXT-X-BYTERANGE",
        "#EXT-X-DISCONTINUITY",
        "#EXT-X-PROGRAM-DATE-TIME",
        "#EXT-X-GAP",
        "#EXT-X-MAP",
        "#EXT-X-KEY",
        "#EXT-X-BITRATE",
    }
)


_MAP_RANGE = re.compile(r"([0-9]{1,18})(?:@([0-9]{1,18}))?")


def _integer(text: str, tag: str, line: int) -> int:
    if not (text.isascii() and text.isdigit()) or int(text[:20]) > MAX_SEQUENCE or len(text) > 20:
        raise PlaylistError(f"{tag} is not a decimal integer", line)
    return int(text)


def _decimal(text: str, tag: str, line: int) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < 1e9:  # also false for NaN
        raise PlaylistError(f"{tag} is not a number of seconds", line)
    return value


def _byterange(text: str, line: int) -> ByteRange:
    length, at, offset = text.partition("@")
    start = _integer(offset, "EXT-X-BYTERANGE", line) if at else None
    return ByteRange(_integer(length, "EXT-X-BYTERANGE", line), start)


def _datetime(text: str, line: int) -> datetime:
    """ISO 8601; ffmpeg writes ``+0000`` without a colon, which Python 3.11 reads too."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise PlaylistError("EXT-X-PROGRAM-DATE-TIME is not a date", line) from None
