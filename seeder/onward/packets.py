"""MPEG-TS (ISO/IEC 13818-1 §2.4.3) as ffmpeg's muxer writes it: cut where a player can begin. Pure."""

from __future__ import annotations

from dataclasses import dataclass

PACKET = 188
SYNC = 0x47
TICKS = 90_000
"""A second of PTS and DTS."""
WRAP = 1 << 33
"""They count modulo this: 26.5 hours."""
NO_PID = 0x2000


@dataclass(frozen=True, slots=True)
class Chunk:
    """Whole packets."""

    data: bytes
    entry: bool
    """A player can begin with it: a key frame is first (without video any frame)."""
    time: float
    """Seconds: the highest presentation time so far; does not wrap."""
    tables: bytes = b""
    """PAT and PMT, which a player that begins here needs before it; of entries only."""


class Packets:
    """Bytes in as they come, chunks out."""

    def __init__(self) -> None:
        self._held = b""
        self._pat = b""
        self._pmt = b""
        self._pmt_pid = NO_PID
        self._clock_pid = NO_PID  # of the PCR, which goes with the picture where there is one
        self._ticks = 0
        """The highest PTS, unwrapped."""
        self._begun = False

    @property
    def time(self) -> float:
        """Seconds: the highest presentation time so far."""
        return self._ticks / TICKS

    def begin(self, seconds: float) -> None:
        """Another run begins, with time stamps from about there; what the last one left is no packet."""
        self._held = b""
        self._ticks = max(self._ticks, round(seconds * TICKS))
        self._pmt_pid = self._clock_pid = NO_PID

    def feed(self, data: bytes) -> list[Chunk]:
        """The chunks that ``data`` completes. Raises ValueError when it is no MPEG-TS."""
        data = self._held + data
        whole = len(data) - len(data) % PACKET
        self._held = data[whole:]
        chunks: list[Chunk] = []
        start, entry, tables = 0, False, b""
        for at in range(0, whole, PACKET):
            if data[at] != SYNC:
                raise ValueError("not a packet of MPEG-TS")
            if not data[at + 1] & 0x40:  # no payload unit starts in it
                continue
            pid = (data[at + 1] & 0x1F) << 8 | data[at + 2]
            if pid == 0:
                self._pat = data[at : at + PACKET]
                self._pmt_pid = _pid(self._pat, 10)
            elif pid == self._pmt_pid:
                self._pmt = data[at : at + PACKET]
                self._clock_pid = _pid(self._pmt, 8)
            else:
                if pid == self._clock_pid and _random_access(data, at):
                    if at > start:
                        chunks.append(Chunk(data[start:at], entry, self.time, tables))
                    start, entry, tables = at, True, self._pat + self._pmt
                self._note(data, at)
        if whole > start:
            chunks.append(Chunk(data[start:whole], entry, self.time, tables))
        return chunks

    def _note(self, data: bytes, at: int) -> None:
        pts = _pts(data, at)
        if pts is None:
            return
        # The nearest to what we know: reordered pictures go back a little, 33 bits wrap.
        ahead = (pts - self._ticks + WRAP // 2) % WRAP - WRAP // 2
        self._ticks = max(self._ticks, self._ticks + ahead)


def _payload(data: bytes, at: int) -> int:
    """Where it begins; at the packet's end where there is none."""
    control = data[at + 3] & 0x30
    if not control & 0x10:
        return at + PACKET
    return at + 4 + (1 + data[at + 4] if control & 0x20 else 0)


def _random_access(data: bytes, at: int) -> bool:
    return bool(data[at + 3] & 0x20 and data[at + 4] and data[at + 5] & 0x40)


def _pid(table: bytes, offset: int) -> int:
    """13 bits, ``offset`` bytes into the section; :data:`NO_PID` when the packet is too short for it."""
    payload = _payload(table, 0)
    if payload >= PACKET:
        return NO_PID
    begin = payload + 1 + table[payload] + offset
    return (table[begin] & 0x1F) << 8 | table[begin + 1] if begin + 1 < PACKET else NO_PID


def _pts(data: bytes, at: int) -> int | None:
    """Of the PES packet that starts in the packet at ``at``."""
    payload = _payload(data, at)
    if payload + 14 > at + PACKET or data[payload : payload + 3] != b"\0\0\1" or not data[payload + 7] & 0x80:
        return None
    field = data[payload + 9 : payload + 14]
    return (field[0] >> 1 & 7) << 30 | field[1] << 22 | (field[2] >> 1) << 15 | field[3] << 7 | field[4] >> 1
