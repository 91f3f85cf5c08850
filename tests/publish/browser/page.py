"""Somebody who publishes over the WebSocket, without a browser."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.publish.studio import PATIENCE, Studio


class Page:
    """One connection, and what it heard."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.heard: list[dict[str, Any]] = []
        self._changed = asyncio.Event()
        self._listening = asyncio.create_task(self._listen())

    async def _listen(self) -> None:
        try:
            async for message in self.socket:
                self.heard.append(json.loads(message))
                self._changed.set()
        except ConnectionClosed:
            pass
        self._changed.set()

    async def say(self, kind: str, **members: object) -> None:
        await self.socket.send(json.dumps({"type": kind, **members}))

    async def send(self, data: bytes, size: int = 20_000) -> None:
        for at in range(0, len(data), size):
            await self.socket.send(data[at : at + size])

    async def hears(self, kind: str, **members: object) -> dict[str, Any]:
        """The next message of this kind, with these members, that it has not been asked for yet."""
        async with asyncio.timeout(PATIENCE):
            while True:
                for at, message in enumerate(self.heard):
                    if message["type"] == kind and members.items() <= message.items():
                        del self.heard[at]
                        return message
                assert not self._listening.done(), (kind, self.heard, self.socket.close_code)
                self._changed.clear()
                await self._changed.wait()

    async def over(self) -> int:
        """The close code; the error before it says the same."""
        async with asyncio.timeout(PATIENCE):
            await self._listening
        code = self.socket.close_code
        assert code is not None
        said = [message["status"] for message in self.heard if message["type"] == "error"]
        assert said == ([code - 4000] if code > 4000 else [])
        return code

    async def vanish(self) -> None:
        """Without a word: as a network that is gone, once the kernel has told both ends."""
        self.socket.transport.abort()
        await self._listening


@asynccontextmanager
async def page(here: Studio, name: str = "garden", **options: Any) -> AsyncIterator[Page]:
    port = here.running.bound.port
    async with connect(f"ws://127.0.0.1:{port}/api/publish/{name}", **options) as socket:
        found = Page(socket)
        try:
            yield found
        finally:
            socket.transport.abort()
            await found._listening


@asynccontextmanager
async def on_air(here: Studio, name: str = "garden", **members: object) -> AsyncIterator[Page]:
    """One whose key is good."""
    async with page(here, name) as found:
        await found.say("start", **(members if "key" in members else {"key": here.key(name), **members}))
        found.ready = await found.hears("ready", stream=name)  # type: ignore[attr-defined]
        yield found
