"""What viewers get of a recorder's bytes: through Media, a Supply and an Ingest, as fast as it goes."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from pathlib import Path

import imageio_ffmpeg

from seeder.ingest.config import IngestConfig
from seeder.ingest.ingest import Ingest
from seeder.ingest.supply import Supply
from seeder.publish.browser.media import Media
from seeder.publish.browser.talk import OPTIONS

RATE = 8000


@dataclass(frozen=True)
class Run:
    """What lies between two discontinuities. Times in seconds from its first picture or sound."""

    durations: tuple[float, ...]
    flashes: tuple[float, ...]
    beeps: tuple[float, ...]
    pictures: int
    seconds_of_sound: float

    @property
    def apart(self) -> float:
        """How far the worst flash is from its beep."""
        return max(min(abs(flash - beep) for beep in self.beeps) for flash in self.flashes)


async def viewed(folder: Path, *recorders: bytes, pace: float = 0.0) -> tuple[list[Run], str]:
    """Of each recorder's whole file, one behind the other; and the mode of the picture. ``pace``: seconds
    that 64 KiB take to come, on the clock that is told."""
    supply, media, came = Supply("a test", "matroska", OPTIONS, tells=True), Media(1.75), 0.0
    ingest = Ingest(IngestConfig("garden", segment_seconds=1.0, window=100), folder, supply=supply)
    running = asyncio.create_task(ingest.run())
    for number, data in enumerate(recorders):
        if number:
            media.anew()
        for at in range(0, len(data), 4096):
            came += pace * 4096 / 65536
            chunks = media.feed(data[at : at + 4096], came)
            if at + 4096 >= len(data):
                chunks += media.finish(came)
            for chunk in chunks:
                await supply.write(
                    chunk.data, chunk.entry, head=chunk.head, anew=chunk.anew, look=chunk.anew,
                    known=chunk.known,
                )  # fmt: skip
    await supply.end()
    await running
    return [await _run(folder / "garden" / "v0", part) for part in _parts(folder)], ingest.status().mode


def _parts(folder: Path) -> list[str]:
    return (folder / "garden" / "v0" / "index.m3u8").read_text().split("#EXT-X-DISCONTINUITY\n")


async def _run(folder: Path, part: str) -> Run:
    init = re.findall(r'#EXT-X-MAP:URI="(.*?)"', part)
    segments = re.findall(r"^[^#\n]+$", part, re.MULTILINE)
    data = b"".join((folder / name).read_bytes() for name in (*init[:1], *segments))
    joined = folder / f"joined-{segments[0]}"
    joined.write_bytes(data)
    pictures = await _decoded(
        joined, "-map", "0:v?", "-vf", "fps=50,scale=1:1", "-pix_fmt", "gray", "-f", "rawvideo"
    )
    sound = await _decoded(
        joined,
        "-map",
        "0:a?",
        "-af",
        "aresample=async=1:first_pts=0",
        "-ac",
        "1",
        "-ar",
        str(RATE),
        "-f",
        "u8",
    )
    loud = [abs(sample - 128) > 20 for sample in sound]
    return Run(
        tuple(map(float, re.findall(r"#EXTINF:([\d.]+)", part))),
        tuple(_onsets([value > 128 for value in pictures], 50)),
        tuple(_onsets(_held(loud, RATE // 50), RATE)),
        len(pictures),
        len(sound) / RATE,
    )


async def _decoded(file: Path, *output: str) -> bytes:
    process = await asyncio.create_subprocess_exec(
        *(imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-v", "error", "-copyts"),
        *("-i", str(file), *output, "pipe:1"),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    return (await process.communicate())[0]


def _onsets(on: list[bool], rate: int) -> list[float]:
    return [at / rate for at in range(len(on)) if on[at] and (at == 0 or not on[at - 1])]


def _held(on: list[bool], samples: int) -> list[bool]:
    """A wave goes through zero: on for so many samples behind each that is."""
    out, left = [], 0
    for value in on:
        left = samples if value else left - 1
        out.append(left > 0)
    return out
