"""A live Matroska stream (RFC 9559): how whole frames get to ffmpeg's standard input. Pure.

Chosen because one container holds H.264, VP8 and Opus, each frame with its own time, and ffmpeg can begin at
any cluster.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

CLUSTER = 1.0
"""Seconds after which a new cluster begins even without a key frame: its blocks count 32 s at most."""
UNKNOWN = b"\x01\xff\xff\xff\xff\xff\xff\xff"
VIDEO, AUDIO = 1, 2
"""Track numbers."""


@dataclass(frozen=True, slots=True)
class Setup:
    """What the head says of the media; empty codec: not there."""

    video: str = ""
    """``h264`` or ``vp8``."""
    size: tuple[int, int] = (0, 0)
    private: bytes = b""
    """H.264's ``avcC``."""
    audio: str = ""
    """``opus``."""


def head(setup: Setup) -> bytes:
    """Everything before the first cluster; times are in milliseconds."""
    versions = (number(0x4286, 1), number(0x42F7, 1), number(0x42F2, 4), number(0x42F3, 8))
    kind = (element(0x4282, b"matroska"), number(0x4287, 4), number(0x4285, 2))
    us = b"live-torrent"
    info = element(0x1549A966, number(0x2AD7B1, 1_000_000), element(0x4D80, us), element(0x5741, us))
    tracks = []
    if setup.video:
        codec = b"V_VP8" if setup.video == "vp8" else b"V_MPEG4/ISO/AVC"
        width, height = setup.size
        picture = element(0xE0, number(0xB0, width or 16), number(0xBA, height or 16))
        tracks.append(_track(VIDEO, codec, setup.private, picture))
    if setup.audio:
        # RFC 7845 §5.1: two channels, nothing to skip, 48 kHz.
        private = b"OpusHead" + struct.pack("<BBHLhB", 1, 2, 0, 48000, 0, 0)
        sound = element(0xE1, element(0xB5, struct.pack("!d", 48000.0)), number(0x9F, 2))
        tracks.append(_track(AUDIO, b"A_OPUS", private, sound))
    segment = b"\x18\x53\x80\x67" + UNKNOWN
    return element(0x1A45DFA3, *versions, *kind) + segment + info + element(0x1654AE6B, *tracks)


def _track(ident: int, codec: bytes, private: bytes, more: bytes) -> bytes:
    known = element(0x63A2, private) if private else b""
    numbers = (number(0xD7, ident), number(0x73C5, ident), number(0x83, ident), number(0x9C, 0))
    return element(0xAE, *numbers, element(0x86, codec), known, more)


class Clusters:
    """Frames → the bytes behind the head."""

    def __init__(self, *, video: bool) -> None:
        self._video = video
        self._start: int | None = None

    def add(self, track: int, seconds: float, data: bytes, key: bool) -> tuple[bytes, bool]:
        """The bytes, and whether a new ffmpeg can begin with them."""
        at = round(seconds * 1000)
        entry = key and (track == VIDEO or not self._video)
        before, start = b"", self._start
        if start is None or (track == VIDEO and entry) or not -1000 < at - start < CLUSTER * 1000:
            before = b"\x1f\x43\xb6\x75" + UNKNOWN + number(0xE7, at)
            start = self._start = at
        else:
            entry = False
        block = struct.pack("!BhB", 0x80 | track, at - start, 0x80 if key else 0) + data
        return before + element(0xA3, block), entry


def element(name: int, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return name.to_bytes((name.bit_length() + 7) // 8, "big") + _size(len(body)) + body


def _size(size: int) -> bytes:
    for length in range(1, 9):
        if size < (1 << 7 * length) - 1:
            return (size | 1 << 7 * length).to_bytes(length, "big")
    raise ValueError("too large for EBML")


def number(name: int, value: int) -> bytes:
    return element(name, value.to_bytes(max(1, (value.bit_length() + 7) // 8), "big"))
