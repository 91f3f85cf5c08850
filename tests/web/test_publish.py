"""The handshake at /api/publish/NAME, and what is there without a WebSocket."""

from __future__ import annotations

import asyncio
import http.client
from pathlib import Path

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Origin

from tests.publish.studio import Studio, studio


async def ask(here: Studio, path: str) -> tuple[int, str | None]:
    def send() -> tuple[int, str | None]:
        connection = http.client.HTTPConnection("127.0.0.1", here.running.bound.port, timeout=60)
        connection.request("GET", path)
        answer = connection.getresponse()
        answer.read()
        connection.close()
        return answer.status, answer.getheader("Access-Control-Allow-Origin")

    return await asyncio.to_thread(send)


async def handshake(here: Studio, path: str) -> int:
    with pytest.raises(InvalidStatus) as refused:
        await connect(f"ws://127.0.0.1:{here.running.bound.port}{path}")
    return refused.value.response.status_code


async def test_it_is_closed_unless_the_operator_names_it(tmp_path: Path) -> None:
    async with studio(tmp_path) as here:
        assert await ask(here, "/api/publish/garden") == (404, "*")
        assert await handshake(here, "/api/publish/garden") == 404


async def test_a_page_can_ask_and_no_compression_is_agreed_on(tmp_path: Path) -> None:
    async with studio(tmp_path, "browser") as here:
        assert await ask(here, "/api/publish/garden") == (426, "*")
        assert await ask(here, "/api/publish/.hidden") == (404, "*")
        for path in ("/api/publish/", "/api/publish/a/b", "/api/publish/%2e%2e"):
            assert await handshake(here, path) == 404
        url = f"ws://127.0.0.1:{here.running.bound.port}/api/publish/garden"
        async with connect(url, compression="deflate", origin=Origin("https://elsewhere.example")) as socket:
            assert socket.response is not None
            assert "Sec-WebSocket-Extensions" not in socket.response.headers
            socket.transport.abort()
