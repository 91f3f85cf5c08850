"""Listening, stopping and the protocols, on real sockets."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import h2.config
import h2.connection
import h2.events
import pytest
from playwright.async_api import Page
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from seeder.errors import ServeError
from seeder.tracker import Tracker
from seeder.web import Certificate, ServerConfig, fingerprint, self_signed, serve
from tests.web.conftest import SEGMENT, Open

PATIENCE = 30.0
ANNOUNCE = json.dumps({"action": "announce", "info_hash": "i" * 20, "peer_id": "p" * 20, "left": 0})


async def hello(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] != "http":
        return
    if scope["path"] == "/crash":
        raise RuntimeError("an application's bug")
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"5")]})
    await send({"type": "http.response.body", "body": b"hello"})


@pytest.fixture
def certificate(tmp_path: Path) -> Certificate:
    return self_signed(tmp_path / "state", "127.0.0.1")


async def raw(port: int, data: bytes) -> bytes:
    """What the server says to ``data`` until it closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(data)
    writer.write_eof()
    async with asyncio.timeout(PATIENCE):
        answer = await reader.read()
    writer.close()
    return answer


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
        async with asyncio.timeout(PATIENCE / 2):
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
                async with asyncio.timeout(PATIENCE / 2):
                    await until_served(bound.port)
                    async with connect(f"ws://127.0.0.1:{bound.port}/announce") as peer:
                        await peer.send(ANNOUNCE)
                        await peer.recv()


@pytest.mark.parametrize("path", ["/announce", "/", "/live/demo/master.m3u8", "/nothing"])
async def test_websockets_where_none_are_taken_are_refused(
    open_site: Open, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    """``/announce`` too, where the tracker is elsewhere."""
    site = await open_site(announce=None)
    with pytest.raises(InvalidStatus):
        await connect(f"ws://127.0.0.1:{site.bound.port}{path}")
    assert not [record for record in caplog.records if record.exc_info or record.levelname == "ERROR"]


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


# HTTPS


async def test_https_speaks_http_2(open_site: Open, certificate: Certificate) -> None:
    site = await open_site(certificate=certificate)
    assert site.bound.scheme == "https"
    headers, body = await h2_get(site.bound.port, "/live/demo/v/seg7.m4s", certificate)
    assert headers[b":status"] == b"200"
    assert headers[b"content-type"] == b"video/iso.segment"
    assert body == SEGMENT
    headers, body = await h2_get(site.bound.port, "/live/demo/master.m3u8", certificate)
    assert b'TRACKER="wss://127.0.0.1:%d/announce"' % site.bound.port in body


async def h2_get(port: int, path: str, certificate: Certificate) -> tuple[dict[bytes, bytes], bytes]:
    context = ssl.create_default_context(cafile=str(certificate.cert))
    context.set_alpn_protocols(["h2"])
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    assert writer.get_extra_info("ssl_object").selected_alpn_protocol() == "h2"
    client = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding=None))
    client.initiate_connection()
    authority = f"127.0.0.1:{port}"
    names = [(":method", "GET"), (":path", path), (":scheme", "https"), (":authority", authority)]
    client.send_headers(1, names, end_stream=True)
    headers: dict[bytes, bytes] = {}
    body = bytearray()
    async with asyncio.timeout(PATIENCE):
        while True:
            writer.write(client.data_to_send())
            for event in client.receive_data(await reader.read(65536)):
                if isinstance(event, h2.events.ResponseReceived):
                    headers = dict(event.headers)
                elif isinstance(event, h2.events.DataReceived):
                    body += event.data
                    client.acknowledge_received_data(event.flow_controlled_length, 1)
                elif isinstance(event, h2.events.StreamEnded):
                    writer.close()
                    return headers, bytes(body)


async def test_a_window_that_stays_closed_holds_up_who_writes_into_it(certificate: Certificate) -> None:
    """Else a client that reads nothing has us keep whatever it asked for in memory."""
    chunk, count, taken = bytes(32 * 1024), 50, 0

    async def generous(scope: Any, receive: Any, send: Any) -> None:
        nonlocal taken
        if scope["type"] != "http":
            return
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(count):
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
            taken += 1
        await send({"type": "http.response.body", "body": b""})

    async with serve(generous, ServerConfig(port=0, certificate=certificate, grace=0.1)) as bound:
        context = ssl.create_default_context(cafile=certificate.cert)
        context.set_alpn_protocols(["h2"])
        reader, writer = await asyncio.open_connection("127.0.0.1", bound.port, ssl=context)
        client = h2.connection.H2Connection()
        client.initiate_connection()
        client.send_headers(
            1, [(":method", "GET"), (":path", "/"), (":scheme", "https"), (":authority", "a")]
        )
        client.end_stream(1)
        body, idle, opened = 0, 0, False
        async with asyncio.timeout(PATIENCE):
            while body < count * len(chunk):
                writer.write(client.data_to_send())
                try:
                    data = await asyncio.wait_for(reader.read(65536), 0.2)
                except TimeoutError:
                    idle += 1
                    if idle == 3:  # the first window (64 KiB) is full and nothing moves any more
                        assert taken <= 4
                        client.increment_flow_control_window(2**30)
                        client.increment_flow_control_window(2**30, 1)
                        opened = True
                    continue
                body += sum(
                    len(e.data or b"")
                    for e in client.receive_data(data)
                    if isinstance(e, h2.events.DataReceived)
                )
        assert opened
        writer.close()


