"""The init section: its tracks, their time scales and RFC 6381 codec strings (ISO/IEC 14496-12, -15)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from seeder.errors import IngestError

AUDIO_SPECIFIC_CONFIG = 5  # descriptor tags of ISO/IEC 14496-1 §7.2.2.1
DECODER_CONFIG = 4
ES_DESCRIPTOR = 3
HEVC = ("hvc1", "hev1")


@dataclass(frozen=True, slots=True)
class Track:
    """One track as its ``trak`` and ``trex`` boxes describe it."""

    track_id: int
    kind: Literal["video", "audio"]
    timescale: int
    """Ticks per second of its decode times."""
    codec: str
    """RFC 6381, e.g. ``avc1.42c01e`` or ``mp4a.40.2``."""
    width: int = 0
    height: int = 0
    nal_length_size: int = 4
    """Bytes of each NAL unit's length prefix (ISO/IEC 14496-15 §5.3.3.1)."""
    default_duration: int = 0
    default_size: int = 0
    default_flags: int = 0


def integer(data: bytes | bytearray) -> int:
    return int.from_bytes(data, "big")


def boxes(data: bytes) -> Iterator[tuple[str, bytes]]:
    """The (type, payload) of each box in ``data``; raises :class:`IngestError` where one overruns."""
    at = 0
    while at + 8 <= len(data):
        size, header = integer(data[at : at + 4]), 8
        if size == 1:
            size, header = integer(data[at + 8 : at + 16]), 16
        if size < header or at + size > len(data):
            raise IngestError("ffmpeg's output is not valid MP4: a box overruns its parent")
        yield data[at + 4 : at + 8].decode("latin-1"), data[at + header : at + size]
        at += size


def child(data: bytes, *path: str) -> bytes:
    """The payload of the first box along ``path``; raises :class:`IngestError` when there is none."""
    for name in path:
        for found, payload in boxes(data):
            if found == name:
                data = payload
                break
        else:
            raise IngestError(f"ffmpeg's output is not valid MP4: no {name} box")
    return data


def tracks(moov: bytes) -> tuple[Track, ...]:
    """The audio and video tracks of a ``moov`` payload, in its order."""
    found = [track for name, trak in boxes(moov) if name == "trak" and (track := _track(trak)) is not None]
    if not found:
        raise IngestError("ffmpeg's output holds neither a video nor an audio track")
    defaults = {
        integer(trex[4:8]): (integer(trex[12:16]), integer(trex[16:20]), integer(trex[20:24]))
        for name, trex in boxes(child(moov, "mvex"))
        if name == "trex"
    }
    out = []
    for track in found:
        duration, size, flags = defaults.get(track.track_id, (0, 0, 0))
        out.append(replace(track, default_duration=duration, default_size=size, default_flags=flags))
    return tuple(out)


def _track(trak: bytes) -> Track | None:
    tkhd = child(trak, "tkhd")
    track_id = integer(tkhd[20:24] if tkhd[0] == 1 else tkhd[12:16])
    mdhd = child(trak, "mdia", "mdhd")
    timescale = integer(mdhd[20:24] if mdhd[0] == 1 else mdhd[12:16])
    handler = child(trak, "mdia", "hdlr")[8:12]
    if handler not in (b"vide", b"soun"):
        return None
    entries = child(trak, "mdia", "minf", "stbl", "stsd")[8:]
    name, entry = next(boxes(entries), ("", b""))
    if not timescale or not entry:
        raise IngestError("ffmpeg's output is not valid MP4: a track without time scale or sample entry")
    if handler == b"vide":
        # VisualSampleEntry: 24 bytes to the size, 78 to its child boxes (ISO/IEC 14496-12 §12.1.3).
        size = integer(entry[24:26]), integer(entry[26:28])
        if name in HEVC:
            config = child(entry[78:], "hvcC")
            if len(config) < 23:
                raise IngestError("ffmpeg's output is not valid MP4: an hvcC box is too short")
            return Track(track_id, "video", timescale, hevc_codec(name, config), *size, (config[21] & 3) + 1)
        if name not in ("avc1", "avc3"):
            raise IngestError(f"ffmpeg wrote {name} video where H.264 or HEVC was expected")
        config = child(entry[78:], "avcC")
        return Track(
            track_id,
            "video",
            timescale,
            f"{name}.{config[1:4].hex()}",
            *size,
            (config[4] & 3) + 1,
        )
    if name != "mp4a":
        raise IngestError(f"ffmpeg wrote {name} audio where AAC was expected")
    # AudioSampleEntry: 28 bytes to its child boxes (§12.2.3); esds is a full box.
    return Track(track_id, "audio", timescale, _aac_codec(child(entry[28:], "esds")[4:]))


def hevc_codec(name: str, config: bytes) -> str:
    """``hvc1.1.6.L93.90`` from an hvcC box (ISO/IEC 14496-15 §8.3.3.1.2 and Annex E.3): profile, compatible
    profiles in reverse bit order, tier and level, constraints without the zeros at their end."""
    space = ("", "A", "B", "C")[config[1] >> 6]
    compatible = int(f"{integer(config[2:6]):032b}"[::-1], 2)
    tier = "H" if config[1] & 0x20 else "L"
    constraints = [f"{byte:X}" for byte in config[6:12].rstrip(b"\0")]
    return ".".join(
        [name, f"{space}{config[1] & 0x1F}", f"{compatible:X}", f"{tier}{config[12]}", *constraints]
    )


def _aac_codec(descriptors: bytes) -> str:
    """``mp4a.40.<audio object type>`` from an ES descriptor; ``mp4a.40.2`` (AAC-LC) if it does not say."""
    es = _descriptor(descriptors, ES_DESCRIPTOR)
    config = _descriptor(es[3:], DECODER_CONFIG)
    specific = _descriptor(config[13:], AUDIO_SPECIFIC_CONFIG)
    if not config or not specific:
        return "mp4a.40.2"
    object_type = specific[0] >> 3
    if object_type == 31 and len(specific) > 1:  # the escape value of ISO/IEC 14496-3 §1.6.2.1
        object_type = 32 + ((specific[0] & 7) << 3 | specific[1] >> 5)
    return f"mp4a.{config[0]:02x}.{object_type}"


def _descriptor(data: bytes, tag: int) -> bytes:
    """The payload of the first descriptor with ``tag``; its length is in groups of seven bits."""
    at = 0
    while at + 1 < len(data):
        found, at = data[at], at + 1
        length = 0
        while at < len(data):
            byte, at = data[at], at + 1
            length = length << 7 | byte & 0x7F
            if not byte & 0x80:
                break
        if found == tag:
            return data[at : at + length]
        at += length
    return b""
