"""Fragmented MP4 (ISO/IEC 14496-12 §8.8) as recorders write it: ``ftyp``, ``moov``, then ``moof`` and
``mdat``, over and over. Pure."""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace
from heapq import merge

from seeder.errors import IngestError
from seeder.ingest.moov import boxes, child, integer
from seeder.publish.browser.frames import AUDIO, VIDEO, Event, Frame, Header, Track
from seeder.publish.claim import RefusedError

MOST_HEAD = 1 << 20
"""Bytes of a ``moov`` or ``moof``: recorders write one or two thousand."""
MOST_FRAGMENT = 16 << 20
"""Bytes of an ``mdat``: recorders end one at each key frame, or more often."""
MOST_SAMPLES = 20_000
"""Of one track in a fragment: a minute of sound in frames of 3 ms. A run of samples may be empty of bytes."""
NON_SYNC = 0x0001_0000
_NO = "this is no fragmented MP4 that we can read"

_VIDEO = {
    "avc1": ("V_MPEG4/ISO/AVC", "avcC"), "avc3": ("V_MPEG4/ISO/AVC", "avcC"),
    "hvc1": ("V_MPEGH/ISO/HEVC", "hvcC"), "hev1": ("V_MPEGH/ISO/HEVC", "hvcC"),
    "av01": ("V_AV1", "av1C"), "vp08": ("V_VP8", ""), "vp09": ("V_VP9", ""),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Track:
    track: Track
    scale: int
    """Ticks a second."""
    shift: int = 0
    """Ticks at which its edit list says that it begins."""
    duration: int = 0
    size: int = 0
    flags: int = 0


class Mp4:
    """One recorder's."""

    def __init__(self) -> None:
        self.stride = 0
        """µs: the frames of one track come so long before those of the other."""
        self._data = bytearray()  # at most one box that is kept
        self._skip = 0
        self._tracks: dict[int, _Track] | None = None  # by id
        self._moof = b""

    def feed(self, data: bytes) -> list[Event]:
        """What is complete now. Raises :class:`RefusedError`."""
        if self._skip:
            passed = min(self._skip, len(data))
            self._skip -= passed
            data = data[passed:]
        self._data += data
        found: list[Event] = []
        at = 0
        try:
            while (box := self._box(at)) is not None:
                name, header, size = box
                if name not in ("moov", "moof", "mdat"):
                    self._skip = max(0, at + size - len(self._data))
                    at = min(at + size, len(self._data))
                elif at + size > len(self._data):
                    break
                else:
                    self._take(name, bytes(self._data[at : at + size]), header, found)
                    at += size
        except (IngestError, IndexError, struct.error):
            raise RefusedError(f"{_NO}: a box is broken", 415) from None
        finally:
            del self._data[:at]
        return found

    def _box(self, at: int) -> tuple[str, int, int] | None:
        """Of the box at ``at``: type, length of its header, size; None: they are not there yet."""
        have = len(self._data) - at
        if have < 8:
            return None
        size, header = integer(self._data[at : at + 4]), 8
        name = self._data[at + 4 : at + 8].decode("latin-1")
        if size == 1:
            if have < 16:
                return None
            size, header = integer(self._data[at + 8 : at + 16]), 16
        most = {"mdat": MOST_FRAGMENT, "moof": MOST_HEAD, "moov": MOST_HEAD}.get(name)
        if size < header or (most is None and not name.isprintable()):
            raise RefusedError(f"{_NO}: there is no box where one should be", 415)
        if name == "mdat" and not self._moof:
            raise RefusedError(f"{_NO}: media comes without a moof (not every MP4 is fragmented)", 415)
        if most is not None and size > most:
            raise RefusedError(f"a {name} of the MP4 is longer than {most >> 20} MiB", 413)
        if self._tracks is None and most is None and size > MOST_HEAD:
            raise RefusedError(f"the MP4's header is longer than {MOST_HEAD >> 20} MiB", 413)
        return name, header, size

    def _take(self, name: str, box: bytes, header: int, found: list[Event]) -> None:
        if name == "moov":
            self._tracks = _tracks(box[header:])
            found.append(Header(tuple(one.track for one in self._tracks.values())))
        elif self._tracks is None:
            raise RefusedError(f"{_NO}: media comes before its tracks", 415)
        elif name == "moof":
            self._moof = box
        else:
            moof, self._moof = self._moof, b""
            by_track = [_frames(traf, moof, box, self._tracks) for traf in _trafs(moof)]
            spans = [frames[-1].time - frames[0].time for frames in by_track if frames]
            self.stride = max([self.stride, *spans])
            frames: list[Frame] = list(merge(*by_track, key=_time))
            found += frames


def _time(frame: Frame) -> int:
    return frame.time


def _tracks(moov: bytes) -> dict[int, _Track]:
    """By id; the first picture and the first sound."""
    found: dict[int, _Track] = {}
    for name, trak in boxes(moov):
        if name != "trak":
            continue
        kind = {"vide": VIDEO, "soun": AUDIO}.get(child(trak, "mdia", "hdlr")[8:12].decode("latin-1"))
        if kind is None or any(one.track.kind == kind for one in found.values()):
            continue
        tkhd, mdhd = child(trak, "tkhd"), child(trak, "mdia", "mdhd")
        scale = integer(mdhd[20:24] if mdhd[0] else mdhd[12:16])
        entry = next(boxes(child(trak, "mdia", "minf", "stbl", "stsd")[8:]), ("", b""))
        track = _picture(*entry) if kind == VIDEO else _sound(*entry)
        ident = integer(tkhd[20:24] if tkhd[0] else tkhd[12:16])
        found[ident] = _Track(track, scale or 1, _edited(trak))
    for name, trex in boxes(child(moov, "mvex")):
        if name == "trex" and (one := found.get(integer(trex[4:8]))) is not None:
            duration, size, flags = struct.unpack_from("!LLL", trex, 12)
            found[integer(trex[4:8])] = replace(one, duration=duration, size=size, flags=flags)
    return found


def _edited(trak: bytes) -> int:
    """Media time with which its edit list begins (§8.6.6): encoders with B frames start a little later."""
    for name, edts in boxes(trak):
        if name == "edts":
            elst = child(edts, "elst")
            wide, count = elst[0], integer(elst[4:8])
            entries = elst[8:]
            for _ in range(min(count, 2)):
                time = struct.unpack_from("!qq" if wide else "!Ll", entries)[1]
                if time >= 0:
                    return int(time)
                entries = entries[20 if wide else 12 :]  # an empty edit
    return 0


def _picture(name: str, entry: bytes) -> Track:
    if name not in _VIDEO:
        raise RefusedError(f"pictures as {_shown(name)} in MP4 cannot be used: H.264, HEVC, AV1 or VP9", 415)
    codec, box = _VIDEO[name]
    width, height = struct.unpack_from("!HH", entry, 24)
    return Track(VIDEO, codec, child(entry[78:], box) if box else b"", (width, height))


def _sound(name: str, entry: bytes) -> Track:
    channels = integer(entry[16:18])
    rate = float(integer(entry[24:28]) >> 16) or 48000.0
    if name == "Opus":
        head = child(entry[28:], "dOps")
        # The same fields as in RFC 7845 §5.1, there in the other byte order.
        _, channels, skip, rate_in, gain, family = struct.unpack_from("!BBHLhB", head)
        private = b"OpusHead" + struct.pack("<BBHLhB", 1, channels, skip, rate_in, gain, family) + head[11:]
        return Track(AUDIO, "A_OPUS", private, channels=channels)
    if name == "mp4a" and (config := _audio_config(child(entry[28:], "esds")[4:])):
        return Track(AUDIO, "A_AAC", config, rate=rate, channels=channels)
    raise RefusedError(f"sound as {_shown(name)} in MP4 cannot be used: AAC or Opus", 415)


def _audio_config(data: bytes) -> bytes:
    """The AudioSpecificConfig in an ES descriptor (ISO/IEC 14496-1 §7.2.6.5); empty without one."""
    at = 0
    while at + 2 <= len(data):
        tag, size = data[at], 0
        at += 1
        while at < len(data):
            size = size << 7 | data[at] & 0x7F
            at += 1
            if not data[at - 1] & 0x80:
                break
        if tag == 5:
            return data[at : at + size]
        at += {3: 3, 4: 13}.get(tag, size)  # the head of what holds others
    return b""


def _trafs(moof: bytes) -> list[bytes]:
    return [traf for name, traf in boxes(moof[8:] if integer(moof[:4]) != 1 else moof[16:]) if name == "traf"]


def _frames(traf: bytes, moof: bytes, mdat: bytes, tracks: dict[int, _Track]) -> list[Frame]:
    """Of one track in a fragment (§8.8.7, §8.8.8, §8.8.12)."""
    tfhd = child(traf, "tfhd")
    one = tracks.get(integer(tfhd[4:8]))
    if one is None:
        return []
    has, at = integer(tfhd[1:4]), 8
    if has & 0x1:
        # From the file's beginning, of which who reads a stream knows nothing.
        raise RefusedError(f"{_NO}: its fragments count from the beginning of a file", 415)
    at += 4 if has & 0x2 else 0
    duration, size, flags = one.duration, one.size, one.flags
    if has & 0x8:
        duration, at = integer(tfhd[at : at + 4]), at + 4
    if has & 0x10:
        size, at = integer(tfhd[at : at + 4]), at + 4
    if has & 0x20:
        flags = integer(tfhd[at : at + 4])
    tfdt = child(traf, "tfdt")
    time = integer(tfdt[4:12] if tfdt[0] else tfdt[4:8]) - one.shift
    found: list[Frame] = []
    place = len(moof) + 8  # a run without a place of its own goes on where the last one ended
    for name, trun in boxes(traf):
        if name == "trun":
            time, place = _run(trun, one, (duration, size, flags), time, place, len(moof), mdat, found)
    return found


def _run(
    trun: bytes, one: _Track, usual: tuple[int, int, int], time: int, place: int, before: int,
    mdat: bytes, found: list[Frame],
) -> tuple[int, int]:  # fmt: skip
    has, count, at = integer(trun[1:4]), integer(trun[4:8]), 8
    if len(found) + count > MOST_SAMPLES:
        raise RefusedError(f"a fragment of the MP4 has more than {MOST_SAMPLES} frames", 413)
    if has & 0x1:
        place, at = struct.unpack_from("!l", trun, at)[0], at + 4
    first = None
    if has & 0x4:
        first, at = integer(trun[at : at + 4]), at + 4
    kind = one.track.kind
    for index in range(count):
        duration, size, flags, shown = *usual, 0
        if index == 0 and first is not None:
            flags = first
        if has & 0x100:
            duration, at = struct.unpack_from("!L", trun, at)[0], at + 4
        if has & 0x200:
            size, at = struct.unpack_from("!L", trun, at)[0], at + 4
        if has & 0x400:
            flags, at = struct.unpack_from("!L", trun, at)[0], at + 4
        if has & 0x800:
            shown, at = struct.unpack_from("!l" if trun[0] else "!L", trun, at)[0], at + 4
        start = place - before
        if start < 8 or start + size > len(mdat):
            raise RefusedError(f"{_NO}: a frame is not in its fragment", 415)
        if size:
            key = kind == AUDIO or not flags & NON_SYNC
            begins, later = (ticks * 1_000_000 // one.scale for ticks in (time, shown))
            found.append(Frame(kind, begins, mdat[start : start + size], key, later))
        time += duration
        place += size
    return time, place


def _shown(name: str) -> str:
    return name if name.isascii() and name.isprintable() else "an unknown codec"
