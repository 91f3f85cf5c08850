"""A library in which finished folders and live windows of real segments are published."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

import pytest
import pytest_asyncio

from seeder.events import Events
from seeder.feed.beneath import signature_of
from seeder.feed.library import Library
from seeder.hls.names import content_type
from seeder.model import Kind, PublishedPlaylist, Resource, StreamView
from seeder.posters.posters import Posters


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Gallery:
    """A feed, its library, and who makes its posters."""

    def __init__(self, feed: Path) -> None:
        self.library = Library(feed)
        self.feed = self.library.feed
        self.events = Events()
        self.clock = Clock()
        self.posters = Posters(self.library, self.events, clock=self.clock)
        self._version = 0

    def publish(self, folder: Path, name: str, live: bool = False, window: slice = slice(None)) -> Path:
        """``folder`` (``index.m3u8`` and its files), copied to the feed, published as ``name``."""
        self._version += 1
        own = self.feed / name
        own.mkdir(parents=True, exist_ok=True)
        head, lines, resources = ["#EXTM3U", "#EXT-X-VERSION:7", "#EXT-X-TARGETDURATION:2"], [], {}
        for line in (folder / "index.m3u8").read_text().splitlines():
            if line.startswith("#EXT-X-MAP"):
                head.append(line)
            elif line and not line.startswith("#"):
                lines.append(line)
        kept = lines[window]
        for file in (*kept, *(["init.mp4"] if (folder / "init.mp4").exists() else [])):
            copy = own / file
            copy.write_bytes((folder / file).read_bytes())
            etag = signature_of(copy.stat()).etag
            resources[file] = Resource(
                file, Kind.SEGMENT, content_type(file), copy.stat().st_size, etag, file=copy
            )
        body = [part for line in kept for part in ("#EXTINF:2.0,", line)]
        text = "\n".join([*head, *body, *([] if live else ["#EXT-X-ENDLIST"]), ""])
        (own / "master.m3u8").write_text(text)
        playlist = PublishedPlaylist("master.m3u8", text, False, {}, live, self._version)
        self.library.publish(StreamView(name, live, {playlist.path: playlist}, resources, 2.0, len(kept)))
        return own

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        working = asyncio.create_task(self.posters.run())
        try:
            yield
        finally:
            working.cancel()
            with suppress(asyncio.CancelledError):
                await working


@pytest_asyncio.fixture(loop_scope="session")
async def gallery(tmp_path: Path) -> AsyncIterator[Gallery]:
    async with AsyncExitStack() as stack:
        made = Gallery(tmp_path / "feed")
        await stack.enter_async_context(made.open())
        yield made


Film = Callable[..., Path]


@pytest.fixture(scope="session")
def film(ffmpeg: str, tmp_path_factory: pytest.TempPathFactory) -> Film:
    """``folder = film("color=black", …)``: a picture of ffmpeg's for each segment of 2 s. None: a tone."""

    def make(*pictures: str, size: str = "320x180") -> Path:
        folder = tmp_path_factory.mktemp("film")
        inputs: list[str] = []
        for picture in pictures:
            joined = f"{picture}{':' if '=' in picture else '='}size={size}:rate=5"
            inputs += ["-t", "2", "-f", "lavfi", "-i", joined]
        joined = "".join(f"[{n}:v]" for n in range(len(pictures))) + f"concat=n={len(pictures)}:v=1"
        picture = ["-filter_complex", joined, *("-c:v", "libx264", "-preset", "ultrafast", "-g", "10")]
        tone = ["-f", "lavfi", "-i", "sine=duration=4", "-c:a", "aac"]
        command = [
            *(ffmpeg, "-nostdin", "-hide_banner", "-loglevel", "error", *inputs),
            *(([*picture, "-pix_fmt", "yuv420p"]) if pictures else tone),
            *("-f", "hls", "-hls_time", "2", "-hls_list_size", "0"),
            *("-hls_segment_filename", str(folder / "seg%d.ts"), str(folder / "index.m3u8")),
        ]
        subprocess.run(command, check=True, timeout=100, cwd=folder)
        return folder

    return make
