"""A viewer's or publisher's line to the server: a relay before it that passes on so many bytes a second."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

SLICES = 40
"""A second's bytes in so many: all connections share the line in turns."""
CATCH_UP = 0.1
"""Seconds by which a busy machine may be late without the line being slower for it."""


class Line:
    """``rate`` (bytes/s, downwards) and ``up`` (upwards, ``None``: no bound) may be changed at any time."""

    def __init__(self, port: int, rate: float) -> None:
        self.rate = rate
        self.up: float | None = None
        self.url = ""
        self._port = port
        self._free = 0.0
        """When the line has room again, on the loop's clock."""
        self._free_up = 0.0
        self._open: set[asyncio.StreamWriter] = set()

    def cut(self) -> None:
        """Every connection is lost, at both ends; new ones are made as before."""
        for writer in [*self._open]:
            writer.transport.abort()

    async def relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            from_server, to_server = await asyncio.open_connection("127.0.0.1", self._port)
            both = {writer, to_server}
            self._open |= both
            try:
                async with asyncio.TaskGroup() as group:
                    up = group.create_task(self._up(reader, to_server))
                    await self._down(from_server, writer)
                    up.cancel()
            finally:
                self._open -= both
                to_server.close()
        except (OSError, ExceptionGroup):
            pass  # one of them is gone
        finally:
            writer.close()

    async def _up(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        now = asyncio.get_running_loop().time
        while data := await reader.read((1 << 16) if self.up is None else int(self.up / SLICES)):
            if self.up is not None:
                self._free_up = max(self._free_up, now() - CATCH_UP) + len(data) / self.up
                await asyncio.sleep(max(0, self._free_up - now()))
            writer.write(data)
            await writer.drain()
        writer.write_eof()

    async def _down(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        now = asyncio.get_running_loop().time
        while data := await reader.read(int(self.rate / SLICES)):
            self._free = max(self._free, now() - CATCH_UP) + len(data) / self.rate
            await asyncio.sleep(max(0, self._free - now()))
            writer.write(data)
            await writer.drain()


@asynccontextmanager
async def line(port: int, rate: float) -> AsyncIterator[Line]:
    """A line of ``rate`` bytes/s to the server at ``port``; its address is the server's for who uses it."""
    found = Line(port, rate)
    tasks: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(found.relay(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    async with await asyncio.start_server(accept, "127.0.0.1", 0) as server:
        found.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield found
        server.close()
        for task in [*tasks]:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
