"""Somebody else's static web server: files of a folder, with Range, and what was asked of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web

TYPES = {
    ".m3u8": "application/vnd.apple.mpegurl",
    ".ts": "video/mp2t",
    ".m4s": "video/iso.segment",
    ".mp4": "video/mp4",
    ".js": "text/javascript",
}


@dataclass
class StaticHost:
    """A running one."""

    url: str
    asked: list[str] = field(default_factory=list)
    """Paths, in order."""


@asynccontextmanager
async def static_host(folder: Path, *, cors: bool = False) -> AsyncIterator[StaticHost]:
    """``cors``: it lets pages of other origins read."""
    asked: list[str] = []

    @web.middleware
    async def note(
        request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        asked.append(request.path)
        return await handler(request)

    async def dress(request: web.Request, response: web.StreamResponse) -> None:
        kind = TYPES.get(Path(request.path).suffix)
        if kind is not None and response.status < 300:
            response.content_type = kind
        if cors:
            response.headers["Access-Control-Allow-Origin"] = "*"

    app = web.Application(middlewares=[note])
    app.on_response_prepare.append(dress)
    app.router.add_static("/", folder)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield StaticHost(f"http://127.0.0.1:{runner.addresses[0][1]}", asked)
    finally:
        await runner.cleanup()
