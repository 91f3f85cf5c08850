"""What is in a few segments, packet by packet, as ffmpeg's framecrc muxer tells it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from seeder.recording.export_formats import ExportError

OVERLAP = 0.25
"""Seconds by which the sound of one run may reach into the next one's, whose sound then begins later: tracks
rarely end at the same moment, and the picture goes on without a hole."""
WRAP = (1 << 33) / 90_000
"""Seconds after which time stamps of MPEG-TS begin anew."""


@dataclass(frozen=True, slots=True)
class Track:
    """One picture or sound."""

    kind: str
    """``video`` or ``audio``."""
    codec: str
    """ffmpeg's name."""
    form: str
    """Size, or sample rate and channels: a file has one of it."""
    setup: str
    """Checksum of what a decoder is set up with; empty where that comes with the pictures."""
    start: float
    """Seconds: its first time stamp."""
    stop: float
    """Where its last packet ends."""
    keys: tuple[tuple[float, float], ...]
    """Where a decoder can begin: when that is shown, and decoded; of sound nothing, for it can anywhere."""

    @property
    def shown(self) -> str:
        return f"{self.codec} {self.form}"


@dataclass(frozen=True, slots=True)
class Look:
    tracks: tuple[Track, ...]
    """In ffmpeg's order; others than picture and sound are left out."""

    @property
    def start(self) -> float:
        """Seconds: where ffmpeg takes it to begin."""
        return min(track.start for track in self.tracks)

    def track(self, kind: str) -> Track | None:
        return next((track for track in self.tracks if track.kind == kind), None)

    @property
    def chosen(self) -> tuple[Track, ...]:
        """What is copied: the first picture, the first sound."""
        return tuple(one for kind in ("video", "audio") if (one := self.track(kind)) is not None)

    @property
    def shape(self) -> tuple[tuple[str, str, str], ...]:
        """What has to be the same throughout one file. What an H.264 decoder needs is put before its key
        frames where runs are joined, so there it may differ."""
        return tuple(
            (one.codec, one.form, one.setup if one.codec in ("hevc", "aac", "opus") else "")
            for one in self.tracks
        )


class _Packet(NamedTuple):
    """In ticks of its track."""

    dts: int
    pts: int
    duration: int
    key: bool


def parse(text: str) -> Look:
    """What ``-f framecrc`` wrote, of one input. :class:`ExportError`: nothing that could be copied."""
    told: dict[str, dict[str, str]] = {}
    packets: dict[str, list[_Packet]] = {}
    for line in text.splitlines():
        if line.startswith("#"):
            what, _, value = line[1:].partition(": ")
            name, _, number = what.partition(" ")
            told.setdefault(number, {})[name] = value.strip()
            continue
        fields = [field.strip() for field in line.split(",")]
        if len(fields) < 6 or "NOPTS" in (fields[1], fields[2]):
            continue
        number, dts, pts, seconds = fields[:4]
        key = not any(field.startswith("F=") and not int(field[2:], 16) & 1 for field in fields[6:7])
        packets.setdefault(number, []).append(_Packet(int(dts), int(pts), int(seconds), key))
    found = []
    for number in sorted(packets, key=int):
        about = told.get(number, {})
        if (kind := about.get("media_type", "")) not in ("video", "audio"):
            continue
        found.append(_track(kind, about, packets[number]))
    if not found:
        raise ExportError("there is neither picture nor sound in its segments")
    return Look(tuple(found))


def _track(kind: str, about: dict[str, str], packets: Sequence[_Packet]) -> Track:
    top, _, bottom = about.get("tb", "1/90000").partition("/")
    tick = int(top) / int(bottom)
    if kind == "video":
        form = about.get("dimensions", "")
    else:
        form = f"{about.get('sample_rate', '?')} Hz {about.get('channel_layout_name', '')}".strip()
    return Track(
        kind,
        about.get("codec_id", ""),
        form,
        about.get("extradata", ""),
        start=min(one.pts for one in packets) * tick,
        stop=max(one.pts + one.duration for one in packets) * tick,
        keys=tuple((one.pts * tick, one.dts * tick) for one in packets if one.key and kind == "video"),
    )


def length(first: Look, last: Look, following: Look) -> float:
    """Seconds from the start of a run (its first and its last segment were looked at) to that of the next.

    The picture goes on where it ended, and of two sounds no more than :data:`OVERLAP` is at the same time.
    """
    best = 0.0
    for track in last.chosen:
        begin, after = first.track(track.kind), following.track(track.kind)
        if begin is None or after is None:
            continue
        stop = track.stop if track.stop > begin.start else track.stop + WRAP
        seconds = (stop - first.start) - (after.start - following.start)
        apart = track.kind == "audio" and first.track("video") is not None
        best = max(best, seconds - OVERLAP if apart else seconds)
    return best
