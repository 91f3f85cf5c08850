"""What ``ffmpeg -i INPUT`` prints about an input, and the GOP lengths seen in it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from seeder.ingest.cmaf import Fragment

NTSC = {"23.98": "24000/1001", "29.97": "30000/1001", "59.94": "60000/1001"}  # printed rounded, meant exactly
DURATION_KEY = "lavf.concatdec.duration"


@dataclass(frozen=True, slots=True)
class Video:
    codec: str
    """ffmpeg's decoder name, e.g. ``h264``."""
    profile: str
    pixel_format: str
    width: int
    height: int
    frame_rate: str
    """As ffmpeg takes it (``25``, ``30000/1001``); empty when it is not known."""
    interlaced: bool = False


@dataclass(frozen=True, slots=True)
class Audio:
    codec: str
    profile: str


@dataclass(frozen=True, slots=True)
class Probe:
    """What is inside an input. Neither video nor audio: ffmpeg could not read it."""

    container: str
    """ffmpeg's demuxer name or names, comma-separated, e.g. ``mov,mp4,m4a,3gp,3g2,mj2``."""
    duration: float | None
    """Seconds; None for a live input."""
    video: Video | None
    audio: Audio | None
    longest_gop: float | None = None
    """Seconds between IDR pictures; None when it was not measured."""
    complete: bool = True
    """False: a stream is announced of which too little was seen to know it."""
    analysis: float | None = None
    """For :attr:`~seeder.ingest.sources.Source.analysis`, from now on."""
    bitrate: int | None = None
    """Of the video, bit/s; None when it was not measured."""
    reordered: bool = True
    """Its pictures are not decoded in the order of their display: it has B frames."""


def parse(stderr: str) -> Probe:
    """The first input's first real video and first audio stream."""
    lines = iter(stderr.splitlines())
    container, duration = "", None
    video: Video | None = None
    audio: Audio | None = None
    for line in lines:
        if (match := re.match(r"Input #0, (\S+), from ", line)) is not None:
            container = match[1]
            break
    if (match := re.search(rf"{re.escape(DURATION_KEY)}=(\d+)", stderr)) is not None:
        duration = int(match[1]) / 1_000_000
    for line in lines:
        if line.startswith(("Input #", "Output #", "Stream mapping:")):
            break
        if (match := re.match(r" +Duration: (\d+):(\d+):(\d+(?:\.\d+)?)", line)) is not None:
            duration = int(match[1]) * 3600 + int(match[2]) * 60 + float(match[3])
        match = re.match(r" +Stream #0:\d+(?:\[\w+\])?(?:\(\S+?\))?: (Video|Audio): (.+)", line)
        if match is None:
            continue
        if match[1] == "Video" and video is None and "(attached pic)" not in line:
            video = _video(match[2])
        elif match[1] == "Audio" and audio is None:
            audio = Audio(*_codec(match[2]))
    complete = re.search(r"Could not find codec parameters for stream \d+ \((Video|Audio)", stderr) is None
    return Probe(container, duration, video, audio, complete=complete)


def _codec(text: str) -> tuple[str, str]:
    """Name and profile of ``h264 (High) (avc1 / 0x31637661), …``; a four-character code is no profile."""
    match = re.match(r"(\w+)(?: \(([^)/]+)\))?", text)
    return (match[1], match[2] or "") if match else ("", "")


def _video(text: str) -> Video:
    codec, profile = _codec(text)
    pixels = re.search(r", (\w+)(?:\(([^)]*)\))?, (?:\d{2,5})x(?:\d{2,5})", text)
    size = re.search(r", (\d{2,5})x(\d{2,5})\b", text)
    rate = re.search(r", (\d+(?:\.\d+)?)(k?) fps", text) or re.search(r", (\d+(?:\.\d+)?)(k?) tbr", text)
    details = pixels[2] or "" if pixels else ""
    return Video(
        codec,
        profile,
        pixels[1] if pixels else "",
        int(size[1]) if size else 0,
        int(size[2]) if size else 0,
        NTSC.get(rate[1], rate[1]) if rate and not rate[2] else "",
        "first" in details,  # top first, bottom coded first (swapped), …; otherwise progressive
    )


class GopMeter:
    """Longest distance between IDR pictures over a run's fragments."""

    def __init__(self) -> None:
        self._start: float | None = None
        self._end = 0.0
        self._longest = 0.0
        self._bits = 0
        self._seconds = 0.0
        self.idrs = 0
        self.reordered = False

    def add(self, fragments: Iterable[Fragment]) -> None:
        for fragment in fragments:
            if fragment.span is None:
                continue
            self._bits += len(fragment.data) * 8
            self._seconds += fragment.span.end - fragment.span.start
            self.reordered = self.reordered or fragment.reordered
            if fragment.sync:
                self._close(fragment.span.start)
                self._start = fragment.span.start
                self.idrs += 1
            self._end = fragment.span.end

    def longest(self) -> float | None:
        """Seconds, the GOP at the end included; None before the first IDR."""
        if self._start is None:
            return None
        return max(self._longest, self._end - self._start)

    def bitrate(self) -> int | None:
        """bit/s; None when there was nothing."""
        return round(self._bits / self._seconds) if self._seconds > 0 else None

    def _close(self, at: float) -> None:
        if self._start is not None:
            self._longest = max(self._longest, at - self._start)
