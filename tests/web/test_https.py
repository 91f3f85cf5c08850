"""HTTPS and HTTP/2, on real sockets and in Chromium."""

from __future__ import annotations

import asyncio
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

from seeder.tracker import Tracker
from seeder.web import Certificate, ServerConfig, self_signed, serve
from tests.web.conftest import BUNDLE, SEGMENT, Open
from tests.web.serving import ANNOUNCE, PATIENCE


@pytest.fixture
def certificate(tmp_path: Path) -> Certificate:
    return self_signed(tmp_path / "state", "127.0.0.1")


async def test_https_speaks_http_2(open_site: Open, certificate: Certificate) -> None:
    site = await open_site(certificate=certificate)
    assert site.bound.scheme == "https"
    headers, body = await h2_get(site.bound.port, "/live/demo/v/seg7.m4s", certificate)
    assert headers[b":status"] == b"200"
    assert headers[b"content-type"] == b"video/iso.segment"
    assert body == SEGMENT
    headers, body = await h2_get(site.bound.port, "/watch/demo", certificate)
    assert (headers[b":status"], body) == (b"200", BUNDLE["pages/watch.html"])
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
