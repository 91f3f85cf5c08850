"""Whole coded pictures and sounds from RTP payloads: H.264 (RFC 6184), VP8 (RFC 7741), Opus (RFC 7587). Pure.

Nothing is decoded: bytes are put together, and of a key frame's first few the size is read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from seeder.publish.whip.packets import Packet

MOST = 8 << 20
"""Bytes of one picture: a key frame of 4K has one or two MiB."""


@dataclass(frozen=True, slots=True)
class Frame:
    timestamp: int
    """RTP's, 32 bits."""
    data: bytes
    """As Matroska holds it: H.264 with lengths of four bytes in front of its units."""
    key: bool
    setup: bytes = b""
    """What a decoder must know before: H.264's ``avcC``; with key frames only."""
    size: tuple[int, int] = (0, 0)
    """Of VP8's key frames; H.264's stands in its setup."""


class Assembler(Protocol):
    def add(self, packet: Packet | None) -> Frame | None:
        """The next packet in order; ``None``: some are lost."""

    @property
    def broken(self) -> bool:
        """Nothing more comes out before a key frame."""


class Opus:
    broken = False

    def add(self, packet: Packet | None) -> Frame | None:
        if packet is None or not packet.payload:
            return None
        return Frame(packet.timestamp, packet.payload, True)


class _Pictures:
    """What both codecs have in common: pieces until the marker, and nothing behind a loss but a key frame."""

    def __init__(self) -> None:
        self.broken = True
        self._timestamp: int | None = None
        self._pieces: list[bytes] = []
        self._size = 0
        self._whole = True

    def add(self, packet: Packet | None) -> Frame | None:
        if packet is None:
            self._lose()
            return None
        if not packet.payload:
            return None
        if self._timestamp is not None and packet.timestamp != self._timestamp:
            self._lose()  # the picture's end never came
        if self._timestamp is None:
            self._timestamp = packet.timestamp
        if self._size > MOST or not self._put(packet.payload):
            self._whole = False
        if not packet.marker:
            return None
        frame = self._finish(packet.timestamp) if self._whole and self._pieces else None
        if frame is None:
            self.broken = True
        elif frame.key:
            self.broken = False
        self._clear()
        return None if self.broken else frame

    def _lose(self) -> None:
        self.broken = True
        self._clear()
        self._whole = True

    def _clear(self) -> None:
        self._timestamp, self._pieces, self._size, self._whole = None, [], 0, True

    def _append(self, *pieces: bytes) -> None:
        self._pieces += pieces
        self._size += sum(map(len, pieces))

    def _put(self, payload: bytes) -> bool:
        raise NotImplementedError

    def _finish(self, timestamp: int) -> Frame | None:
        raise NotImplementedError


class Vp8(_Pictures):
    def _put(self, payload: bytes) -> bool:
        first, at = payload[0], 1
        if first & 0x80:  # the descriptor goes on (§4.2)
            if len(payload) < 2:
                return False
            more, at = payload[1], 2
            if more & 0x80:
                at += 2 if len(payload) > at and payload[at] & 0x80 else 1
            if more & 0x40:
                at += 1
            if more & 0x30:
                at += 1
        begins = bool(first & 0x10) and not first & 7
        if at >= len(payload) or (begins == bool(self._pieces) and not first & 7):
            return False
        self._append(payload[at:])
        return True

    def _finish(self, timestamp: int) -> Frame | None:
        data = b"".join(self._pieces)
        if data[0] & 1:
            return Frame(timestamp, data, False)
        if len(data) < 10 or data[3:6] != b"\x9d\x01\x2a":  # RFC 6386 §9.1
            return None
        size = (data[6] | data[7] << 8) & 0x3FFF, (data[8] | data[9] << 8) & 0x3FFF
        return Frame(timestamp, data, True, size=size)


class H264(_Pictures):
    def __init__(self) -> None:
        super().__init__()
        self._units: list[bytes] = []
        self._fragment: list[bytes] = []
        self._sps = self._pps = b""

    def _clear(self) -> None:
        super()._clear()
        self._units, self._fragment = [], []

    def _put(self, payload: bytes) -> bool:
        kind = payload[0] & 31
        if 1 <= kind <= 23:
            return self._unit(payload)
        if kind == 24:  # several in one packet (§5.7.1)
            at = 1
            while at + 2 <= len(payload):
                size = int.from_bytes(payload[at : at + 2], "big")
                at += 2
                if not size or at + size > len(payload) or not self._unit(payload[at : at + size]):
                    return False
                at += size
            return True
        if kind == 28 and len(payload) > 2:  # one in several packets (§5.8)
            head = payload[1]
            if head & 0x80:
                self._fragment = [bytes((payload[0] & 0xE0 | head & 31,))]
            elif not self._fragment:
                return False
            self._fragment.append(payload[2:])
            self._size += len(payload)
            if head & 0x40:
                unit, self._fragment = b"".join(self._fragment), []
                return self._unit(unit)
            return True
        return False

    def _unit(self, unit: bytes) -> bool:
        kind = unit[0] & 31
        if kind == 7 and len(unit) >= 4:
            self._sps = unit
        elif kind == 8:
            self._pps = unit
        self._units.append(unit)
        self._append(len(unit).to_bytes(4, "big"), unit)
        return True

    def _finish(self, timestamp: int) -> Frame | None:
        kinds = {unit[0] & 31 for unit in self._units}
        if 5 not in kinds:
            # Parameter sets by themselves, as some send them ahead, are no picture and no loss.
            return Frame(timestamp, b"".join(self._pieces), False) if 1 in kinds else self._ahead(timestamp)
        if not self._sps or not self._pps:
            return None
        setup = b"".join((
            b"\x01", self._sps[1:4], b"\xff\xe1", len(self._sps).to_bytes(2, "big"), self._sps,
            b"\x01", len(self._pps).to_bytes(2, "big"), self._pps,
        ))  # fmt: skip
        return Frame(timestamp, b"".join(self._pieces), True, setup)

    def _ahead(self, timestamp: int) -> Frame | None:
        return None if self.broken else Frame(timestamp, b"", False)


def assembler(codec: str) -> Assembler:
    if codec == "opus":
        return Opus()
    return H264() if codec == "h264" else Vp8()
