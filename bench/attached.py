"""A feed on a web server of its own, and ``live-torrent attach`` on top of it, for those that measure it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Protocol

from aiohttp import web

from bench.server import Server, running


class Feed(Protocol):
    """A packager and what its web server answers."""

    url: str
    """Its playlist's, once it is served."""

    async def publish(self) -> None:
        """Without end."""

    async def serve(self, request: web.Request) -> web.Response: ...


@asynccontextmanager
async def attaching(feed: Feed, *flags: str) -> AsyncIterator[tuple[Server, str]]:
    """The command on top of the feed, and its playlist's URL. Everything has ended afterwards."""
    async with AsyncExitStack() as stack:
        await _served(feed, stack)
        group = await stack.enter_async_context(asyncio.TaskGroup())
        publishing = group.create_task(feed.publish())
        stack.callback(publishing.cancel)
        starting = running("attach", feed.url, "--name", "show", "--log-level", "warning", *flags)
        server: Server = await asyncio.to_thread(stack.enter_context, starting)
        yield server, f"{server.address}/live/show/v0/index.m3u8"


async def _served(feed: Feed, stack: AsyncExitStack) -> None:
    app = web.Application()
    app.router.add_get("/{name}", feed.serve)
    # A blocking reload that nobody waits for any more: cleanup would stay for it for a minute.
    runner = web.AppRunner(app, handler_cancellation=True)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    feed.url = f"http://127.0.0.1:{runner.addresses[0][1]}/index.m3u8"
