"""HTTPS at the port, and WebSockets handed over to whom they are for."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress
from pathlib import Path
from unittest.mock import ANY

import pytest

from seeder.web import ServerConfig, self_signed, serve
from tests.web.asking import CLOSE, FILE, LAST, PAGE, PATIENCE, PLAYLIST, SEG, ask, told, understood
from tests.web.conftest import RECORDED, SEGMENT, Open, Site


async def test_over_tls_the_same_bytes_come_out(open_site: Open, tmp_path: Path) -> None:
    site = await open_site(certificate=self_signed(tmp_path / "state", "127.0.0.1"))
    context = ssl._create_unverified_context()
    reader, writer = await asyncio.open_connection("127.0.0.1", site.bound.port, ssl=context)
    asked = (ask(SEG), ask(PAGE), ask(PLAYLIST), ask(FILE), ask(SEG, CLOSE))
    writer.write(b"".join(asked))
    async with asyncio.timeout(PATIENCE):
        heard = understood(await reader.read(), asked)
    assert [len(body) for _, _, body in heard] == [len(SEGMENT), ANY, ANY, len(RECORDED), len(SEGMENT)]
    assert b"https" in heard[2][2]
    writer.close()


class Echo(asyncio.Protocol):
    """Who adopts a connection, as simple as can be."""

    def __init__(self, transport: asyncio.Transport, head: bytes) -> None:
        self.transport = transport
        transport.set_protocol(self)
        transport.write(b"adopted " + head[-5:])

    def data_received(self, data: bytes) -> None:
        self.transport.write(data)


UPGRADE = ("Upgrade: websocket", "Connection: Upgrade")


@pytest.mark.parametrize("secure", [False, True])
async def test_a_websocket_is_handed_over_with_what_came_behind_its_head(
    open_site: Open, tmp_path: Path, secure: bool
) -> None:
    site = await open_site()
    certificate = self_signed(tmp_path / "state", "127.0.0.1") if secure else None
    config = ServerConfig(port=0, grace=0.1, certificate=certificate, max_connections=1)
    async with serve(site.app, config, adopt=Echo) as bound:
        for _ in range(3):  # who has left makes room for the next
            context = ssl._create_unverified_context() if secure else None
            async with asyncio.timeout(PATIENCE):
                while True:
                    try:
                        reader, writer = await asyncio.open_connection("127.0.0.1", bound.port, ssl=context)
                        writer.write(ask(PLAYLIST))
                        await reader.readuntil(b"EXTINF")
                        await reader.readuntil(b"m4s\n")
                        break
                    except (ConnectionError, asyncio.IncompleteReadError):
                        await asyncio.sleep(0.02)
                writer.write(ask("/announce?x", *UPGRADE) + b"frame")
                assert await reader.readexactly(13) == b"adopted frame"
                writer.write(b"more")
                assert await reader.readexactly(4) == b"more"
                writer.close()


@pytest.mark.parametrize("path", ["/", "/announce/", PLAYLIST])
async def test_websockets_elsewhere_are_not_handed_over(site: Site, path: str) -> None:
    async with serve(site.app, ServerConfig(port=0, grace=0.1), adopt=Echo) as bound:
        assert [status for status, _, _ in await told(bound.port, ask(path, *UPGRADE))] == [400]


async def test_who_fails_to_take_a_websocket_costs_that_connection_only(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(transport: asyncio.Transport, head: bytes) -> asyncio.Protocol:
        raise RuntimeError("a bug")

    async with serve(site.app, ServerConfig(port=0, grace=0.1), adopt=broken) as bound:
        with suppress(ConnectionError):
            assert not await told(bound.port, ask("/announce", *UPGRADE))
        assert [status for status, _, _ in await told(bound.port, LAST)] == [200]
    assert any("a bug" in str(record.exc_info) for record in caplog.records)
