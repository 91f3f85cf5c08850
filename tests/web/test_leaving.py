"""Connections end: cut off, left, stopped or refused, wherever in a request; none stays behind."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import h11
import pytest

from seeder.model import Kind
from seeder.web import ServerConfig, front, self_signed, serve
from tests.web.asking import FILE, LAST, PAGE, PATIENCE, PLAYLIST, SEG, SOON, ask, told
from tests.web.conftest import Open, Site, in_memory


def big(site: Site) -> str:
    """A segment of 32 MiB in memory: more than any socket holds."""
    view = site.library.stream("demo")
    assert view is not None
    resource = in_memory("v/big.m4s", Kind.SEGMENT, "video/iso.segment", bytes(32 << 20))
    site.library.publish(replace(view, resources={**view.resources, resource.path: resource}))
    return "/live/demo/v/big.m4s"


async def test_who_takes_nothing_of_a_segment_is_cut_off(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(front, "SEND_TIMEOUT", 0.3)
    _, writer = await asyncio.open_connection("127.0.0.1", site.bound.port, limit=1024)
    writer.write(ask(big(site)))
    async with asyncio.timeout(PATIENCE):
        while not site.counters.responses["segment", 200]:
            await asyncio.sleep(0.05)
    assert 0 < site.counters.sent["segment"] < 32 << 20
    writer.transport.abort()


async def test_a_download_that_is_broken_off_counts_as_far_as_it_went(site: Site) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", site.bound.port)
    writer.write(ask(big(site)) + ask(PAGE) * 100)
    await reader.readexactly(1000)
    writer.transport.abort()
    async with asyncio.timeout(PATIENCE):
        while not site.counters.responses["segment", 200]:
            await asyncio.sleep(0.01)
    assert 0 < site.counters.sent["segment"] < 32 << 20
    assert [status for status, _, _ in await told(site.bound.port, LAST)] == [200]


@pytest.mark.parametrize(
    "said", [b"", b"GET ", ask(PLAYLIST)[:-2], ask(PLAYLIST), ask(PLAYLIST) + b"GET /li"]
)
async def test_a_connection_without_a_whole_request_ends(
    site: Site, said: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(front, "IDLE_TIMEOUT", 0.3)
    reader, writer = await asyncio.open_connection("127.0.0.1", site.bound.port)

    async def dribble() -> None:
        for byte in said:
            writer.write(bytes([byte]))
            await asyncio.sleep(0.001)

    async with asyncio.timeout(PATIENCE):
        await dribble()
        # A reset is an end, too: what came after the server's patience was at an end makes it one.
        with suppress(ConnectionError):
            await reader.read()
    writer.close()


async def test_stopping_finishes_what_is_under_way_and_closes_what_is_idle(open_site: Open) -> None:
    site = await open_site()
    path = big(site)
    async with serve(site.app, ServerConfig(port=0, grace=PATIENCE)) as bound:
        idle, idle_writer = await asyncio.open_connection("127.0.0.1", bound.port)
        idle_writer.write(ask(PLAYLIST))
        await idle.readuntil(b"\r\n\r\n")
        busy, busy_writer = await asyncio.open_connection("127.0.0.1", bound.port)
        busy_writer.write(ask(path) + ask(PLAYLIST))
        await busy.readuntil(b"\r\n\r\n")
        rest = asyncio.ensure_future(busy.read())
        await asyncio.sleep(0)
    async with asyncio.timeout(PATIENCE):
        assert len(await rest) == 32 << 20
        await idle.read()
    for writer in (idle_writer, busy_writer):
        writer.close()


@pytest.mark.parametrize("path", [PLAYLIST, PAGE])
async def test_one_address_has_a_bound_of_its_own(site: Site, path: str) -> None:
    config = ServerConfig(port=0, grace=0.1, max_per_client=2)
    async with serve(site.app, config) as bound:
        held = [await asyncio.open_connection("127.0.0.1", bound.port) for _ in range(2)]
        for reader, writer in held:
            writer.write(ask(path))
            await reader.readuntil(b"\r\n\r\n")
        with pytest.raises((ConnectionError, AssertionError, h11.RemoteProtocolError)):
            assert await told(bound.port, LAST)
        held[0][1].close()
        async with asyncio.timeout(PATIENCE):
            while True:
                with suppress(ConnectionError, AssertionError, h11.RemoteProtocolError):
                    if await told(bound.port, LAST):
                        break
                await asyncio.sleep(0.02)
        held[1][1].close()


NOISE = [
    b"",
    b"GET /live",
    ask(SEG)[:-2],
    ask(SEG),
    ask(FILE),
    ask(PAGE) + ask(SEG),
    ask(PAGE, "Content-Length: 100", method="POST") + b"x",
    ask(SEG, "Content-Length: 1000000", method="POST") + b"x" * 100_000,
    ask(SEG, "Transfer-Encoding: chunked", method="PUT") + b"1\r\nx\r\n" * 1000,
    b"\x16\x03\x01\x02\x00\x01\n\n",
    ask(SEG, "X: y\r\n" * 20_000),
    ask("/announce", *["Upgrade: websocket", "Connection: Upgrade"]),
]


@pytest.mark.parametrize("secure", [False, True])
@pytest.mark.parametrize("noise", NOISE, ids=range(len(NOISE)))
async def test_who_leaves_leaves_nothing_behind(
    site: Site, noise: bytes, secure: bool, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Wherever in a request it was: else there would be thousands that nobody ends."""
    certificate = self_signed(tmp_path / "state", "127.0.0.1") if secure else None
    context = ssl._create_unverified_context() if secure else None
    config = ServerConfig(port=0, grace=0.1, max_connections=2, certificate=certificate)
    async with serve(site.app, config) as bound:
        for _ in range(3):  # one more than would fit if any stayed
            async with asyncio.timeout(SOON):
                while True:
                    # One too many is closed at once: under TLS it may be told so before it is connected.
                    with suppress(ConnectionError, ssl.SSLError):
                        reader, writer = await asyncio.open_connection("127.0.0.1", bound.port, ssl=context)
                        with suppress(ConnectionError, asyncio.IncompleteReadError):
                            writer.write(ask(PLAYLIST))
                            await reader.readuntil(b"m4s\n")
                            break
                        writer.close()
                    await asyncio.sleep(0.02)
            writer.write(noise)
            await asyncio.sleep(0.01)
            writer.transport.abort()
    assert not [record for record in caplog.records if record.exc_info or record.levelname == "ERROR"]
