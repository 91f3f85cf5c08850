"""What the elements of a WebM say (RFC 8794, RFC 9559): its tracks, when its blocks are shown, and where
bytes are missing. No media is decoded. Pure, but for the reading that its caller lends.

A browser's recorder writes without an end in sight: sizes of Segment and Cluster are unknown, there is no
duration and no index. So elements are read one after the other, and what is no element of WebM is a gap, up
to the next thing that looks like a cluster.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median

EBML, SEGMENT, INFO, TRACKS, CLUSTER = 0x1A45DFA3, 0x18538067, 0x1549A966, 0x1654AE6B, 0x1F43B675
TIME, SIMPLE, GROUP, BLOCK = 0xE7, 0xA3, 0xA0, 0xA1
ENTERED = {SEGMENT, CLUSTER, GROUP}
"""Elements whose inside is read; all others are stepped over as a whole."""
KNOWN = ENTERED | {
    *(EBML, INFO, TRACKS, TIME, SIMPLE, BLOCK),
    *(0x114D9B74, 0x1C53BB6B, 0x1254C367, 0x1043A770, 0x1941A469),  # SeekHead, Cues, Tags, Chapters, files
    *(0xEC, 0xBF, 0xA7, 0xAB, 0xAF, 0x5854),  # Void, CRC-32; of a cluster
    *(0x9B, 0xFA, 0xFB, 0xFD, 0xA4, 0x75A1, 0x75A2),  # of a block group
}
LARGEST_HEAD = 8 << 20
"""Bytes of what stands before the first cluster: codec data, and pictures that somebody attached."""
LARGEST_BLOCK = 64 << 20
"""Bytes: a key frame of 8K video takes some megabytes; more is a damaged length."""
WINDOW = 256 << 10
"""Bytes read at once: some hundred blocks of sound, or a second of pictures."""
JUMP = 1.0
"""Seconds between two blocks where two chunks meet, from which on something is taken to be missing there."""
USUAL_FRAME = 1 / 30
"""Seconds that a picture lasts, where there are not two to tell."""

Read = Callable[[int, int], bytes]
"""(position, at most so many bytes) → what is there."""


@dataclass(frozen=True, slots=True)
class Track:
    number: int
    video: bool
    codec: str
    """``V_VP9``, ``A_OPUS``, …"""
    private: bytes = b""
    size: tuple[int, int] = (0, 0)
    """Of the picture, pixels."""

    @property
    def kind(self) -> tuple[bool, str, bytes, tuple[int, int]]:
        """What must be the same for two of them to be one."""
        return self.video, self.codec, self.private, self.size


@dataclass(slots=True)
class Times:
    """Of one track's blocks, in seconds."""

    first: float = 0.0
    last: float = 0.0
    lasts: float | None = None
    """The newest block's own length, where its bytes tell."""
    steps: list[float] = field(default_factory=list)
    """Between blocks; the first thousand say what is usual."""

    def add(self, at: float, lasts: float | None) -> None:
        if len(self.steps) < 1000 and at > self.last:
            self.steps.append(at - self.last)
        self.last, self.lasts = max(at, self.last), lasts

    @property
    def end(self) -> float:
        if self.lasts is not None:
            return self.last + self.lasts
        return self.last + (median(self.steps) if self.steps else USUAL_FRAME)


@dataclass(slots=True)
class Piece:
    """A part without a gap: from the beginning of a cluster (or of the file) to the end of a block."""

    start: int
    """Bytes."""
    end: int
    tracks: dict[int, Times] = field(default_factory=dict)
    blocks: int = 0

    @property
    def first(self) -> float:
        return min(times.first for times in self.tracks.values())

    @property
    def last(self) -> float:
        """When all that is in it has been shown."""
        return max(times.end for times in self.tracks.values())

    @property
    def seconds(self) -> float:
        return self.last - self.first if self.tracks else 0.0


