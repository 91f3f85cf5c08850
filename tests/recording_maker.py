"""Recordings as tests need them: made by ffmpeg's own HLS muxer, a run after the other."""

from __future__ import annotations

import asyncio
import re
import subprocess
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from seeder.recording import about
from seeder.recording.about import Recording, State
from seeder.recording.export_look import Look, parse


@dataclass(frozen=True)
class Take:
    """What one publisher's connection brought."""

    seconds: float = 4.0
    size: str = "160x90"
    offset: float = 0.0
    """Of its time stamps."""
    video: str = "libx264 -preset ultrafast -bf 2 -x264-params b-adapt=0"
    """Empty: none."""
    audio: str = "aac"
    rate: int = 25
    more: float = 0.0
    """Seconds of sound after the last picture."""


def make_take(ffmpeg: str, folder: Path, number: int, take: Take, kind: str = "fmp4", hold: int = 2) -> None:
    """``folder/take<number>.m3u8`` with segments of ``hold`` seconds, a key frame each second."""
    suffix = "m4s" if kind == "fmp4" else "ts"
    video, audio = take.video.split(), take.audio.split()
    picture = ("-f", "lavfi", "-i", f"testsrc2=size={take.size}:rate={take.rate}")
    tone = ("-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000")
    gop = ("-g", str(take.rate), "-keyint_min", str(take.rate), "-sc_threshold", "0", "-b:v", "150k")
    command = [
        *(ffmpeg, "-nostdin", "-loglevel", "error", "-y"),
        *(("-t", str(take.seconds), *picture) if video else ()),
        *(("-t", str(take.seconds + take.more), *tone) if audio else ()),
        *(("-c:v", *video, "-pix_fmt", "yuv420p", *gop) if video else ()),
        *(("-c:a", *audio, "-b:a", "48k") if audio else ()),
        *("-output_ts_offset", str(take.offset), "-f", "hls", "-hls_time", str(hold), "-hls_list_size", "0"),
        *("-hls_playlist_type", "vod", "-hls_segment_type", kind),
        *(("-hls_fmp4_init_filename", f"init{number}.mp4") if kind == "fmp4" else ()),
        *("-hls_segment_filename", str(folder / f"take{number}-%d.{suffix}")),
        str(folder / f"take{number}.m3u8"),
    ]
    subprocess.run(command, check=True, timeout=100, cwd=folder)


def make_recording(
    ffmpeg: str,
    feed: Path,
    takes: list[Take],
    name: str = "garden-20261122-120000",
    kind: str = "fmp4",
    **more: object,
) -> Path:
    """A finished recording of ``takes``, behind a discontinuity each, in one variant ``v0``."""
    folder = feed / name
    variant = folder / "v0"
    variant.mkdir(parents=True)
    bodies = []
    for number, take in enumerate(takes):
        make_take(ffmpeg, variant, number, take, kind)
        lines = (variant / f"take{number}.m3u8").read_text().splitlines()
        begin = next(at for at, line in enumerate(lines) if line.startswith(("#EXT-X-MAP", "#EXTINF")))
        bodies.append("\n".join(line for line in lines[begin:] if line != "#EXT-X-ENDLIST"))
        (variant / f"take{number}.m3u8").unlink()
    head = "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:3\n#EXT-X-PLAYLIST-TYPE:VOD\n"
    text = head + "\n#EXT-X-DISCONTINUITY\n".join(bodies) + "\n#EXT-X-ENDLIST\n"
    (variant / "index.m3u8").write_text(text)
    (folder / "master.m3u8").write_text("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=200000\nv0/index.m3u8\n")
    finish(folder)
    return folder


def finish(folder: Path, state: State = State.READY, title: str = "") -> None:
    about.save(folder, Recording(folder.name, "garden", state, 1795348800.0, title))


def duration(folder: Path, path: str = "v0/index.m3u8") -> float:
    return sum(float(found) for found in re.findall(r"#EXTINF:([\d.]+)", (folder / path).read_text()))


async def packets(ffmpeg: str, file: Path) -> dict[str, list[tuple[float, float]]]:
    """By kind: where each packet begins, and how long it is; in the order in which they are shown."""
    text = await _framecrc(ffmpeg, file)
    kinds = dict(re.findall(r"^#media_type (\d+): (\w+)", text, re.MULTILINE))
    ticks = {n: int(a) / int(b) for n, a, b in re.findall(r"^#tb (\d+): (\d+)/(\d+)", text, re.MULTILINE)}
    found: dict[str, list[tuple[float, float]]] = {kind: [] for kind in kinds.values()}
    for line in text.splitlines():
        if not line.startswith("#"):
            number, _, pts, seconds = (field.strip() for field in line.split(",")[:4])
            found[kinds[number]].append((int(pts) * ticks[number], int(seconds) * ticks[number]))
    return {kind: sorted(each) for kind, each in found.items()}


async def look(ffmpeg: str, file: Path) -> Look:
    return parse(await _framecrc(ffmpeg, file))


async def _framecrc(ffmpeg: str, file: Path) -> str:
    command = (ffmpeg, "-nostdin", "-loglevel", "error", "-copyts", "-i", str(file))
    process = await asyncio.create_subprocess_exec(
        *command, "-map", "0", "-c", "copy", "-f", "framecrc", "-", stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    assert process.returncode == 0
    return out.decode()


def worst_gap(shown: list[tuple[float, float]]) -> float:
    """Seconds between the end of a packet and the beginning of the next, at most."""
    return max(after[0] - before[0] - before[1] for before, after in pairwise(shown))
