"""Media as people have it: films, and what a browser's recorder leaves in a folder."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

Record = Callable[..., bytes]


@pytest.fixture(scope="session")
def record(ffmpeg: str, tmp_path_factory: pytest.TempPathFactory) -> Record:
    """``record(seconds=3, late=0.1)``: WebM as a recorder makes it (made once): no duration, no index, sound
    that begins ``late``."""
    made: dict[tuple[object, ...], bytes] = {}

    def run(seconds: float = 2, *, late: float = 0, codec: str = "vp8", gop: int = 30) -> bytes:
        key = (seconds, late, codec, gop)
        if key not in made:
            video = {
                "vp8": "-c:v libvpx -deadline realtime -cpu-used 8 -b:v 200k -f webm",
                "h264": "-c:v libx264 -preset ultrafast -bf 0 -f matroska",
            }[codec]
            graph = f"testsrc2=s=160x90:r=30:d={seconds}"
            sound = f"sine=f=440:r=48000:d={seconds - late}"
            command = (
                f"-v error -f lavfi -i {graph} -f lavfi -itsoffset {late} -i {sound} "
                f"-c:a libopus -g {gop} {video} -live 1 -cluster_time_limit 1000 -"
            )
            done = subprocess.run(
                [ffmpeg, *command.split()], check=True, capture_output=True, stdin=subprocess.DEVNULL
            )
            made[key] = done.stdout
        return made[key]

    return run


@pytest.fixture
def chunks(tmp_path: Path) -> Callable[[Sequence[bytes]], Path]:
    """A folder of them: ``chunk-1.webm`` and so on."""

    def write(given: Sequence[bytes]) -> Path:
        folder = tmp_path / "chunks"
        folder.mkdir()
        for number, data in enumerate(given, 1):
            (folder / f"chunk-{number}.webm").write_bytes(data)
        return folder

    return write


@dataclass(frozen=True)
class Track:
    """Its packets as ffmpeg reads them: seconds."""

    starts: tuple[float, ...]
    lasts: tuple[float, ...]

    @property
    def holes(self) -> tuple[float, ...]:
        """From the end of each to the beginning of the next; negative: they overlap."""
        ends = [start + lasting for start, lasting in zip(self.starts, self.lasts, strict=True)]
        return tuple(start - end for end, start in zip(ends, self.starts[1:], strict=False))


@pytest.fixture
def packets(ffmpeg: str) -> Callable[[Path, str], Track]:
    """``packets(playlist, "v")``: what a playlist plays, by decoding times."""

    def read(playlist: Path, track: str) -> Track:
        command = [ffmpeg, "-v", "error", "-i", str(playlist), "-map", f"0:{track}:0", "-c", "copy"]
        done = subprocess.run(
            [*command, "-f", "framecrc", "-"], check=True, capture_output=True, stdin=subprocess.DEVNULL
        )
        text = done.stdout.decode()
        found = re.search(r"^#tb 0: (\d+)/(\d+)$", text, re.MULTILINE)
        assert found is not None
        unit = int(found[1]) / int(found[2])
        rows = [line.split(",") for line in text.splitlines() if not line.startswith("#")]
        return Track(tuple(int(row[1]) * unit for row in rows), tuple(int(row[3]) * unit for row in rows))

    return read
