"""Requests on real sockets, answered at the port and by hypercorn: nobody may tell which it was."""

from __future__ import annotations

import asyncio
import ssl
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import ANY

import h11
import pytest
import pytest_asyncio

from seeder.model import Kind
from seeder.web import ServerConfig, front, self_signed, serve
from seeder.web.link import Connection
from tests.web.conftest import RECORDED, SEGMENT, Open, Site, in_memory

PATIENCE = 30.0
SEG, PLAYLIST = "/live/demo/v/seg7.m4s", "/live/demo/v/index.m3u8"
FILE, PAGE = "/live/film/a%20b.ts", "/healthz"

Said = tuple[int, dict[str, str], bytes]
"""Status, headers without Date, body."""


def ask(path: str, *lines: str, method: str = "GET", version: str = "1.1") -> bytes:
    fields = "".join(f"{line}\r\n" for line in ("Host: tv.example", *lines))
    return f"{method} {path} HTTP/{version}\r\n{fields}\r\n".encode("latin-1")


async def told(port: int, *requests: bytes, piece: int = 1 << 20) -> list[Said]:
    """What is answered to ``requests``, sent on one connection in pieces, until the server closes it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    data = b"".join(requests)
    reading = asyncio.ensure_future(reader.read())
    with suppress(ConnectionError):
        for at in range(0, len(data), piece):
            writer.write(data[at : at + piece])
            await writer.drain()
            await asyncio.sleep(0.002 if piece < len(data) else 0)
    async with asyncio.timeout(PATIENCE):
        answer = await reading
    writer.close()
    return understood(answer, requests)


def understood(data: bytes, requests: tuple[bytes, ...]) -> list[Said]:
    found: list[Said] = []
    for request in requests:
        if not data:
            break  # closed before it was answered
        client = h11.Connection(h11.CLIENT)
        method = "HEAD" if request.startswith(b"HEAD") else "GET"
        client.send(h11.Request(method=method, target="/", headers=[("Host", "a")]))
        client.send(h11.EndOfMessage())
        client.receive_data(data)
        client.receive_data(b"")
        response = client.next_event()
        while isinstance(response, h11.InformationalResponse):
            response = client.next_event()
        assert isinstance(response, h11.Response)
        body = b""
        while isinstance(event := client.next_event(), h11.Data):
            body += event.data
        headers = {name.decode(): value.decode("latin-1") for name, value in response.headers}
        assert headers.pop("date") or response.status_code == 400
        found.append((response.status_code, headers, body))
        data = client.trailing_data[0]
    assert not data
    return found


Both = tuple[Site, int]
"""A site as shipped, and the port of the same application behind hypercorn alone."""


@pytest_asyncio.fixture(loop_scope="session")
async def both(open_site: Open) -> AsyncIterator[Both]:
    site = await open_site()

    async def asgi(*arguments: Any) -> None:
        await site.app(*arguments)

    async with serve(asgi, ServerConfig(port=0, grace=0.5)) as slow:
        yield site, slow.port


CLOSE = "Connection: close"
LAST = ask(PLAYLIST, CLOSE)
TABLE = [
    *([ask(path, CLOSE)] for path in (SEG, PLAYLIST, FILE, PAGE)),
    *([ask(path, CLOSE, method="HEAD")] for path in (SEG, PLAYLIST, FILE, PAGE)),
    [ask(SEG, CLOSE, method="OPTIONS")],
    [ask(SEG, CLOSE, method="DELETE")],
    [ask(SEG, CLOSE, method="POST")],
    [ask("/live/demo/v/empty.vtt", CLOSE)],
    [ask("/live/demo/v/init.mp4", CLOSE)],
    [ask("/live/nobody/x", CLOSE)],
    [ask("/live/demo/v/../v/seg7.m4s", CLOSE)],
    [ask("/live/demo/v/%2e%2e/v/seg7.m4s", CLOSE)],
    [ask("/live/%ff%fe/x", CLOSE)],
    [ask("/live/film/..%2f..%2fetc%2fpasswd", CLOSE)],
    [ask("//live/demo/v/seg7.m4s", CLOSE)],
    [ask(SEG + "?a=b", CLOSE)],
    [ask(PLAYLIST + "#?", CLOSE)],
    [ask("/live/" + "x" * 20_000, CLOSE)],
    *([ask(SEG, f"Range: {what}", CLOSE)] for what in
      ("bytes=0-0", "bytes=5-70000", "bytes=-5", "bytes=2000000-", "bytes=0-1,5-6", "lines=1-2", "")),
    [ask(SEG, "Range: bytes=0-1", "If-Range: other", CLOSE)],
    [ask(SEG, "Range: bytes=0-1", CLOSE, method="HEAD")],
    [ask(SEG, "If-None-Match: *", CLOSE)],
    [ask(PLAYLIST, 'If-None-Match: W/"x", *', CLOSE)],
    [ask(PLAYLIST, "If-None-Match: *", CLOSE, method="HEAD")],
    [ask(PLAYLIST, "Accept-Encoding: gzip, br", CLOSE)],
    [ask(PLAYLIST, "Accept-Encoding: gzip;q=0", CLOSE)],
    [ask("/torrents/" + "0" * 40 + ".torrent", CLOSE)],
    [f"GET {PLAYLIST} HTTP/1.0\r\n\r\n".encode()],
    [f"GET {PLAYLIST} HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n".encode()],
    [f"GET {PLAYLIST} HTTP/1.1\r\nHost: a b\r\n{CLOSE}\r\n\r\n".encode()],
    # Kept connections, hot and cold in turns.
    [ask(SEG), ask(PLAYLIST), LAST],
    [ask(PAGE), ask(SEG), ask(PAGE), ask(PLAYLIST), LAST],
    [ask(FILE), ask(FILE), ask(SEG), ask(FILE, "Range: bytes=0-9"), ask(PAGE, method="HEAD"), LAST],
    [ask(SEG, method="HEAD"), ask(PLAYLIST, "If-None-Match: *"), ask(PAGE, method="HEAD"), LAST],
    [ask(PLAYLIST), *[ask(PLAYLIST)] * 100, LAST],
    # Bodies and ways to tell their length.
    [ask(PLAYLIST, "Content-Length: 5", CLOSE) + b"hello"],
    [ask(PAGE, "Content-Length: 5") + b"hello", LAST],
    [ask(PLAYLIST, "Content-Length: 0"), LAST],
    [ask(PLAYLIST, "Transfer-Encoding: chunked", CLOSE) + b"5\r\nhello\r\n0\r\n\r\n"],
    [ask(SEG, "Content-Length: 5", CLOSE, method="POST") + b"hello"],
    [ask(SEG, "Transfer-Encoding: chunked", CLOSE, method="PUT") + b"5\r\nhello\r\n" * 5_000 + b"0\r\n\r\n"],
    [ask(PLAYLIST, "Expect: 100-continue", CLOSE)],
    [ask(PAGE, "Expect: 100-continue", "Content-Length: 5", method="POST") + b"hello", LAST],
    [ask(PLAYLIST, "Transfer-Encoding: chunked", "Content-Length: 5") + b"0\r\n\r\n"],
    [ask(PLAYLIST, "Content-Length: 5", "Content-Length: 6") + b"hello"],
    [ask(PLAYLIST, "Content-Length: +5") + b"hello"],
    [ask(PLAYLIST, "Transfer-Encoding: gzip, chunked") + b"0\r\n\r\n"],
    [ask(PLAYLIST, "Transfer-Encoding : chunked")],
    [ask(PLAYLIST, "X: a", " folded", CLOSE)],
    [ask(PLAYLIST, "Host: b")],
    [ask(PLAYLIST, "X: \x00")],
    [b"GET " + PLAYLIST.encode() + b" HTTP/1.1\r\n\r\n"],
    [b"GET " + PLAYLIST.encode() + b" HTTP/1.1\nHost: a\nConnection: close\n\n"],
    [b"\r\n\r\n" + LAST],
    [ask(SEG, *["X: y"] * 8_000, CLOSE)],
    [ask(SEG, *["X: y"] * 20_000)],
    [ask(SEG, *[f"X{n}: y" for n in range(2_000)], CLOSE)],
    [ask("/live/" + "x" * 40_000, CLOSE)],
    [ask("/live/" + "x" * 100_000)],
    [b"GET /live/\xff HTTP/1.1\r\nHost: a\r\n\r\n"],
    [b"PRI * HTTP/2.0\r\n\r\n", b"SM\r\n\r\n"],
    [ask(PLAYLIST, "Upgrade: h2c", "Connection: Upgrade", "HTTP2-Settings: x"), LAST],
    [ask("http://other.example" + PLAYLIST, CLOSE)],
    [ask("HTTP://other.example:81" + SEG + "?x", CLOSE)],
    [ask("http://evil@other.example" + PLAYLIST, CLOSE)],
    [ask("http://other.example", CLOSE)],
]  # fmt: skip


@pytest.mark.parametrize("requests", TABLE, ids=range(len(TABLE)))
async def test_the_answer_is_the_same_at_the_port_as_behind_it(
    both: Both, requests: list[bytes], caplog: pytest.LogCaptureFixture
) -> None:
    site, slow = both
    behind = await told(slow, *requests)
    counted = Counter(site.counters.sent), Counter(site.counters.responses)
    assert behind
    assert await told(site.bound.port, *requests) == behind
    # Bytes and responses are counted alike, too: now each is there twice.
    assert site.counters.sent == counted[0] + counted[0]
    assert site.counters.responses == counted[1] + counted[1]
    if sum(map(len, requests)) < 2000:
        assert await told(site.bound.port, *requests, piece=37) == behind
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


async def test_an_absolute_target_is_served_by_its_own_authority(site: Site) -> None:
    """RFC 9112 §3.2.2: whatever Host says."""
    asked = ask("http://other.example:81" + PLAYLIST + "?x", CLOSE)
    ((status, _, body),) = await told(site.bound.port, asked)
    assert status == 200
    assert b'TRACKER="ws://other.example:81/announce"' in body


@pytest.mark.parametrize(
    "lines", [["Content-Length: 5"], ["Transfer-Encoding: chunked", "Content-Length: 5"]]
)
async def test_a_body_that_others_may_see_otherwise_is_refused(site: Site, lines: list[str]) -> None:
    heard = await told(site.bound.port, ask(PLAYLIST, *lines) + b"0\r\n\r\n", LAST)
    assert [status for status, _, _ in heard] == [400]


async def test_what_comes_behind_a_last_request_is_not_answered(site: Site) -> None:
    assert [status for status, _, _ in await told(site.bound.port, LAST, ask(PAGE))] == [200]


@pytest.mark.parametrize("requests", [[SEG, PLAYLIST, SEG], [PAGE, SEG, FILE, PLAYLIST]])
async def test_who_says_no_more_still_hears_every_answer(site: Site, requests: list[str]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", site.bound.port)
    asked = tuple(map(ask, requests))
    writer.write(b"".join(asked))
    writer.write_eof()
    async with asyncio.timeout(PATIENCE):
        heard = understood(await reader.read(), asked)
    assert [status for status, _, _ in heard] == [200] * len(requests)
    writer.close()


async def test_a_connection_comes_back_from_hypercorn(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A browser asks for the page first: its media must not stay on the slow way for that."""
    served: list[Connection] = []
    run = Connection.run

    async def counted(self: Connection) -> None:
        served.append(self)
        await run(self)

    monkeypatch.setattr(Connection, "run", counted)
    reader, writer = await asyncio.open_connection("127.0.0.1", site.bound.port)
    for path in (PAGE, SEG, PLAYLIST, SEG, PAGE, PLAYLIST):
        writer.write(ask(path))
        async with asyncio.timeout(PATIENCE):
            head = await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(int(head.lower().partition(b"content-length:")[2].split()[0]))
    assert len(served) == 2
    writer.close()


async def test_thousands_of_pipelined_requests_are_answered_in_order(site: Site) -> None:
    paths = [PLAYLIST, "/live/nobody/x", "/live/demo/v/init.mp4"] * 1000
    reader, writer = await asyncio.open_connection("127.0.0.1", site.bound.port)
    asked = b"".join(map(ask, paths)) + LAST
    sending = asyncio.ensure_future(_all(writer, asked))
    async with asyncio.timeout(PATIENCE):
        data = await reader.read()
    await sending
    statuses = [int(line[:3]) for line in data.split(b"HTTP/1.1 ")[1:]]
    assert statuses == [200, 404, 200] * 1000 + [200]
    writer.close()


async def _all(writer: asyncio.StreamWriter, data: bytes) -> None:
    writer.write(data)
    await writer.drain()


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
        await asyncio.gather(dribble(), reader.read())
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
                with suppress(ConnectionError):
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
            async with asyncio.timeout(PATIENCE / 2):
                while True:
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


# HTTPS and WebSockets


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
