"""A tracker on a real socket, served as in production: through ASGI, and straight on its transport."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass

import pytest
import pytest_asyncio

from seeder.tracker import Limits, Tracker
from seeder.web import ServerConfig, serve


@dataclass
class Running:
    tracker: Tracker
    url: str
    """``ws://…/announce``."""


Start = Callable[..., Awaitable[Running]]


@pytest.fixture(params=["asgi", "adopted"])
def carriage(request: pytest.FixtureRequest) -> str:
    """How messages reach the tracker: every story holds for both."""
    found: str = request.param
    return found


@pytest_asyncio.fixture(loop_scope="session")
async def start(carriage: str) -> AsyncIterator[Start]:
    """``running = await start(limits, knows)``"""
    async with AsyncExitStack() as stack:

        async def run(
            limits: Limits | None = None, knows: Callable[[bytes], bool] = lambda infohash: True
        ) -> Running:
            tracker = await stack.enter_async_context(Tracker(knows, limits=limits))

            async def app(scope, receive, send):  # type: ignore[no-untyped-def]
                if scope["type"] == "websocket":
                    await tracker(scope, receive, send)

            config = ServerConfig(port=0, grace=0.5)
            adopt = tracker.adopt if carriage == "adopted" else None
            bound = await stack.enter_async_context(serve(app, config, closing=[tracker.close], adopt=adopt))
            return Running(tracker, f"ws://127.0.0.1:{bound.port}/announce")

        yield run


@pytest.fixture
def infohash() -> bytes:
    return b"\xff\x00infohash\xe9\xfe".ljust(20, b"\x80")
