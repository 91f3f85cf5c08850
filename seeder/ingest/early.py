"""Sound that lies in a fragment before the key frame which begins it: split off. Pure.

ffmpeg flushes a fragment at a key frame only if the fragment holds pictures. Where sound has just ended one
(its 100 ms were over first), up to a frame's time of sound that belongs before the key frame shares its
fragment (ISO/IEC 14496-12 §8.8). Which variants that happens to depends on their frame rates, so each is cut
by time here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from seeder.ingest.moov import Track, boxes, child, integer

HAS_OFFSET, HAS_FIRST_FLAGS, HAS_DURATION, HAS_SIZE = 0x1, 0x4, 0x100, 0x200  # of trun, §8.8.8
ROW_FIELDS = (0x100, 0x200, 0x400, 0x800)  # of each sample, four bytes each
BASE, DESCRIPTION, DURATION, SIZE = 0x1, 0x2, 0x8, 0x10  # of tfhd, §8.8.7
MOST_ALIKE = 1000  # samples without a row each: a number in a box is not believed without bound


@dataclass(frozen=True, slots=True)
class _Traf:
    """One track's part of a fragment, in a single trun."""

    track_id: int
    tfhd: bytes
    tfdt: bytes
    trun: bytes
    start: int
    """Decode time of its first sample, in ticks."""
    durations: tuple[int, ...]
    sizes: tuple[int, ...]
    offset: int
    """Of its data, from the start of the moof."""

    def box(self, first: int, last: int, ticks: int, offset: int) -> bytes:
        """As it is with the samples from ``first`` to before ``last`` alone."""
        has = integer(self.trun[1:4])
        at = 16 if has & HAS_FIRST_FLAGS else 12
        row = 4 * sum(1 for field in ROW_FIELDS if has & field)
        count, there = (last - first).to_bytes(4, "big"), offset.to_bytes(4, "big", signed=True)
        rows = self.trun[at + row * first : at + row * last]
        trun = self.trun[:4] + count + there + self.trun[12:at] + rows
        width = 8 if self.tfdt[0] == 1 else 4
        tfdt = self.tfdt[:4] + ticks.to_bytes(width, "big")
        return _box(b"traf", _box(b"tfhd", self.tfhd) + _box(b"tfdt", tfdt) + _box(b"trun", trun))


def _box(name: bytes, payload: bytes) -> bytes:
    return (8 + len(payload)).to_bytes(4, "big") + name + payload


def parted(moof: bytes, mdat: bytes, tracks: Sequence[Track], lead: Track) -> tuple[bytes, bytes] | None:
    """(sound before the first lead sample, the rest), each a moof and its mdat; None where nothing lies
    before, or where the fragment is made otherwise than ffmpeg makes them."""
    if integer(moof[:4]) == 1 or integer(mdat[:4]) == 1:
        return None
    names = [name for name, _ in boxes(moof[8:])]
    if names != ["mfhd", "traf", "traf"]:
        return None
    known = {track.track_id: track for track in tracks}
    parts = [_traf(payload, known) for name, payload in boxes(moof[8:]) if name == "traf"]
    if any(part is None for part in parts):
        return None
    pictures = next((part for part in parts if part and part.track_id == lead.track_id), None)
    sound = next((part for part in parts if part and part.track_id != lead.track_id), None)
    if pictures is None or sound is None or not pictures.sizes:
        return None
    # What is before is found without rounding, as the muxer does it that interleaves.
    scale, limit = lead.timescale, pictures.start * known[sound.track_id].timescale
    count, ticks = 0, sound.start
    while count < len(sound.sizes) and ticks * scale < limit:
        ticks += sound.durations[count]
        count += 1
    if count == 0:
        return None
    whole = moof + mdat
    early = whole[sound.offset : sound.offset + sum(sound.sizes[:count])]
    late = whole[sound.offset + len(early) : sound.offset + sum(sound.sizes)]
    shown = whole[pictures.offset : pictures.offset + sum(pictures.sizes)]
    mfhd = _box(b"mfhd", child(moof[8:], "mfhd"))
    first = _fragment(mfhd, [(sound, 0, count, sound.start, early)])
    rest = [(pictures, 0, len(pictures.sizes), pictures.start, shown)]
    if late:
        rest.append((sound, count, len(sound.sizes), ticks, late))
    return first, _fragment(mfhd, rest)


def _fragment(mfhd: bytes, parts: Sequence[tuple[_Traf, int, int, int, bytes]]) -> bytes:
    def moof(offset: int) -> bytes:
        out = mfhd
        for traf, first, last, ticks, data in parts:
            out += traf.box(first, last, ticks, offset)
            offset += len(data)
        return _box(b"moof", out)

    return moof(len(moof(0)) + 8) + _box(b"mdat", b"".join(data for *_, data in parts))


def _traf(payload: bytes, known: dict[int, Track]) -> _Traf | None:
    inside = list(boxes(payload))
    if [name for name, _ in inside] != ["tfhd", "tfdt", "trun"]:
        return None
    tfhd, tfdt, trun = (data for _, data in inside)
    track, has, flags = known.get(integer(tfhd[4:8])), integer(trun[1:4]), integer(tfhd[1:4])
    complete = len(tfdt) == (12 if tfdt[:1] == b"\1" else 8)
    if track is None or not has & HAS_OFFSET or flags & BASE or not complete or len(trun) < 12:
        return None
    duration, size, at = track.default_duration, track.default_size, 12 if flags & DESCRIPTION else 8
    if flags & DURATION:
        duration, at = integer(tfhd[at : at + 4]), at + 4
    if flags & SIZE:
        size = integer(tfhd[at : at + 4])
    count, at = integer(trun[4:8]), 16 if has & HAS_FIRST_FLAGS else 12
    row = 4 * sum(1 for field in ROW_FIELDS if has & field)
    if row * count != len(trun) - at or (row == 0 and count > MOST_ALIKE):
        return None

    def column(field: int, default: int) -> tuple[int, ...]:
        if not has & field:
            return (default,) * count
        start = at + (4 if field == HAS_SIZE and has & HAS_DURATION else 0)
        return tuple(integer(trun[i : i + 4]) for i in range(start, len(trun), row))

    start = integer(tfdt[4:])
    return _Traf(
        track.track_id, tfhd, tfdt, trun, start, column(HAS_DURATION, duration), column(HAS_SIZE, size),
        int.from_bytes(trun[8:12], "big", signed=True),
    )  # fmt: skip
