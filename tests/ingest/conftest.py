"""Real ffmpeg, real files, and a checker of live playlists that shares no code with the packager."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import re
import subprocess
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import imageio_ffmpeg
import pytest

from seeder.ingest.ingest import Ingest

PATIENCE = 90.0  # seconds: far beyond what an idle machine needs


@pytest.fixture(scope="session")
def ffmpeg() -> str:
    return str(imageio_ffmpeg.get_ffmpeg_exe())


@pytest.fixture(scope="session")
def media(ffmpeg: str, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """``media("a.mp4", gop=25, seconds=5)`` makes (once) a 160×90 H.264/AAC file at 25 frames per second."""
    folder = tmp_path_factory.mktemp("media")

    def make(name: str, *, gop: int = 25, seconds: float = 5, audio: bool = True, extra: str = "") -> Path:
        path: Path = folder / name
        if not path.exists():
            graph = f"testsrc2=s=160x90:r=25:d={seconds}[out0]"
            if audio:
                graph += f";sine=f=440:r=44100:d={seconds}[out1]"
            codec = (
                f"-c:v libx264 -preset veryfast -g {gop} -keyint_min {gop} -sc_threshold 0 -c:a aac {extra}"
            )
            command = [ffmpeg, "-v", "error", "-y", "-f", "lavfi", "-i", graph, *codec.split(), str(path)]
            subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
        return path

    return make


@pytest.fixture(scope="session")
def fragmented(ffmpeg: str, media: Callable[..., Path]) -> bytes:
    """Five seconds as fragmented MP4, a fragment a second."""
    source = media("source.mp4", gop=25, seconds=5)
    command = (
        f"-v error -i {source} -c copy -f mp4 -movflags +cmaf+frag_keyframe+delay_moov+skip_trailer pipe:1"
    )
    done = subprocess.run(
        [ffmpeg, *command.split()], check=True, capture_output=True, stdin=subprocess.DEVNULL
    )
    return done.stdout


async def eventually(claim: Callable[[], bool], what: str) -> None:
    """Poll until ``claim()`` holds."""
    try:
        async with asyncio.timeout(PATIENCE):
            while not claim():
                await asyncio.sleep(0.02)
    except TimeoutError:
        pytest.fail(f"did not come true in {PATIENCE:g} s: {what}")


@pytest.fixture(name="eventually")
def _eventually() -> Callable[..., object]:
    return eventually


@dataclass
class Listed:
    """A segment as a client reads it."""

    uri: str
    duration: float
    start: float
    discontinuity: int
    init: str


@dataclass
class Viewer:
    """Reloads a stream's playlists and asserts RFC 8216bis over all the versions it saw."""

    folder: Path
    ffmpeg: str
    variant: str = "v0"
    seen: dict[int, Listed] = field(default_factory=dict)
    hashes: dict[str, str] = field(default_factory=dict)
    target_duration: int = 0
    first: int = 0
    ended: bool = False
    reloads: int = 0
    text: str = ""

    def reload(self) -> bool:
        """True when there is a playlist."""
        path = self.folder / self.variant / "index.m3u8"
        if not path.exists():
            return False
        text = path.read_text()
        if text != self.text:
            self.text = text
            self.reloads += 1
            self._check(text)
        return True

    def _check(self, text: str) -> None:
        lines = text.splitlines()
        assert lines[0] == "#EXTM3U", text
        target = int(self._header(text, "TARGETDURATION"))
        assert target == (self.target_duration or target), "TARGETDURATION changed"
        self.target_duration = target
        assert int(self._header(text, "VERSION")) >= 6
        assert "#EXT-X-INDEPENDENT-SEGMENTS" in lines
        msn = first = int(self._header(text, "MEDIA-SEQUENCE"))
        discontinuity = int(self._header(text, "DISCONTINUITY-SEQUENCE"))
        assert first >= self.first, "MEDIA-SEQUENCE fell"
        self.first = first
        init, duration, start = "", 0.0, 0.0
        for line in lines:
            if line == "#EXT-X-DISCONTINUITY":
                discontinuity += 1
            elif line.startswith("#EXT-X-MAP:"):
                init = line.split('"')[1]
            elif line.startswith("#EXT-X-PROGRAM-DATE-TIME:"):
                start = datetime.fromisoformat(line.split(":", 1)[1]).timestamp()
            elif line.startswith("#EXTINF:"):
                duration = float(line[8:].rstrip(","))
            elif line and not line.startswith("#"):
                listed = Listed(line, duration, start, discontinuity, init)
                self._check_segment(msn, listed)
                msn += 1
        assert msn > first, "an empty playlist"
        assert msn >= max(self.seen) + 1, "a listed segment vanished from the end"
        self.ended = lines[-1] == "#EXT-X-ENDLIST"
        if first > 0 and first > min(self.seen):
            listed_duration = sum(self.seen[n].duration for n in range(first, msn))
            assert listed_duration >= 3 * target - 1e-6, "shorter than three Target Durations"

    def _check_segment(self, msn: int, listed: Listed) -> None:
        assert int(listed.duration + 0.5) <= self.target_duration, f"{listed} exceeds the Target Duration"
        if msn in self.seen:
            assert self.seen[msn] == listed, "a listed segment changed"
        else:
            self.seen[msn] = listed
        if (before := self.seen.get(msn - 1)) is not None:
            assert listed.start >= before.start + before.duration - 0.002, "PROGRAM-DATE-TIME overlaps"
            if listed.discontinuity == before.discontinuity:
                assert listed.init == before.init, "a new EXT-X-MAP without a discontinuity"
                assert listed.start <= before.start + before.duration + 0.002, (
                    "a hole without a discontinuity"
                )
        for uri in (listed.uri, listed.init):
            path = self.folder / self.variant / uri
            if uri not in self.hashes:
                data = path.read_bytes()
                assert_whole_boxes(data)
                self.hashes[uri] = hashlib.sha1(data).hexdigest()

    def check_bytes(self) -> None:
        """No URI that still exists has other bytes than when it was first listed."""
        for uri, digest in self.hashes.items():
            path = self.folder / self.variant / uri
            if path.exists():
                assert hashlib.sha1(path.read_bytes()).hexdigest() == digest, f"{uri} changed"

    @staticmethod
    def _header(text: str, name: str) -> str:
        found = re.findall(rf"^#EXT-X-{name}:(.*)$", text, re.MULTILINE)
        assert len(found) == 1, f"{name} stands {len(found)} times"
        return str(found[0])

    @property
    def discontinuities(self) -> int:
        return len({listed.discontinuity for listed in self.seen.values()})

    @property
    def last(self) -> int:
        return max(self.seen, default=-1)

    def decode(self) -> str:
        """What ffmpeg complains of when it decodes all that is listed now.

        One playlist per init section: ffmpeg's HLS reader keeps the first one's decoder configuration.
        """
        complaints = ""
        groups: dict[str, list[Listed]] = {}
        for msn in range(self.first, self.last + 1):
            groups.setdefault(self.seen[msn].init, []).append(self.seen[msn])
        copy = self.folder / self.variant / "part.m3u8"
        for init, group in groups.items():
            segments = "".join(f"#EXTINF:{listed.duration},\n{listed.uri}\n" for listed in group)
            copy.write_text(
                f"#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:{self.target_duration}\n"
                f'#EXT-X-MAP:URI="{init}"\n{segments}#EXT-X-ENDLIST\n'
            )
            command = [self.ffmpeg, "-v", "error", "-i", str(copy), "-f", "null", "-"]
            done = subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, check=False)
            complaints += done.stderr.decode()
        copy.unlink()
        return complaints


