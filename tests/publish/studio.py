"""A real service that takes publishers with real keys, and real encoders that publish to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import imageio_ffmpeg

from seeder import service
from seeder.config import Config, Plan
from seeder.publish.keyfile import KeyFile
from seeder.service import Service
from tests.publish.encoder import AAC, H264, PICTURE, TONE

PATIENCE = 90.0


class Studio:
    def __init__(self, running: Service, keys: KeyFile, feed: Path) -> None:
        self.running = running
        self.keys = keys
        self.feed = feed

    def port(self, protocol: str) -> int:
        return dict(self.running.published)[protocol]

    def key(self, stream: str) -> str:
        """A new one."""
        return self.keys.change(lambda all_: all_.created(stream, 0)[0::2])

    async def playing(self, stream: str, segments: int = 2) -> None:
        """Until ``stream`` has so many segments."""
        await until(lambda: (view := self.running.library.stream(stream)) and view.segments >= segments)

    async def idle(self) -> None:
        """Until nobody publishes."""
        await until(lambda: self.running.desk is not None and not self.running.desk.sessions())

    def playlist(self, stream: str) -> str:
        return next((self.feed / stream).rglob("index.m3u8")).read_text()


@asynccontextmanager
async def studio(tmp_path: Path, *publish: str, **settings: object) -> AsyncIterator[Studio]:
    """``publish``: protocols; each at a free port."""
    feed = tmp_path / "feed"
    feed.mkdir(exist_ok=True)
    keys = KeyFile(tmp_path / "keys.json")
    ports = tuple(f"{protocol}:0" for protocol in publish)
    config = Config(port=0, segment_seconds=1.0, publish=ports, keys=tmp_path / "keys.json", **settings)  # type: ignore[arg-type]
    async with service.running(Plan(config, feed)) as running:
        yield Studio(running, keys, feed)


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0.05)


class Publisher:
    """An ffmpeg, or another program."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def said(self) -> str:
        """Once it has ended: what stands on its standard error."""
        async with asyncio.timeout(PATIENCE):
            _, errors = await self._process.communicate()
        return errors.decode(errors="replace")

    def kill(self) -> None:
        """-9."""
        self._process.kill()

    def send(self, signal: int) -> None:
        self._process.send_signal(signal)

    @property
    def runs(self) -> bool:
        return self._process.returncode is None


@asynccontextmanager
async def program(*command: str) -> AsyncIterator[Publisher]:
    """Dead when the block is left."""
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield Publisher(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


def ffmpeg(*output: str, video: bool = True, audio: bool = True, seconds: float = 300) -> tuple[str, ...]:
    """A picture and a tone in real time; ``output``: further options, the format and the address."""
    return (
        *(str(imageio_ffmpeg.get_ffmpeg_exe()), "-nostdin", "-v", "error"),
        *(("-re", *PICTURE) if video else ()),
        *(("-re", *TONE) if audio else ()),
        *("-t", str(seconds), *(H264 if video else ()), *(AAC if audio else ()), *output),
    )
