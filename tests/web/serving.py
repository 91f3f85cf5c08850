"""The smallest application there is, and what a server says to raw bytes."""

from __future__ import annotations

import asyncio
import json
from typing import Any

PATIENCE = 30.0
SOON = 27.0
"""Less than the 30 s after which a silent connection is ended anyway."""
ANNOUNCE = json.dumps({"action": "announce", "info_hash": "i" * 20, "peer_id": "p" * 20, "left": 0})


async def hello(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] != "http":
        return
    if scope["path"] == "/crash":
        raise RuntimeError("an application's bug")
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"5")]})
    await send({"type": "http.response.body", "body": b"hello"})


async def raw(port: int, data: bytes) -> bytes:
    """What the server says to ``data`` until it closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(data)
    writer.write_eof()
    async with asyncio.timeout(PATIENCE):
        answer = await reader.read()
    writer.close()
    return answer
