"""An upstream under our hand: a packager, its web server, and what can go wrong with both."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web

from seeder.feed.library import Library
from seeder.feed.remote.task import Attach, AttachTask
from seeder.model import PublishedPlaylist, StreamView
from tests.fetch.hosting import host

HLS = "application/vnd.apple.mpegurl"
PATIENCE = 20.0


@dataclass
class Packager:
    """Lists segments ``s<msn>.ts`` of a tenth of a second's worth of nothing, each with its number in it."""

    first: int = 0
    count: int = 4
    target: int = 1
    name: str = "s"
    ended: bool = False
    head: str = ""
    tail: str = ""
    salt: str = ""
    """In the bytes of segments."""
    failing: dict[str, Any] = field(default_factory=dict)
    """Path → a status, or a function of request and response body."""
    asked: list[str] = field(default_factory=list)
    cors: bool = True

    def playlist(self) -> str:
        lines = [
            f"#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:{self.target}\n#EXT-X-MEDIA-SEQUENCE:{self.first}\n"
        ]
        lines += [self.head]
        lines += [
            f"#EXTINF:{self.target},\n{self.name}{n}.ts\n" for n in range(self.first, self.first + self.count)
        ]
        lines += [self.tail, "#EXT-X-ENDLIST\n" if self.ended else ""]
        return "".join(lines)

    def segment(self, name: str) -> bytes:
        return f"{self.salt}{name}".encode() * 5000

    def on(self, more: int = 1) -> None:
        """The next segments are listed."""
        self.first += more

    async def serve(self, request: web.Request) -> web.StreamResponse:
        path = request.match_info["path"].removeprefix("live/")
        self.asked.append(request.path_qs)
        failing = self.failing.get(path)
        if isinstance(failing, int):
            return web.Response(status=failing)
        headers = {"Access-Control-Allow-Origin": "*"} if self.cors else {}
        if path.endswith(".m3u8"):
            body, kind = self.playlist().encode(), HLS
        else:
            body, kind = self.segment(path), "video/mp2t"
        if failing is not None:
            made: web.StreamResponse = await failing(request, body)
            return made
        etag = f'"{hash(body):x}"'
        if request.headers.get("If-None-Match") == etag:
            return web.Response(status=304)
        return web.Response(body=body, content_type=kind, headers=headers | {"ETag": etag})


@dataclass
class Attached:
    base: str
    library: Library
    task: AttachTask

    @property
    def view(self) -> StreamView:
        view = self.library.stream("show")
        assert view is not None
        return view

    def playlist(self, path: str = "v0/index.m3u8") -> PublishedPlaylist:
        return self.view.playlists[path]

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not _holds(condition):
                await asyncio.sleep(0.02)

    def tagged(self) -> bool:
        """Every segment of the only playlist has its torrent."""
        playlist = self.playlist()
        return len(playlist.torrents) == playlist.text.count("#EXTINF")


def _holds(condition: Callable[[], bool]) -> bool:
    with suppress(AssertionError, KeyError):
        return condition()
    return False


@asynccontextmanager
async def attached(
    packager: Packager, tmp_path: Path, path: str = "index.m3u8", **settings: Any
) -> AsyncIterator[Attached]:
    async with host({"{path:.*}": packager.serve}) as base:
        library = Library(tmp_path)
        attach = Attach(f"{base}/live/{path}", "show", **settings)
        task = AttachTask(attach, library, None)
        running = asyncio.create_task(task.run())
        try:
            yield Attached(base, library, task)
        finally:
            running.cancel()
            await asyncio.wait([running])
            if not running.cancelled() and running.exception() is not None:
                raise running.exception()  # type: ignore[misc]
