"""WebM and Matroska (RFC 9559) as recorders write them live: header, then clusters without an end. Pure."""

from __future__ import annotations

import struct

from seeder.publish.browser.ebml import Elements, children
from seeder.publish.browser.frames import AUDIO, VIDEO, Event, Frame, Header, Track
from seeder.publish.claim import RefusedError

MOST_HEAD = 1 << 20
"""Bytes before the first cluster: recorders write some hundred."""
MOST_FRAME = 16 << 20
"""Bytes of one frame: a key frame of 4K, hardly compressed."""

_EBML, _SEGMENT, _CLUSTER = 0x1A45DFA3, 0x18538067, 0x1F43B675
_INFO, _TRACKS, _TIMESTAMP = 0x1549A966, 0x1654AE6B, 0xE7
_SIMPLE, _GROUP = 0xA3, 0xA0
_KEPT = {
    _EBML: MOST_HEAD, _INFO: MOST_HEAD, _TRACKS: MOST_HEAD, _TIMESTAMP: 8,
    _SIMPLE: MOST_FRAME, _GROUP: MOST_FRAME,
}  # fmt: skip
MAGIC = b"\x1a\x45\xdf\xa3"


class WebM:
    """One recorder's. A file that begins within another (its EBML header says so) is a new Header."""

    stride = 0
    """µs: frames of all tracks come in the order of their times."""

    def __init__(self) -> None:
        # Ids differ between the levels, so the levels need not be followed: where a cluster of unknown size
        # ends is where the next one begins (RFC 9559 §24.2).
        self._elements = Elements((_SEGMENT, _CLUSTER), _KEPT)
        self._begun = 0  # bytes before the file's
        self._scale = 1_000_000  # ns
        self._numbers: dict[int, Track] | None = None
        self._cluster = 0  # its ticks

    def feed(self, data: bytes) -> list[Event]:
        """What is complete now. Raises :class:`RefusedError`."""
        found: list[Event] = []
        for ident, content in self._elements.feed(data):
            self._take(ident, content, found)
        if self._numbers is None and self._elements.read - self._begun > MOST_HEAD:
            raise RefusedError(f"the WebM's header is longer than {MOST_HEAD >> 20} MiB", 413)
        return found

    def _take(self, ident: int, content: bytes, found: list[Event]) -> None:
        if ident == _EBML:
            self._begun, self._scale, self._numbers = self._elements.position, 1_000_000, None
        elif ident == _INFO:
            scale = next((_number(value) for name, value in children(content) if name == 0x2AD7B1), 0)
            self._scale = scale or 1_000_000
        elif ident == _TRACKS:
            self._numbers = _tracks(content)
            found.append(Header(tuple(self._numbers.values())))
        elif ident == _TIMESTAMP:
            self._cluster = _number(content)
        elif ident == _SIMPLE:
            self._block(content, len(content) > 3 and bool(_flags(content) & 0x80), found)
        elif ident == _GROUP:
            parts = dict(children(content))
            if 0xA1 in parts:
                self._block(parts[0xA1], 0xFB not in parts, found)  # it refers to no other frame

    def _block(self, block: bytes, key: bool, found: list[Event]) -> None:
        """RFC 9559 §10.2."""
        if self._numbers is None:
            raise RefusedError("this is no WebM that we can read: media comes before its tracks", 415)
        number, at = _vint(block)
        if len(block) < at + 3:
            raise RefusedError("this is no WebM that we can read: a block is too short", 415)
        track = self._numbers.get(number)
        if track is None or len(block) == at + 3:
            return
        ticks, flags = struct.unpack_from("!hB", block, at)
        if flags & 0x06:
            raise RefusedError("this WebM has several frames in one block, which no recorder does", 415)
        time = (self._cluster + ticks) * self._scale // 1000
        found.append(Frame(track.kind, time, block[at + 3 :], key or track.kind == AUDIO))


def _flags(block: bytes) -> int:
    at = _vint(block)[1] + 2
    return block[at] if at < len(block) else 0


def _vint(block: bytes) -> tuple[int, int]:
    """A track's number and where it ends: up to 127 tracks in one byte, as everybody has, or in two."""
    if block and block[0] & 0x80:
        return block[0] & 0x7F, 1
    if len(block) > 1 and block[0] & 0x40:
        return (block[0] & 0x3F) << 8 | block[1], 2
    raise RefusedError("this is no WebM that we can read: a block names no track", 415)


def _tracks(content: bytes) -> dict[int, Track]:
    """By number; the first picture and the first sound."""
    found: dict[int, Track] = {}
    for name, entry in children(content):
        if name != 0xAE:
            continue
        parts = dict(children(entry))
        kind = {1: VIDEO, 2: AUDIO}.get(_number(parts.get(0x83, b"")))
        if kind is None or any(track.kind == kind for track in found.values()):
            continue
        if 0x6D80 in parts:
            raise RefusedError("this WebM is encrypted, or compressed once more", 415)
        found[_number(parts.get(0xD7, b""))] = _track(kind == VIDEO, parts)
    return found


def _track(video: bool, parts: dict[int, bytes]) -> Track:
    codec = parts.get(0x86, b"").decode("latin-1").rstrip("\0")
    private = parts.get(0x63A2, b"")
    if video:
        picture = dict(children(parts.get(0xE0, b"")))
        size = _number(picture.get(0xB0, b"")), _number(picture.get(0xBA, b""))
        return Track(VIDEO, codec, private, size)
    sound = dict(children(parts.get(0xE1, b"")))
    rate = _float(sound.get(0xB5, b"")) or 8000.0  # RFC 9559 §5.1.4.1.29.1
    channels = _number(sound.get(0x9F, b"")) or 1
    return Track(AUDIO, codec, private, rate=rate, channels=channels, bits=_number(sound.get(0x6264, b"")))


def _number(data: bytes) -> int:
    return int.from_bytes(data[:8], "big")


def _float(data: bytes) -> float:
    if len(data) not in (4, 8):
        return 0.0
    found = float(struct.unpack("!f" if len(data) == 4 else "!d", data)[0])
    return found if 1 <= found <= 1_000_000 else 0.0  # not NaN either
