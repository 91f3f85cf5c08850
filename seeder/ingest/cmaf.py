"""Bytes of fragmented MP4 in, init section and fragments out (ISO/IEC 14496-12 §8.8, CMAF). Pure.

It trusts no length: a box larger than :data:`MAX_BOX` or one that overruns its parent is an
:class:`~seeder.errors.IngestError`, never an allocation.
"""

from __future__ import annotations

from dataclasses import dataclass

from seeder.errors import IngestError
from seeder.ingest.early import parted
from seeder.ingest.moov import HEVC, Track, boxes, child, integer, tracks

MAX_BOX = 128 * 1024 * 1024  # 60 s (the longest segment) at 16 Mbit/s; more is a corrupt length
NON_SYNC = 0x0001_0000  # sample_is_non_sync_sample, §8.8.3.1
KEPT = ("styp", "prft", "emsg")  # may precede a moof and belong to its segment; sidx would point nowhere


@dataclass(frozen=True, slots=True)
class InitSection:
    """``ftyp`` and ``moov``: what EXT-X-MAP points at."""

    data: bytes
    tracks: tuple[Track, ...]

    @property
    def lead(self) -> Track:
        """The track that is cut and timed by: the video if there is one."""
        return next((track for track in self.tracks if track.kind == "video"), self.tracks[0])


@dataclass(frozen=True, slots=True)
class Span:
    """When a fragment's lead samples decode, in seconds on the run's media time line."""

    start: float
    end: float
    frames: int


@dataclass(frozen=True, slots=True)
class Fragment:
    """One complete ``moof`` + ``mdat``."""

    data: bytes
    span: Span | None
    """None when it holds no sample of the lead track."""
    sync: bool
    """Its first lead sample is an IDR picture; any audio sample of an audio-only stream."""
    reordered: bool = False
    """Its samples are not decoded in the order of their display: it holds B frames."""


class Splitter:
    """Feed it ffmpeg's output in slices of any size. ``by_time``: all tracks count from the same moment, and
    sound from before a key frame comes out before the fragment that begins with it."""

    def __init__(self, by_time: bool = False) -> None:
        self._by_time = by_time
        self._buffer = bytearray()  # at most one incomplete box: bounded by MAX_BOX
        self._head = bytearray()  # ftyp, or the boxes before a moof; bounded by MAX_BOX in _take
        self._moof = b""
        self._begun = False
        self._init: InitSection | None = None

    @property
    def init(self) -> InitSection | None:
        return self._init

    def feed(self, data: bytes) -> list[InitSection | Fragment]:
        """What became complete with ``data``, in order."""
        self._buffer += data
        events: list[InitSection | Fragment] = []
        at = 0
        while (size := self._box_size(at)) is not None and at + size <= len(self._buffer):
            events += self._take(bytes(self._buffer[at : at + size]))
            at += size
        del self._buffer[:at]
        return events

    def _box_size(self, at: int) -> int | None:
        """Of the box at ``at``; None when its header is not there yet."""
        buffer = self._buffer
        if len(buffer) - at < 8:
            return None
        size, least = integer(buffer[at : at + 4]), 8
        if size == 1:
            if len(buffer) - at < 16:
                return None
            size, least = integer(buffer[at + 8 : at + 16]), 16
        if not least <= size <= MAX_BOX:
            raise IngestError(f"ffmpeg's output is not fragmented MP4: a box of {size} bytes")
        return size

    def _take(self, box: bytes) -> list[InitSection | Fragment]:
        name = box[4:8].decode("latin-1")
        payload = box[16:] if integer(box[:4]) == 1 else box[8:]
        if name == "ftyp" or (name in KEPT and self._init is not None):
            if len(self._head) + len(box) > MAX_BOX:
                raise IngestError("ffmpeg's output is not fragmented MP4: no moof follows")
            self._head += box
        elif name == "moov":
            self._init = InitSection(self._with_head(box), tracks(payload))
            return [self._init]
        elif name == "moof":
            if self._init is None:
                raise IngestError("ffmpeg's output is not fragmented MP4: a fragment before the init section")
            self._moof = box
        elif name == "mdat":
            if self._init is None or not self._moof:
                raise IngestError("ffmpeg's output is not fragmented MP4: media data without a moof")
            moof, self._moof = self._moof, b""
            span, sync, reordered = _read(moof, box, self._init.lead)
            # What comes before the first picture of all has no segment to end in: it stays.
            parts = (
                parted(moof, box, self._init.tracks, self._init.lead)
                if sync and self._begun and self._by_time
                else None
            )
            self._begun = True
            if parts is None:
                return [Fragment(self._with_head(moof + box), span, sync, reordered)]
            early, rest = parts
            return [
                Fragment(self._with_head(early), None, False),
                Fragment(rest, span, sync, reordered),
            ]
        return []  # free, sidx, mfra: nothing a player of HLS needs

    def _with_head(self, data: bytes) -> bytes:
        head, self._head = bytes(self._head), bytearray()
        return head + data


