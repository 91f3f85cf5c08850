"""The ready-made stream: encoded once, kept in ``bench/out/``, so that nothing is encoded while measuring.

Each frame carries its number as black and white squares in two rows, the second the first's inverse; the
probe (``pages/probe.js``) reads them from the screen. So latency is what a viewer sees, the same for all.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.swarm.settings import FRAMES, SEGMENT_SECONDS

BITS = 14
SIZE = 24
"""Pixels of a square. Both as in ``pages/probe.js``."""
VERSION = 1
"""Of what :func:`arguments` makes; a kept stream of another version is made anew."""


@dataclass(frozen=True, slots=True)
class Stream:
    folder: Path
    names: tuple[str, ...]
    sizes: tuple[int, ...]
    """Bytes, segment by segment."""
    bandwidth: int
    """Bits a second, the highest segment's."""


def marks(first: int = 0) -> str:
    """The filter that draws the squares: a white one, a black one, then the bits, lowest first.

    ``first``: the number of the first frame.
    """

    def box(x: int, row: int, when: str = "") -> str:
        enable = f":enable='{when}'" if when else ""
        return f"drawbox=x={x * SIZE}:y={row * SIZE}:w={SIZE}:h={SIZE}:color=white:t=fill{enable}"

    boxes = [f"drawbox=x=0:y=0:w={(BITS + 2) * SIZE}:h={2 * SIZE}:color=black:t=fill", box(0, 0), box(1, 1)]
    for bit in range(BITS):
        is_set = f"gte(mod(n+{first}\\,{2 ** (bit + 1)})\\,{2**bit})"
        boxes += [box(bit + 2, 0, is_set), box(bit + 2, 1, f"not({is_set})")]
    return ",".join(boxes)


def arguments(ffmpeg: str, folder: Path, seconds: int, mbps: float) -> list[str]:
    """A noisy picture at a constant rate, small enough that six are decoded beside each other."""
    audio = 64_000
    video = int(mbps * 1e6) - audio
    return [
        *(ffmpeg, "-nostdin", "-hide_banner", "-loglevel", "error"),
        *("-f", "lavfi", "-i", f"testsrc2=size=480x270:rate={FRAMES}"),
        *("-f", "lavfi", "-i", "sine=frequency=330:sample_rate=48000"),
        *("-t", str(seconds), "-map", "0:v", "-map", "1:a"),
        *("-vf", f"noise=alls=24:allf=t,{marks()}"),
        *("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"),
        *("-b:v", str(video), "-maxrate", str(video), "-bufsize", str(video)),
        *("-g", str(FRAMES * SEGMENT_SECONDS), "-keyint_min", str(FRAMES * SEGMENT_SECONDS)),
        *("-sc_threshold", "0", "-bf", "0"),
        *("-c:a", "aac", "-b:a", str(audio)),
        *("-f", "hls", "-hls_time", str(SEGMENT_SECONDS), "-hls_list_size", "0"),
        *("-hls_segment_type", "fmp4", "-hls_fmp4_init_filename", "init.mp4"),
        *("-hls_segment_filename", str(folder / "seg%05d.m4s"), str(folder / "index.m3u8")),
    ]


def prepared(ffmpeg: str, kept: Path, seconds: int, mbps: float) -> Stream:
    """The stream in ``kept``, made now unless one that is long enough is there."""
    rate = f"v{VERSION}-{mbps:g}mbps-"
    for folder in sorted(kept.glob(f"{rate}*s")):
        if int(folder.name.removeprefix(rate).removesuffix("s")) >= seconds:
            return read(folder)
    print(f"== encoding {seconds} s of stream (once)", flush=True)
    folder = kept / f"{rate}{seconds}s"
    fresh = kept / f".{folder.name}"
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    command = arguments(ffmpeg, fresh, seconds, mbps)
    try:
        subprocess.run(command, check=True, timeout=60 + seconds * 4, cwd=fresh)
    except subprocess.CalledProcessError:
        raise SystemExit("error: ffmpeg could not make the stream; its message is above") from None
    fresh.rename(folder)
    for former in set(kept.glob("v*s")) - {folder}:
        if former.name.startswith(rate) or not former.name.startswith(f"v{VERSION}-"):
            shutil.rmtree(former)
    return read(folder)


def read(folder: Path) -> Stream:
    names = tuple(_names((folder / "index.m3u8").read_text()))
    sizes = tuple((folder / name).stat().st_size for name in names)
    return Stream(folder, names, sizes, max(sizes) * 8 // SEGMENT_SECONDS)


def _names(playlist: str) -> Iterator[str]:
    """Segments of the whole length; the last may be a rest."""
    for duration, name in re.findall(r"#EXTINF:([\d.]+),[^\n]*\n([^#\n]+)", playlist):
        if abs(float(duration) - SEGMENT_SECONDS) < 0.1:
            yield name