@dataclass(slots=True)
class Scan:
    head: bytes = b""
    """What every reader needs first; empty where there is none."""
    tracks: tuple[Track, ...] = ()
    pieces: list[Piece] = field(default_factory=list)
    """Those with media in them, in order."""
    gaps: list[tuple[int, int]] = field(default_factory=list)
    """Bytes between which something is missing or damaged, as far as its elements tell."""


def has_head(data: bytes) -> bool:
    """``data`` begins as a WebM does."""
    return data[:4] == EBML.to_bytes(4, "big")


def scan(read: Read, size: int, seams: tuple[tuple[int, bool], ...] = ()) -> Scan:
    """``size``: bytes in all. ``seams``: where two chunks meet, and whether one is known to be missing there,
    in order of their positions."""
    return _Scanner(read, size, seams).run()


class _Scanner:
    def __init__(self, read: Read, size: int, seams: tuple[tuple[int, bool], ...]) -> None:
        self._read = read
        self._size = size
        self._seams = list(seams)
        self._window = b""
        self._at = 0  # of the window
        self._found = Scan()
        self._tick = 0.001  # seconds
        self._cluster = 0.0
        self._piece: Piece | None = None
        self._latest: tuple[int, int, float] | None = None  # the last block, its payload: bytes; its time

    def run(self) -> Scan:
        at = 0
        while at < self._size:
            step = self._element(at)
            if step is None:
                at = self._resume(at)
            else:
                at = step
        self._close(self._size)
        return self._found

    def _bytes(self, at: int, count: int) -> bytes:
        """Fewer at the end."""
        if not self._at <= at or at + count > self._at + len(self._window):
            self._window, self._at = self._read(at, max(count, WINDOW)), at
        return self._window[at - self._at : at - self._at + count]

    def _element(self, at: int) -> int | None:
        """Where the next one begins; None: this is none."""
        found = header(self._bytes(at, 12))
        if found is None:
            return None
        name, length, size = found
        if name not in KNOWN:
            return None
        inside = at + length
        if name == CLUSTER and self._piece is None:
            self._piece = Piece(0 if not self._found.pieces and not self._latest else at, at)
        if name in ENTERED:
            return inside
        if size is None or size > (LARGEST_BLOCK if name in (SIMPLE, BLOCK) else self._size):
            return None
        if inside + size > self._size:
            return None
        if name in (SIMPLE, BLOCK):
            return inside + size if self._block(at, inside, size) else None
        if name == TIME:
            self._cluster = int.from_bytes(self._bytes(inside, min(size, 8)), "big") * self._tick
        elif name == INFO and size <= LARGEST_HEAD:
            self._tick = _tick(self._bytes(inside, size))
        elif name == TRACKS and size <= LARGEST_HEAD and not self._found.tracks:
            self._found.tracks = _tracks(self._bytes(inside, size))
            if inside + size <= LARGEST_HEAD:
                self._found.head = self._read(0, inside + size)
        return inside + size

    def _block(self, at: int, inside: int, size: int) -> bool:
        piece, data = self._piece, self._bytes(inside, min(size, 16))
        number = _vint(data, 0)
        if piece is None or number is None or size < number[1] + 3:
            return False
        track = next((track for track in self._found.tracks if track.number == number[0]), None)
        if track is None:
            return False
        rest = data[number[1] :]
        time = self._cluster + int.from_bytes(rest[:2], "big", signed=True) * self._tick
        while self._seams and self._seams[0][0] <= at:
            _, missing = self._seams.pop(0)
            if missing or (self._latest is not None and abs(time - self._latest[2]) > JUMP):
                self._latest = None  # that block was whole
                return False
        lasts = opus_seconds(rest[3:]) if track.codec == "A_OPUS" and not rest[2] & 0x06 else None
        piece.tracks.setdefault(track.number, Times(time, time)).add(time, lasts)
        piece.blocks += 1
        self._latest = (at, inside, time)
        return True

    def _resume(self, at: int) -> int:
        """Behind what is damaged: at the next cluster, or the end. What the last block took for its own may
        hold it: where bytes were lost, its length counts on into what came after."""
        end, place = (at, at + 1) if self._latest is None else self._latest[:2]
        self._found.gaps.append((end, at))
        self._close(end)
        self._latest = None
        mark, window = CLUSTER.to_bytes(4, "big"), WINDOW
        while place < self._size:
            data = self._read(place, window)
            if not data:
                break
            near = data.find(mark)
            while near >= 0:
                if self._begins(place + near):
                    return place + near
                near = data.find(mark, near + 1)
            place += max(1, len(data) - len(mark) + 1)
        return self._size

    def _begins(self, at: int) -> bool:
        """A cluster does, and not four bytes of a picture that look like one."""
        data = self._read(at, 32)
        cluster = header(data)
        inside = None if cluster is None else header(data[cluster[1] :])
        return inside is not None and inside[0] in (TIME, 0xAB, 0xA7, 0xBF, 0xEC)

    def _close(self, end: int) -> None:
        piece, self._piece = self._piece, None
        if piece is not None and end > piece.start and piece.blocks > 1:
            piece.end = end
            self._found.pieces.append(piece)


