"""What no client should send costs its own connection, and nothing else."""

from __future__ import annotations

import asyncio

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from seeder.web import ServerConfig, serve
from tests.web.conftest import Open
from tests.web.serving import PATIENCE, SOON, hello, raw


@pytest.mark.parametrize(
    "noise",
    [
        b"\x00\x01\x02\x03\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\n" + b"x: y\r\n" * 20_000 + b"\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\nConnection: Upgrade\r\nHTTP2-Settings: x\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01",
    ],
)
async def test_noise_costs_its_connection_and_no_traceback(
    noise: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with serve(hello, ServerConfig(port=0, grace=0.1)) as bound:
        await raw(bound.port, noise)
        assert (await raw(bound.port, b"GET / HTTP/1.0\r\n\r\n")).endswith(b"hello")
    assert not [record for record in caplog.records if record.exc_info or record.levelname == "ERROR"]


async def test_a_refused_handshake_ends_its_connection_though_the_client_stays() -> None:
    async with serve(hello, ServerConfig(port=0)) as bound:
        reader, writer = await asyncio.open_connection("127.0.0.1", bound.port)
        writer.write(b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
        async with asyncio.timeout(SOON):
            assert (await reader.read()).startswith(b"HTTP/1.1 400 ")
        writer.close()


async def test_an_applications_bug_is_a_500_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    async with serve(hello, ServerConfig(port=0, grace=0.1)) as bound:
        reader, writer = await asyncio.open_connection("127.0.0.1", bound.port)
        writer.write(b"GET /crash HTTP/1.1\r\nHost: a\r\n\r\n")
        async with asyncio.timeout(PATIENCE):
            assert b" 500 " in await reader.readuntil(b"\r\n\r\n")
        writer.close()
    assert any("an application's bug" in str(record.exc_info) for record in caplog.records)


@pytest.mark.parametrize("path", ["/announce", "/", "/live/demo/master.m3u8", "/nothing"])
async def test_websockets_where_none_are_taken_are_refused(
    open_site: Open, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    """``/announce`` too, where the tracker is elsewhere."""
    site = await open_site(announce=None)
    with pytest.raises(InvalidStatus):
        await connect(f"ws://127.0.0.1:{site.bound.port}{path}")
    assert not [record for record in caplog.records if record.exc_info or record.levelname == "ERROR"]
