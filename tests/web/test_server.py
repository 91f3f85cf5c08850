"""Listening, stopping and the bound on connections, on real sockets."""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from typing import Any

import pytest
from websockets.asyncio.client import connect

from seeder.errors import ServeError
from seeder.tracker import Tracker
from seeder.web import ServerConfig, serve
from tests.web.serving import ANNOUNCE, PATIENCE, SOON, hello, raw


async def test_port_0_takes_a_free_port_and_says_which() -> None:
    async with serve(hello, ServerConfig(port=0)) as bound:
        assert bound.port
        assert bound.url == f"http://127.0.0.1:{bound.port}"
        answer = await raw(bound.port, b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        assert answer.endswith(b"hello")
        assert b"server:" not in answer.lower()


async def test_a_port_in_use_is_one_clear_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ServeError, match=rf"^127.0.0.1:{port} is in use by another program; .*--port"):
            async with serve(hello, ServerConfig(port=port)):
                pass


@pytest.mark.parametrize(
    ("host", "reason"), [("192.0.2.1", "no such address"), ("no.such.invalid", "cannot listen")]
)
async def test_an_address_that_is_not_ours_is_one_clear_line(host: str, reason: str) -> None:
    with pytest.raises(ServeError, match=reason) as caught:
        async with serve(hello, ServerConfig(host, 0)):
            pass
    assert "\n" not in str(caught.value)


async def test_all_interfaces_are_opened_at_an_address_a_browser_can_open() -> None:
    async with serve(hello, ServerConfig("0.0.0.0", 0)) as bound:
        assert bound.url == f"http://127.0.0.1:{bound.port}"


async def test_localhost_listens_on_every_address_it_has_with_one_port() -> None:
    async with serve(hello, ServerConfig("localhost", 0)) as bound:
        for family, _, _, _, address in socket.getaddrinfo("localhost", bound.port, type=socket.SOCK_STREAM):
            with socket.socket(family) as probe:
                probe.settimeout(PATIENCE)
                probe.connect(address)


async def test_stopping_frees_the_port_and_ends_what_waits() -> None:
    waiting = asyncio.Event()

    async def never(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            waiting.set()
            await asyncio.Event().wait()

    async with serve(never, ServerConfig(port=0, grace=0.1)) as bound:
        idle = await asyncio.open_connection("127.0.0.1", bound.port)
        busy = await asyncio.open_connection("127.0.0.1", bound.port)
        busy[1].write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        await waiting.wait()
    for reader, writer in (idle, busy):
        async with asyncio.timeout(PATIENCE):
            with suppress(ConnectionError):  # cut, not closed
                assert await reader.read() == b""
        writer.close()
    async with serve(hello, ServerConfig(port=bound.port)):
        pass


async def test_a_response_under_way_is_finished_before_the_server_stops() -> None:
    started, go = asyncio.Event(), asyncio.Event()

    async def slow(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            started.set()
            await go.wait()
            await hello(scope, receive, send)

    async def stop_server() -> None:
        async with serve(slow, ServerConfig(port=0, grace=PATIENCE)) as bound:
            ports.append(bound.port)
            opened.set()
            await started.wait()

    ports: list[int] = []
    opened = asyncio.Event()
    stopping = asyncio.create_task(stop_server())
    await opened.wait()
    asking = asyncio.create_task(raw(ports[0], b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"))
    await started.wait()
    await asyncio.sleep(0.05)
    assert not stopping.done()
    go.set()
    assert (await asking).endswith(b"hello")
    await stopping


async def test_websockets_hear_1001_when_the_server_stops() -> None:
    tracker = Tracker(lambda infohash: True)
    async with serve(tracker, ServerConfig(port=0, grace=PATIENCE), closing=[tracker.close]) as bound:
        peer = await connect(f"ws://127.0.0.1:{bound.port}/announce")
        await peer.send(ANNOUNCE)
        await peer.recv()
    await peer.wait_closed()
    assert peer.close_code == 1001


async def test_connections_are_bounded() -> None:
    async with serve(hello, ServerConfig(port=0, grace=0.1, max_connections=1)) as bound:
        first = await asyncio.open_connection("127.0.0.1", bound.port)
        first[1].write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        await first[0].readuntil(b"hello")
        second = await asyncio.open_connection("127.0.0.1", bound.port)
        async with asyncio.timeout(PATIENCE):
            with suppress(ConnectionError):
                assert await second[0].read() == b""
        for _, writer in (first, second):
            writer.close()


async def test_a_connection_is_gone_as_soon_as_its_client_is() -> None:
    """Not when its keep-alive or its next ping is due: by then there would be thousands."""
    async with Tracker(lambda infohash: True) as tracker:

        async def both(scope: Any, receive: Any, send: Any) -> None:
            await (tracker if scope["type"] == "websocket" else hello)(scope, receive, send)

        async with serve(both, ServerConfig(port=0, max_connections=2)) as bound:
            for _ in range(3):  # one more than would fit if any stayed
                async with asyncio.timeout(SOON):
                    await until_served(bound.port)
                    async with connect(f"ws://127.0.0.1:{bound.port}/announce") as peer:
                        await peer.send(ANNOUNCE)
                        await peer.recv()


async def until_served(port: int) -> None:
    while True:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            await reader.readuntil(b"hello")
            writer.close()
            return
        writer.close()
        await asyncio.sleep(0.05)
