"""Requests on real sockets, answered at the port and by hypercorn: nobody may tell which it was."""

from __future__ import annotations

import asyncio
import gc
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from seeder.web import ServerConfig, serve
from seeder.web.link import Connection
from tests.web.asking import CLOSE, FILE, LAST, PAGE, PATIENCE, PLAYLIST, SEG, ask, told, understood
from tests.web.conftest import Open, Site

Both = tuple[Site, int]
"""A site as shipped, and the port of the same application behind hypercorn alone."""


@pytest_asyncio.fixture(loop_scope="session")
async def both(open_site: Open) -> AsyncIterator[Both]:
    site = await open_site()

    async def asgi(*arguments: Any) -> None:
        await site.app(*arguments)

    async with serve(asgi, ServerConfig(port=0, grace=0.5)) as slow:
        yield site, slow.port


TABLE = [
    *([ask(path, CLOSE)] for path in (SEG, PLAYLIST, FILE, PAGE)),
    *([ask(path, CLOSE, method="HEAD")] for path in (SEG, PLAYLIST, FILE, PAGE)),
    *([ask(path, *lines, CLOSE, method=method)]
      for path in ("/", "/watch/demo", "/watch/soon", "/sw.js", "/client/player.js", "/client/large.js")
      for method in ("GET", "HEAD", "POST", "OPTIONS")
      for lines in ([], ["Accept-Encoding: gzip"], ["If-None-Match: *"])),
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
    [ask("/watch/demo"), ask("/client/large.js"), ask(PAGE), ask("/client/nothing.js"), LAST],
    [ask("/client/large.js"), ask("/client/large.js", method="HEAD"), ask("/", "Content-Length: 0"), LAST],
    [ask("/", "Content-Length: 5") + b"hello", LAST],
    [ask("/client/player.js", "Content-Length: 5", CLOSE, method="POST") + b"hello"],
    [ask("/", "Upgrade: h2c", "Connection: Upgrade", "HTTP2-Settings: x"), LAST],
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


async def test_a_connection_that_came_back_stays_open_whatever_python_clears_away(site: Site) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", site.bound.port)
    for path in (PAGE, SEG, PAGE, PLAYLIST):
        writer.write(ask(path))
        async with asyncio.timeout(PATIENCE):
            head = await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(int(head.lower().partition(b"content-length:")[2].split()[0]))
        await asyncio.sleep(0)
        gc.collect()  # hypercorn's side of the connection goes
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