def assert_whole_boxes(data: bytes) -> None:
    at, names = 0, []
    while at < len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        assert size >= 8, "a box without size"
        names.append(data[at + 4 : at + 8])
        at += size
    assert at == len(data), "the last box is cut off"
    assert names[:2] == [b"ftyp", b"moov"] or names == [b"moof", b"mdat"] * (len(names) // 2), names


@contextlib.asynccontextmanager
async def on_air(ingest: Ingest, viewer: Viewer) -> AsyncIterator[asyncio.Task[None]]:
    """Run ``ingest`` with ``viewer`` reloading all the while; a broken rule ends the test."""

    async def watch() -> None:
        while True:
            viewer.reload()
            await asyncio.sleep(0.03)

    task = asyncio.create_task(ingest.run())
    watcher = asyncio.create_task(watch())
    try:
        yield task
    finally:
        task.cancel()
        outcome = (await asyncio.gather(task, return_exceptions=True))[0]
        watcher.cancel()
        watched = (await asyncio.gather(watcher, return_exceptions=True))[0]
    if isinstance(watched, AssertionError):
        raise watched
    if isinstance(outcome, Exception):
        raise outcome
    viewer.reload()
    viewer.check_bytes()


@pytest.fixture(name="on_air")
def _on_air() -> Callable[..., object]:
    return on_air


@pytest.fixture
def viewer(tmp_path: Path, ffmpeg: str) -> Viewer:
    return Viewer(tmp_path / "feed" / "s", ffmpeg)