async def test_http_1_is_spoken_to_who_knows_no_other(open_site: Open, certificate: Certificate) -> None:
    site = await open_site(certificate=certificate)
    context = ssl.create_default_context(cafile=str(certificate.cert))
    reader, writer = await asyncio.open_connection("127.0.0.1", site.bound.port, ssl=context)
    writer.write(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
    async with asyncio.timeout(PATIENCE):
        assert (await reader.readuntil(b"}}")).startswith(b"HTTP/1.1 200")
    writer.close()


async def test_a_browser_announces_over_http_2(
    open_site: Open, certificate: Certificate, new_page: Callable[..., Awaitable[Page]]
) -> None:
    """Chromium opens the WebSocket as a stream of its HTTP/2 connection (RFC 8441)."""
    versions: list[str] = []
    async with Tracker(lambda infohash: True) as tracker:

        async def announce(scope: Any, receive: Any, send: Any) -> None:
            versions.append(scope["http_version"])
            await tracker(scope, receive, send)

        site = await open_site(certificate=certificate, announce=announce, viewers=tracker.viewers)
        page = await new_page(ignore_https_errors=True)
        await page.goto(f"{site.bound.url}/healthz")
        protocol = await page.evaluate("performance.getEntriesByType('navigation')[0].nextHopProtocol")
        assert protocol == "h2"
        script = """announce => new Promise((resolve, reject) => {
            const socket = globalThis.socket = new WebSocket('wss://' + location.host + '/announce')
            socket.onopen = () => socket.send(announce)
            socket.onmessage = event => resolve(JSON.parse(event.data))
            socket.onerror = () => reject(new Error('refused'))
        })"""
        assert (await page.evaluate(script, ANNOUNCE))["complete"] == 1
        assert tracker.viewers(b"i" * 20) == 1
        assert versions == ["2"]
        await page.evaluate("socket.close()")
        async with asyncio.timeout(PATIENCE):
            while tracker.counters.connections:
                await asyncio.sleep(0.02)


async def test_plain_http_to_the_https_port_is_no_traceback(
    open_site: Open, certificate: Certificate, caplog: pytest.LogCaptureFixture
) -> None:
    site = await open_site(certificate=certificate)
    reader, writer = await asyncio.open_connection("127.0.0.1", site.bound.port)
    writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    async with asyncio.timeout(PATIENCE):
        with suppress(ConnectionError):
            await reader.read()
    writer.close()
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


def test_a_self_signed_certificate_is_kept_until_it_no_longer_fits(tmp_path: Path) -> None:
    first = fingerprint(self_signed(tmp_path, "127.0.0.1").cert)
    assert len(first) == 32 * 3 - 1
    assert fingerprint(self_signed(tmp_path, "127.0.0.1").cert) == first
    assert (tmp_path / "self-signed.key").stat().st_mode & 0o777 == 0o600
    other = fingerprint(self_signed(tmp_path, "tv.example").cert)
    assert other != first
    (tmp_path / "self-signed.crt").write_text("nonsense")
    assert fingerprint(self_signed(tmp_path, "tv.example").cert) not in (first, other)


@pytest.mark.parametrize("damage", ["no cert", "no key", "nonsense", "another key", "a folder"])
async def test_a_certificate_that_cannot_be_used_is_one_clear_line(tmp_path: Path, damage: str) -> None:
    made = self_signed(tmp_path / "a", "127.0.0.1")
    match damage:
        case "no cert":
            made.cert.unlink()
        case "no key":
            made.key.unlink()
        case "nonsense":
            made.cert.write_text("nonsense")
        case "another key":
            made.key.write_bytes(self_signed(tmp_path / "b", "127.0.0.1").key.read_bytes())
        case "a folder":
            made.cert.unlink()
            made.cert.mkdir()
    with pytest.raises(ServeError, match=r"self-signed\.(crt|key)") as caught:
        async with serve(hello, ServerConfig(port=0, certificate=made)):
            pass
    assert "\n" not in str(caught.value)
