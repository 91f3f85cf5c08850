"""A studio: a real library into which a test publishes real segments, one by one, and the real server."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest_asyncio

from seeder.feed.library import Library
from seeder.model import Kind, PublishedPlaylist, Resource, StreamView
from seeder.onward.channel import Channels
from seeder.stats.counters import HttpCounters
from seeder.web import Bound, ServerConfig, create_app, serve

PATIENCE = 90.0
MASTER = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=900000\nv0/index.m3u8\n"


async def eventually(claim: Callable[[], bool], what: str) -> None:
    async with asyncio.timeout(PATIENCE):
        while not claim():
            await asyncio.sleep(0.02)
    assert claim(), what


@dataclass
class Studio:
    """One stream, ``demo``: a window of segments of 2 s taken from a finished folder, over and over."""

    library: Library
    channels: Channels
    bound: Bound
    counters: HttpCounters
    source: Path
    window: int = 3
    lines: list[list[str]] = field(default_factory=list)
    resources: dict[str, Resource] = field(default_factory=dict)
    msn: int = 0
    version: int = 0
    at: int = 0

    @property
    def url(self) -> str:
        return f"{self.bound.url}/live/demo.ts"

    def segment(self, *tags: str, of: int | None = None) -> None:
        """The next one of the folder, or ``of``; with ``tags`` before it."""
        number = self.at if of is None else of
        self.at = (number + 1) % 6
        suffix = "ts" if (self.source / "seg0.ts").exists() else "m4s"
        name = f"{self.msn + len(self.lines)}.{suffix}"
        self._hold(name, Kind.SEGMENT, self.source / f"seg{number}.{suffix}")
        if suffix == "m4s":
            self._hold("init.mp4", Kind.INIT, self.source / "init.mp4")
        self.lines.append([*tags, "#EXTINF:2.0,", name])
        while len(self.lines) > self.window:
            del self.resources[f"v0/{self.lines.pop(0)[-1]}"]
            self.msn += 1
        self.publish()

    def publish(self, ended: bool = False, playlist: str = "") -> None:
        self.version += 1
        first = '#EXT-X-MAP:URI="init.mp4"\n' if "v0/init.mp4" in self.resources else ""
        body = "".join("\n".join(lines) + "\n" for lines in self.lines)
        head = f"#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:{self.msn}\n"
        text = head + first + body
        text = playlist or text + ("#EXT-X-ENDLIST\n" if ended else "")
        playlists = [
            PublishedPlaylist("master.m3u8", MASTER, True, {}, False, 1),
            PublishedPlaylist("v0/index.m3u8", text, False, {}, not ended, self.version),
        ]
        self.library.publish(
            StreamView(
                "demo", not ended, {p.path: p for p in playlists}, dict(self.resources), 2.0, len(self.lines)
            )
        )

    def _hold(self, name: str, kind: Kind, file: Path) -> None:
        data = file.read_bytes()
        self.resources[f"v0/{name}"] = Resource(f"v0/{name}", kind, "video/mp4", len(data), '"x"', data)


Make = Callable[[Path], Studio]


@pytest_asyncio.fixture(loop_scope="session")
async def studio(tmp_path: Path) -> AsyncIterator[Make]:
    async with AsyncExitStack() as stack:
        library, counters = Library(tmp_path), HttpCounters()
        channels = Channels(library, linger=0.5)
        app = create_app(library, counters=counters, channels=channels)
        bound = await stack.enter_async_context(
            serve(app, ServerConfig(port=0, grace=1.0), closing=[channels.close])
        )
        yield lambda source: Studio(library, channels, bound, counters, source)


@dataclass
class Frames:
    """What ffmpeg reads in a file: decoding times in ticks of 90 kHz, by stream."""

    times: dict[int, list[int]]
    complaints: str

    @property
    def seconds(self) -> float:
        """From the first to the last picture."""
        return (self.times[0][-1] - self.times[0][0]) / 90_000


def frames(ffmpeg: str, file: Path) -> Frames:
    command = [
        ffmpeg,
        "-v",
        "warning",
        "-copyts",
        "-i",
        str(file),
        "-map",
        "0",
        "-c",
        "copy",
        "-f",
        "framecrc",
        "-",
    ]
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    times: dict[int, list[int]] = {}
    for line in done.stdout.splitlines():
        if not line.startswith("#"):
            stream, dts = line.split(",")[:2]
            times.setdefault(int(stream), []).append(int(dts))
    return Frames(times, done.stderr)
