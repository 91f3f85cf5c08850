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
PATIENCE = 90.0


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


CONTROL = "#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL=6,PART-HOLD-BACK=0.75\n"


@dataclass
class LowLatency(Packager):
    """Lists four parts of a segment before the segment, and keeps a reload waiting for them."""

    head: str = f"{CONTROL}#EXT-X-PART-INF:PART-TARGET=0.25\n"
    listed: int = 0
    """Parts of the segment that comes next."""
    news: asyncio.Event = field(default_factory=asyncio.Event)
    waiting: int = 0
    most: int = 0
    """Reloads that waited at once."""
    patience: float = 3.0
    """Target durations that a reload may wait."""

    def on_part(self) -> None:
        """The next part is listed, as the last of a segment with it."""
        self.listed = (self.listed + 1) % 4
        self.first += self.listed == 0
        following = self.first + self.count
        names = [f"p{following}.{part}.ts" for part in range(self.listed + 1)]
        parts = [f'#EXT-X-PART:DURATION=0.25,URI="{name}"\n' for name in names[:-1]]
        self.tail = "".join([*parts, f'#EXT-X-PRELOAD-HINT:TYPE=PART,URI="{names[-1]}"\n'])
        self.news.set()
        self.news = asyncio.Event()

    async def serve(self, request: web.Request) -> web.StreamResponse:
        if (msn := int(request.query.get("_HLS_msn", -1))) >= 0:
            part = int(request.query.get("_HLS_part", 0))
            self.waiting += 1
            self.most = max(self.most, self.waiting)
            try:
                async with asyncio.timeout(self.patience * self.target):
                    while (self.first + self.count, self.listed) <= (msn, part):
                        await self.news.wait()
            except TimeoutError:
                self.asked.append(request.path_qs)
                return web.Response(status=503)
            finally:
                self.waiting -= 1
        return await super().serve(request)


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
