"""Other people's sites: pages of another origin that use ours."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


@asynccontextmanager
async def site(html: str) -> AsyncIterator[str]:
    """A server that answers everything with this page; its address."""
    body = html.encode()
    fields = f"Content-Type: text/html\r\nContent-Length: {len(body)}\r\nConnection: close"
    head = f"HTTP/1.1 200 OK\r\n{fields}\r\n\r\n"

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(head.encode() + body)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