def _read(moof: bytes, mdat: bytes, lead: Track) -> tuple[Span | None, bool, bool]:
    """Time and start of the lead track's samples in a fragment, and whether any has a composition offset."""
    payload = moof[16:] if integer(moof[:4]) == 1 else moof[8:]
    for name, traf in boxes(payload):
        if name == "traf" and integer(child(traf, "tfhd")[4:8]) == lead.track_id:
            return _read_traf(traf, moof, mdat, lead)
    return None, False, False


def _read_traf(traf: bytes, moof: bytes, mdat: bytes, lead: Track) -> tuple[Span | None, bool, bool]:
    tfhd = child(traf, "tfhd")
    has = integer(tfhd[1:4])
    at = 8 + (8 if has & 0x1 else 0) + (4 if has & 0x2 else 0)  # base-data-offset, sample-description-index
    duration, size, flags = lead.default_duration, lead.default_size, lead.default_flags
    if has & 0x8:
        duration, at = integer(tfhd[at : at + 4]), at + 4
    if has & 0x10:
        size, at = integer(tfhd[at : at + 4]), at + 4
    if has & 0x20:
        flags = integer(tfhd[at : at + 4])
    tfdt = child(traf, "tfdt")
    start = integer(tfdt[4:12] if tfdt[0] == 1 else tfdt[4:8])
    ticks = frames = 0
    sync = reordered = False
    for name, trun in boxes(traf):
        if name == "trun":
            run = _read_trun(trun, duration, size, flags)
            if frames == 0 and run.count:
                sync = not run.first_flags & NON_SYNC
                if sync and lead.kind == "video":
                    # An open GOP's I picture may be marked sync; only an IDR makes a segment independent.
                    sync = _is_idr(moof, mdat, run.data_offset, run.first_size, lead)
            ticks += run.ticks
            frames += run.count
            reordered = reordered or bool(integer(trun[1:4]) & 0x800)  # composition offsets are present
    if not frames:
        return None, False, False
    return Span(start / lead.timescale, (start + ticks) / lead.timescale, frames), sync, reordered


@dataclass(frozen=True, slots=True)
class _Run:
    count: int
    ticks: int
    data_offset: int
    """Bytes from the start of the moof (default-base-is-moof)."""
    first_size: int
    first_flags: int


def _read_trun(trun: bytes, duration: int, size: int, flags: int) -> _Run:
    """``duration``, ``size`` and ``flags`` are the defaults of tfhd and trex (§8.8.8)."""
    has, count, at = integer(trun[1:4]), integer(trun[4:8]), 8
    data_offset, first_size, first_flags = 0, size, flags
    if has & 0x1:
        data_offset, at = int.from_bytes(trun[at : at + 4], "big", signed=True), at + 4
    if has & 0x4:
        first_flags, at = integer(trun[at : at + 4]), at + 4
    # Each sample: the fields whose flag is set, four bytes each, in this order.
    fields = [bit for bit in (0x100, 0x200, 0x400, 0x800) if has & bit]
    if at + 4 * len(fields) * count > len(trun):
        raise IngestError("ffmpeg's output is not valid MP4: a trun is shorter than its samples")
    if count and has & 0x200:
        offset = at + 4 * fields.index(0x200)
        first_size = integer(trun[offset : offset + 4])
    if count and has & 0x400 and not has & 0x4:
        offset = at + 4 * fields.index(0x400)
        first_flags = integer(trun[offset : offset + 4])
    ticks = duration * count
    if has & 0x100:  # always the first field of a sample
        step = 4 * len(fields)
        ticks = sum(integer(trun[at + i * step : at + i * step + 4]) for i in range(count))
    return _Run(count, ticks, data_offset, first_size, first_flags)


def _is_idr(moof: bytes, mdat: bytes, offset: int, size: int, lead: Track) -> bool:
    """Whether the sample's first coded slice is of an IDR picture (H.264 §7.4.1.2.4: nal_unit_type 5; H.265
    §7.4.2.2: 19 and 20, of which slices are 0 to 31)."""
    nal_length_size, hevc = lead.nal_length_size, lead.codec.startswith(HEVC)
    at = offset - len(moof)
    end = min(at + size, len(mdat))
    while 0 <= at < end - nal_length_size:
        length = integer(mdat[at : at + nal_length_size])
        kind = mdat[at + nal_length_size]
        if hevc:
            if kind >> 1 & 0x3F < 32:
                return kind >> 1 & 0x3F in (19, 20)
        elif 1 <= kind & 0x1F <= 5:
            return kind & 0x1F == 5
        at += nal_length_size + length
    return False
