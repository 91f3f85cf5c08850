"""Frozen values that travel between the rooms; nothing here acts."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Span:
    """A range of bytes of something longer."""

    start: int
    length: int

    @property
    def stop(self) -> int:
        return self.start + self.length

    def of(self, data: bytes) -> bytes:
        return data[self.start : self.stop]


@dataclass(frozen=True, slots=True)
class Torrent:
    """One segment's metainfo (BEP 3, v1, a single file)."""

    infohash: bytes
    """SHA-1 of ``info``: 20 bytes."""
    info: bytes
    """The bencoded info dictionary, exactly as hashed."""
    name: str
    """The info dictionary's ``name``: the segment's file name, for a byte range of a file with its offset."""
    length: int
    """Bytes of the segment."""
    piece_length: int
    """Bytes of every piece but the last."""


class Kind(StrEnum):
    """What a published path holds."""

    PLAYLIST = "playlist"
    SEGMENT = "segment"
    INIT = "init"
    OTHER = "other"  # keys, subtitles' side files: listed by a playlist, never a torrent


@dataclass(frozen=True, slots=True)
class Resource:
    """One path under ``/live/<stream>/``; only what a playlist lists is one (closed by default)."""

    path: str
    """POSIX path relative to the stream, percent-decoded, never starting with ``/`` or holding ``..``."""
    kind: Kind
    content_type: str
    size: int
    etag: str
    """A strong entity tag with its quotes (RFC 9110 §8.8.3)."""
    data: bytes | None = None
    """The bytes, when held in memory (every live segment is)."""
    file: Path | None = None
    """Else the file they are read from, already resolved beneath the feed."""
    torrent: Torrent | None = None
    """For segments whose torrent is ready."""
    parts: Mapping[Span, Torrent] = field(default_factory=dict)
    """Segments that are byte ranges of it (EXT-X-BYTERANGE), those whose torrents are ready."""
    home: str = ""
    """Else the URL it is fetched from when it is asked for; ``size`` and ``etag`` are then not known."""


@dataclass(frozen=True, slots=True)
class Copy:
    """A resource that has its home elsewhere, or a range of it, as it was fetched just now."""

    data: bytes
    content_type: str
    """Its server's word; may be empty, or anything."""
    etag: str
    total: int | None = None
    """Of a range: bytes of the whole; None: not known."""


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """A segment that others serve."""

    torrent: Torrent
    url: str
    """Absolute: what the playlist lists, and its web seed where the segment is not a byte range of it."""


@dataclass(frozen=True, slots=True)
class Control:
    """What a playlist promises of its server (EXT-X-SERVER-CONTROL, RFC 8216bis §4.4.3.8)."""

    blocks: bool = False
    """A reload that asks for what is not there yet waits for it."""
    skip_until: float = 0.0
    """Seconds from the end: what is older may be skipped; 0: no delta updates."""


@dataclass(frozen=True, slots=True)
class Edge:
    """The end of a playlist whose server understands Delivery Directives (RFC 8216bis §6.2.5)."""

    control: Control
    target_duration: float
    """Seconds."""
    msn: int
    """Of the segment that comes next."""
    parts: int = 0
    """How many of its parts are listed."""
    parts_before: int = 0
    """The same of the segment before it; 0: they are not listed (any more)."""
    part_target: float = 0.0
    """Seconds; 0: there are no parts."""
    removed: tuple[str, ...] = ()
    """IDs of date ranges that were taken out within the last ``skip_until`` seconds."""


@dataclass(frozen=True, slots=True)
class PublishedPlaylist:
    """A media or multivariant playlist as its writer left it, with the torrents to be added."""

    path: str
    """As in :class:`Resource`."""
    text: str
    """The original text; every line of it is served byte for byte."""
    multivariant: bool
    torrents: Mapping[int, Torrent]
    """Index (from 0) of a segment's ``#EXTINF`` line in ``text.splitlines(keepends=True)`` → its torrent."""
    live: bool
    """No EXT-X-ENDLIST (always False for a multivariant playlist)."""
    version: int
    """Grows with every change of text or torrents: a cache key."""
    edge: Edge | None = None
    """Where its server is to understand Delivery Directives; never of one that has ended."""


AWAY_TARGETS = 3
"""Target Durations without a new segment after which a stream is off air: RFC 8216bis §6.2.2 wants one in
1.5, and ffmpeg that is begun again behind a crash needs another."""
AWAY_LEAST = 12.0
"""Seconds, at least: an encoder that lost its connection is back by then."""


@dataclass(frozen=True, slots=True)
class StreamView:
    """One stream as published now: an immutable snapshot, replaced whole on every change."""

    name: str
    """One path component; what stands in ``/live/<name>/``."""
    live: bool
    """Some media playlist has no EXT-X-ENDLIST."""
    playlists: Mapping[str, PublishedPlaylist]
    """By path; ``master.m3u8`` is always among them (made up when its writer wrote none)."""
    resources: Mapping[str, Resource]
    """By path: everything listed that is not a playlist."""
    target_duration: float
    """Seconds; the largest EXT-X-TARGETDURATION, 0 when no media playlist is there yet."""
    segments: int
    """Segments now listed, over all variants."""
    seconds: float = 0.0
    """Listed now, in the longest of its live playlists: so far back one can seek. Of what has ended: in the
    longest of all."""
    elsewhere: Mapping[bytes, Elsewhere] = field(default_factory=dict)
    """By infohash: segments of an attached feed, which stay where they are."""
    changed: float = 0.0
    """Unix seconds at which a playlist last became another one; 0: not known."""

    def on_air(self, now: float) -> bool:
        """It is live, and something new has come lately: an encoder that was stopped, or died, leaves a
        playlist behind that looks live for ever. ``now``: Unix seconds."""
        return self.live and now - self.changed < max(AWAY_LEAST, AWAY_TARGETS * self.target_duration)

    @property
    def rendezvous(self) -> bytes:
        return rendezvous_hash(self.name)


MAX_UPLOAD, MAX_RATIO, MAX_VIEWERS = 1 << 40, 1000, 1_000_000
"""Bounds of :class:`Terms`: to clients a number beyond them counts as not there."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What the operator lets viewers exchange. Written into manifests; a client takes the stricter of this
    and what its page says (``client/policy.js``). The defaults restrict nothing."""

    sharing: str = "on"
    """``on``; ``ask`` the viewer first, until when there is no peer and no announce; ``off``: no peers."""
    max_upload: int | None = None
    """Bytes a second that a viewer uploads at most; 0: nothing. ``None``: the client's own bound."""
    max_ratio: float | None = None
    """Bytes uploaded at most for each byte of media received."""
    min_viewers: int = 1
    """Viewers there must be for links to be made."""
    upload_on_cellular: bool = False
    upload_when_hidden: bool = False
    relay_only: bool = False
    """Viewers reach each other through TURN servers alone, so that none learns another's address."""


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where viewers reach us, as written into manifests and magnets."""

    base: str
    """``http(s)://host[:port][/prefix]`` without a trailing slash; empty: nobody reaches us."""
    tracker: str
    """``ws(s)://…/announce``, ours or the external one."""
    ice: tuple[str, ...] = ()
    """``stun:host[:port]`` URLs, validated."""
    terms: Terms = Terms()
    storage: str = ""
    """URL of a copy of the stream's folder, a second web seed of its segments; empty: there is none."""


def rendezvous_hash(stream: str) -> bytes:
    """The infohash under which a stream's viewers meet at the tracker: 20 bytes, stable for a name."""
    return hashlib.sha1(b"live-torrent rendezvous\0" + stream.encode()).digest()