def header(data: bytes) -> tuple[int, int, int | None] | None:
    """(ID, bytes of this header, bytes of the content or None for unknown) of the element at the beginning of
    ``data``; None: there is none."""
    if not data or data[0] < 0x10:
        return None
    width = 9 - data[0].bit_length()
    size = _vint(data, width)
    if size is None:
        return None
    unknown = size[0] == (1 << 7 * size[1]) - 1
    return int.from_bytes(data[:width], "big"), width + size[1], None if unknown else size[0]


def _vint(data: bytes, at: int) -> tuple[int, int] | None:
    """(value, bytes)."""
    if at >= len(data) or not data[at]:
        return None
    width = 9 - data[at].bit_length()
    if at + width > len(data):
        return None
    return int.from_bytes(data[at : at + width], "big") & (1 << 7 * width) - 1, width


def _children(data: bytes) -> list[tuple[int, bytes]]:
    """Of an element of known size; up to what is none."""
    found, at = [], 0
    while (one := header(data[at : at + 12])) is not None and one[2] is not None:
        start = at + one[1]
        at = start + one[2]
        if at > len(data):
            break
        found.append((one[0], data[start:at]))
    return found


def _tick(info: bytes) -> float:
    """Seconds of a time stamp's unit."""
    scale = next((value for name, value in _children(info) if name == 0x2AD7B1), b"")
    return (int.from_bytes(scale[:8], "big") or 1_000_000) / 1e9


def _tracks(data: bytes) -> tuple[Track, ...]:
    found = []
    for name, entry in _children(data):
        inside = dict(_children(entry)) if name == 0xAE else {}
        kind = int.from_bytes(inside.get(0x83, b"")[:8], "big")
        if kind not in (1, 2):
            continue
        picture = dict(_children(inside.get(0xE0, b"")))
        width, height = (int.from_bytes(picture.get(name, b"")[:8], "big") for name in (0xB0, 0xBA))
        codec = inside.get(0x86, b"").rstrip(b"\0").decode("latin-1")
        number = int.from_bytes(inside.get(0xD7, b"")[:8], "big")
        found.append(Track(number, kind == 1, codec, inside.get(0x63A2, b""), (width, height)))
    return tuple(found)


def opus_seconds(packet: bytes) -> float | None:
    """What a packet of Opus lasts (RFC 6716 §3.1)."""
    if not packet:
        return None
    config, code = packet[0] >> 3, packet[0] & 3
    if config < 12:
        frame = (10, 20, 40, 60)[config & 3]
    elif config < 16:
        frame = (10, 20)[config & 1]
    else:
        frame = (2.5, 5, 10, 20)[config & 3]  # type: ignore[assignment]
    if code == 3 and len(packet) < 2:
        return None
    count = (1, 2, 2)[code] if code < 3 else packet[1] & 0x3F
    return count * frame / 1000
