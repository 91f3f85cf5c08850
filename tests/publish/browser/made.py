"""Recorders' files: made by ffmpeg, and put together anew with whatever times and promises a story needs."""

from __future__ import annotations

import struct
import subprocess
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import cache

import imageio_ffmpeg

from seeder.publish.browser.container import Container
from seeder.publish.browser.frames import AUDIO, VIDEO, Event, Frame, Header, Track
from seeder.publish.browser.matroska import NUMBERS, head
from seeder.publish.whip.matroska import UNKNOWN, element, number

FLASH = "color=black:size=160x90:rate=25,drawbox=color=white:t=fill:enable='lt(mod(t,1),0.12)'"
BEEP = "aevalsrc='0.5*sin(2*PI*1000*t)*lt(mod(t,1),0.12)':sample_rate=48000"
"""A flash and a beep each second, together."""
X264 = "-c:v libx264 -preset ultrafast -tune zerolatency -bf 0 -pix_fmt yuv420p"
MP4 = "-f mp4 -movflags delay_moov+default_base_moof+frag_keyframe"
MADE = {
    "vp8": "-c:v libvpx -deadline realtime -cpu-used 8 -b:v 200k -g 50 -c:a libopus -f webm -live 1",
    "vp9": "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -b:v 200k -g 25 -c:a libvorbis -f webm -live 1",
    "h264": f"{X264} -g 25 -c:a libopus -f matroska -live 1",
    "mp4": f"{X264} -g 25 -c:a aac {MP4} -frag_duration 300000",
    "b": f"{X264.replace('-bf 0', '-tune film -bf 2 -b_strategy 0')} -g 25 -c:a aac {MP4}",
    "sound": "-c:a libopus -f webm -live 1",
}


@cache
def made(kind: str, seconds: float = 4.0, picture: str = FLASH) -> bytes:
    inputs = ["-f", "lavfi", "-i", BEEP] if kind == "sound" else []
    if kind != "sound":
        inputs = ["-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", BEEP]
    command = [str(imageio_ffmpeg.get_ffmpeg_exe()), "-nostdin", "-v", "error", *inputs, "-t", str(seconds)]
    command += [*MADE[kind].split(), "pipe:1"]
    return subprocess.run(command, check=True, capture_output=True).stdout


@cache
def taken_apart(kind: str, seconds: float = 4.0, picture: str = FLASH) -> tuple[Header, tuple[Frame, ...]]:
    events = Container().feed(made(kind, seconds, picture))
    header = next(event for event in events if isinstance(event, Header))
    return header, tuple(event for event in events if isinstance(event, Frame))


def written(header: Header, frames: Iterable[Frame], *, sized: bool = False, ticks: int = 1000) -> bytes:
    """WebM with clusters of a third of a second. ``sized``: they say how long they are, as Firefox's do;
    ``ticks``: µs."""
    out, blocks, start = [head_of(header, ticks)], [], None

    def close() -> None:
        if start is not None:
            body = number(0xE7, start) + b"".join(blocks)
            out.append(element(0x1F43B675, body) if sized else b"\x1f\x43\xb6\x75" + UNKNOWN + body)

    for frame in frames:
        at = frame.time // ticks
        if start is None or not 0 <= at - start < 330_000 // ticks:
            close()
            start, blocks = at, []
        key = 0x80 if frame.key else 0
        blocks.append(
            element(0xA3, struct.pack("!BhB", 0x80 | NUMBERS[frame.kind], at - start, key) + frame.data)
        )
    close()
    return b"".join(out)


def head_of(header: Header, ticks: int = 1000) -> bytes:
    """As ours, with another time scale."""
    return head(list(header.tracks)).replace(
        number(0x2AD7B1, 100_000), element(0x2AD7B1, (ticks * 1000).to_bytes(3, "big"))
    )


def edited(frames: Iterable[Frame], change: Callable[[Frame], Frame | None]) -> list[Frame]:
    """In the order of their new times, for each kind by itself as they were."""
    changed = [found for frame in frames if (found := change(frame)) is not None]
    return sorted(changed, key=lambda frame: frame.time)


def later(frame: Frame, microseconds: int) -> Frame:
    return frame._replace(time=frame.time + microseconds)


def only(kind: str, header: Header) -> Header:
    return Header(tuple(track for track in header.tracks if track.kind == kind))


def annex_b(header: Header, frames: Iterable[Frame]) -> tuple[Header, list[Frame]]:
    """H.264 as Chromium has it in Matroska: start codes, parameter sets in each key frame."""
    from seeder.publish.browser import h264

    private = next(track.private for track in header.tracks if track.kind == VIDEO)
    size = int.from_bytes(private[6:8], "big")
    sets = [
        private[8 : 8 + size],
        private[11 + size : 11 + size + int.from_bytes(private[9 + size : 11 + size], "big")],
    ]

    def coded(frame: Frame) -> Frame:
        if frame.kind == AUDIO:
            return frame
        units = [*(sets if frame.key else []), *h264.split(frame.data, 4)]
        return frame._replace(data=b"".join(b"\0\0\0\1" + unit for unit in units))

    tracks = tuple(replace(track, private=b"") if track.kind == VIDEO else track for track in header.tracks)
    return Header(tracks), [coded(frame) for frame in frames]


def events(data: bytes, cuts: Iterable[int] = ()) -> list[Event]:
    """Of ``data`` fed in pieces."""
    container, found, at = Container(), [], 0
    for cut in [*sorted(cuts), len(data)]:
        found += container.feed(data[at:cut])
        at = max(at, cut)
    return found


__all__ = [
    "Track",
    "annex_b",
    "edited",
    "events",
    "head_of",
    "later",
    "made",
    "only",
    "taken_apart",
    "written",
]
