"""Matroska (RFC 9559) for ffmpeg's standard input: it holds every codec that recorders write. Pure."""

from __future__ import annotations

import struct

from seeder.publish.browser.frames import VIDEO, Kind, Track
from seeder.publish.whip.matroska import UNKNOWN, element, number

TICK = 100
"""µs: frames of AAC, which is copied, keep their distance to a five thousandth."""
CLUSTER = 1_000_000
"""µs after which a new cluster begins even without a key frame: its blocks count 3.2 s at most."""
NUMBERS: dict[Kind, int] = {"video": 1, "audio": 2}


def head(tracks: list[Track]) -> bytes:
    """Everything before the first cluster."""
    versions = (number(0x4286, 1), number(0x42F7, 1), number(0x42F2, 4), number(0x42F3, 8))
    kind = (element(0x4282, b"matroska"), number(0x4287, 4), number(0x4285, 2))
    us = b"live-torrent"
    info = element(0x1549A966, number(0x2AD7B1, TICK * 1000), element(0x4D80, us), element(0x5741, us))
    segment = b"\x18\x53\x80\x67" + UNKNOWN
    entries = (_track(track) for track in tracks)
    return element(0x1A45DFA3, *versions, *kind) + segment + info + element(0x1654AE6B, *entries)


def _track(track: Track) -> bytes:
    ident = NUMBERS[track.kind]
    if track.kind == VIDEO:
        width, height = track.size
        more = element(0xE0, number(0xB0, width or 16), number(0xBA, height or 16))
    else:
        bits = number(0x6264, track.bits) if track.bits else b""
        more = element(0xE1, element(0xB5, struct.pack("!d", track.rate)), number(0x9F, track.channels), bits)
    private = element(0x63A2, track.private) if track.private else b""
    return element(
        0xAE, number(0xD7, ident), number(0x73C5, ident), number(0x83, ident), number(0x9C, 0),
        element(0x86, track.codec.encode("latin-1")), private, more,
    )  # fmt: skip


class Clusters:
    """Frames → the bytes behind the head."""

    def __init__(self) -> None:
        self._start: int | None = None  # ticks

    def add(self, kind: Kind, time: int, data: bytes, key: bool, entry: bool) -> bytes:
        """``time`` in µs, from 0 on; an ``entry`` begins a cluster, from which a new ffmpeg can start."""
        at = max(0, round(time / TICK))
        before, start = b"", self._start
        if start is None or entry or not -10_000 < at - start < CLUSTER // TICK:
            before = b"\x1f\x43\xb6\x75" + UNKNOWN + number(0xE7, at)
            start = self._start = at
        block = struct.pack("!BhB", 0x80 | NUMBERS[kind], at - start, 0x80 if key else 0) + data
        return before + element(0xA3, block)
