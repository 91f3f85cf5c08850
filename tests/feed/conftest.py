"""A feed that is being published, and writers for it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import pytest

from seeder.feed.library import Library
from seeder.feed.task import FeedConfig, FeedTask
from seeder.hls.playlist import MediaPlaylist, parse
from seeder.model import PublishedPlaylist, Resource, StreamView, Torrent
from seeder.torrent.session import SeedSession
from seeder.torrent.settings import SeedSettings

T = TypeVar("T")


async def until(condition: Callable[[], T], seconds: float = 90) -> T:
    """Poll until ``condition`` holds; generous, because the machine may be busy."""
    async with asyncio.timeout(seconds):
        while not (found := condition()):
            await asyncio.sleep(0.01)
        return found


@dataclass
class Feed:
    """What a test sees of a running feed task."""

    folder: Path
    library: Library
    task: FeedTask
    session: SeedSession | None
    retired: list[bytes] = field(default_factory=list)

    def view(self, stream: str) -> StreamView:
        view = self.library.stream(stream)
        assert view is not None, f"no stream {stream}"
        return view

    def playlist(self, stream: str, path: str = "index.m3u8") -> PublishedPlaylist:
        return self.view(stream).playlists[path]

    def listed(self, stream: str, path: str = "index.m3u8") -> list[str]:
        media = parse(self.playlist(stream, path).text)
        assert isinstance(media, MediaPlaylist)
        return [s.uri for s in media.segments]

    def tagged(self, stream: str, path: str = "index.m3u8") -> bool:
        """The stream is there and every segment of the playlist has its torrent."""
        view = self.library.stream(stream)
        if view is None or path not in view.playlists:
            return False
        return 0 < len(view.playlists[path].torrents) == self.playlist(stream, path).text.count("#EXTINF")

    def resource(self, stream: str, path: str) -> Resource:
        found = self.library.resource(stream, path)
        assert found is not None, f"nothing at {stream}/{path}"
        return found

    def bytes_of(self, stream: str, path: str) -> bytes:
        data = self.library.read(self.resource(stream, path))
        if isinstance(data, bytes):
            return data
        with data:
            return data.read()

    def torrent(self, stream: str, path: str) -> Torrent:
        torrent = self.resource(stream, path).torrent
        assert torrent is not None, f"{path} has no torrent"
        return torrent


@contextlib.asynccontextmanager
async def running(
    folder: Path,
    *,
    seed: bool = False,
    loop: bool = False,
    max_torrents: int = 100,
    **config: object,
) -> AsyncIterator[Feed]:
    """A feed task over ``folder``, ready; stopped at the end."""
    async with contextlib.AsyncExitStack() as stack:
        session = None
        if seed:
            settings = SeedSettings(max_torrents=max_torrents, at_home=True)
            session = await stack.enter_async_context(SeedSession(settings))
        library = Library(folder)
        retired: list[bytes] = []
        feed_config = FeedConfig(folder, loop=loop, **{"scan_seconds": 1.0, **config})  # type: ignore[arg-type]
        task = FeedTask(feed_config, library, session, on_retire=retired.append)
        feed = Feed(folder, library, task, session, retired)
        job = asyncio.create_task(task.run())
        ready = asyncio.create_task(task.ready.wait())
        try:
            await asyncio.wait([job, ready], timeout=60, return_when=asyncio.FIRST_COMPLETED)
            assert ready.done(), job
            yield feed
        finally:
            ready.cancel()
            job.cancel()
            await asyncio.gather(job, ready, return_exceptions=True)
        assert library.streams() == ()


Running = Callable[..., contextlib.AbstractAsyncContextManager[Feed]]


@pytest.fixture
def publishing() -> Running:
    """``async with publishing(folder, seed=…, loop=…) as feed``."""
    return running


@pytest.fixture
def wait_until() -> Callable[..., object]:
    return until
