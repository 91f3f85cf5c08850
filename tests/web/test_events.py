"""``/api/events`` over real sockets, and in a browser."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import h2.config
import h2.connection
import h2.events
import pytest
import pytest_asyncio

from seeder.events import Events
from seeder.web import Reach, self_signed
from seeder.web import events as over_http
from seeder.web import news as news_module
from seeder.web.news import News
from seeder.web.operator import Operator
from tests.web.asking import told
from tests.web.conftest import Open, Site
from tests.web.serving import PATIENCE

TOKEN = "a-token-of-the-operators"
ADMIN = {"Authorization": f"Bearer {TOKEN}"}


@dataclass
class Wire:
    """What a reader got, taken apart."""

    answer: aiohttp.ClientResponse
    seen: list[tuple[str, Any]] = field(default_factory=list)
    """Kinds, with their data."""
    place: str = ""
    comments: int = 0
    _rest: bytes = b""

    async def more(self) -> bool:
        """The next block; False: that was the end."""
        while b"\n\n" not in self._rest:
            data = await self.answer.content.readany()
            if not data:
                return False
            self._rest += data
        block, _, self._rest = self._rest.partition(b"\n\n")
        kind, data = "", None
        for line in block.decode().split("\n"):
            name, _, value = line.partition(": ")
            if name == ":":
                self.comments += 1
            elif name == "id":
                self.place = value
            elif name == "event":
                kind = value
            elif name == "data":
                data = json.loads(value)
        if kind:
            self.seen.append((kind, data))
        return True

    async def until(self, kind: str) -> Any:
        """The data of the next event of that kind; those before it are in ``seen``."""
        async with asyncio.timeout(PATIENCE):
            while True:
                before = len(self.seen)
                assert await self.more(), f"ended without {kind}: {self.seen}"
                if len(self.seen) > before and self.seen[-1][0] == kind:
                    return self.seen[-1][1]

    async def ended(self) -> None:
        async with asyncio.timeout(PATIENCE):
            while await self.more():
                pass


@dataclass
class World:
    site: Site
    events: Events
    news: News
    viewers: dict[str, int]
    http: aiohttp.ClientSession

    @asynccontextmanager
    async def read(self, **headers: str) -> AsyncIterator[Wire]:
        async with self.http.get("/api/events", headers=headers) as answer:
            assert answer.status == 200, await answer.text()
            yield Wire(answer)


Make = Callable[..., Awaitable[World]]


@pytest_asyncio.fixture(loop_scope="session")
async def make(open_site: Open) -> AsyncIterator[Make]:
    running: list[asyncio.Task[None]] = []
    sessions: list[aiohttp.ClientSession] = []

    async def start(operator: Operator | None = None, **options: Any) -> World:
        events, viewers = Events(), {"demo": 2}
        news = News(events, lambda: viewers)
        site = await open_site(news=news, operator=operator, **options)
        running.append(asyncio.create_task(news.run()))
        sessions.append(http := aiohttp.ClientSession(site.bound.url))
        return World(site, events, news, viewers, http)

    yield start
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
    for session in sessions:
        await session.close()


async def test_everybody_hears_of_streams_and_the_admin_of_the_rest(make: Make) -> None:
    world = await make(Operator(TOKEN))
    async with world.read() as guest, world.read(**ADMIN) as admin:
        assert guest.answer.headers["Content-Type"] == "text/event-stream"
        assert guest.answer.headers["Access-Control-Allow-Origin"] == "*"
        assert "Access-Control-Allow-Origin" not in admin.answer.headers
        assert (await guest.until("viewers")) == {"viewers": {"demo": 2}}
        await admin.until("viewers")
        world.events.emit("publish.start", name="garden", protocol="rtmp")
        world.events.emit("stream.live", name="garden")
        assert (await guest.until("stream.live"))["name"] == "garden"
        assert [kind for kind, _ in guest.seen] == ["viewers", "stream.live"]
        assert (await admin.until("stream.live"))["at"] > 0
        assert [kind for kind, _ in admin.seen] == ["viewers", "publish.start", "stream.live"]
    async with world.http.get("/api/events", headers={"Authorization": "Bearer wrong"}) as refused:
        assert refused.status == 401
        assert refused.headers["WWW-Authenticate"].startswith("Bearer")
        assert "error" in await refused.json()


async def test_where_there_is_no_admin_no_token_is_good(make: Make) -> None:
    world = await make(None)
    async with world.http.get("/api/events", headers=ADMIN) as refused:
        assert refused.status == 401


async def test_a_lost_connection_loses_no_event(make: Make) -> None:
    world = await make()
    async with world.read() as reader:
        await reader.until("viewers")
        place = reader.place
    for name in ("garden", "pond"):
        world.events.emit("recording.ready", name=name, of="x", duration=1.5)
    async with world.read(**{"Last-Event-ID": place}) as reader:
        await reader.until("viewers")
        names = [(kind, data.get("name")) for kind, data in reader.seen]
        assert names == [("recording.ready", "garden"), ("recording.ready", "pond"), ("viewers", None)]
        assert reader.place == str(world.events.newest)
    for unknown in ("1", "x", "9" * 40, str(world.events.newest + 5)):
        async with world.read(**{"Last-Event-ID": unknown}) as reader:
            await reader.until("viewers")
            assert [kind for kind, _ in reader.seen] == ["lost", "viewers"], unknown
            assert reader.place == str(world.events.newest)


async def test_viewers_are_told_of_together_and_only_as_they_change(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(news_module, "EVERY", 0.05)
    world = await make()
    async with world.read() as reader:
        await reader.until("viewers")
        world.viewers.update({"garden": 1, "pond": 0})
        assert await reader.until("viewers") == {"viewers": {"garden": 1, "pond": 0}}
        world.viewers["garden"] = 7
        assert await reader.until("viewers") == {"viewers": {"garden": 7}}
        assert reader.place == str(world.events.newest), "a figure is no event to come back to"


async def test_silence_is_broken_by_comments(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(over_http, "BEAT", 0.05)
    world = await make()
    async with world.read() as reader, asyncio.timeout(PATIENCE):
        while reader.comments < 2:
            assert await reader.more()


async def test_there_is_a_bound_on_readers_of_one_address_and_of_all(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(news_module, "MOST_OF_ONE", 1)
    monkeypatch.setattr(news_module, "MOST", 2)
    world = await make(reach=Reach(trust_proxy=True))
    async with world.read(**{"X-Forwarded-For": "2001:db8::1"}):
        # A household has a whole /64 of IPv6.
        for client, status in (("2001:db8::2", 429), ("192.0.2.2", 200), ("192.0.2.3", 503)):
            answer = await world.http.get("/api/events", headers={"X-Forwarded-For": client})
            assert answer.status == status
            if status != 200:
                assert answer.headers["Retry-After"]
                assert await answer.json()
    await world.http.close()  # with the one that is still open
    async with asyncio.timeout(PATIENCE):
        while len(world.news):
            await asyncio.sleep(0.01)
    assert not world.news._of_one


async def test_who_does_not_read_is_cut_off_and_holds_up_nobody(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(over_http, "SEND_TIMEOUT", 2.0)
    world = await make()
    sleeper, writer = await asyncio.open_connection("127.0.0.1", world.site.bound.port, limit=1024)
    writer.write(b"GET /api/events HTTP/1.1\r\nHost: a\r\n\r\n")
    await sleeper.readuntil(b"event: viewers")
    writer.transport.pause_reading()  # type: ignore[attr-defined]
    async with world.read() as reader, asyncio.timeout(PATIENCE):
        await reader.until("viewers")
        long = "x" * 100_000
        while len(world.news) > 1:
            world.events.emit("stream.live", name=long)
            assert (await reader.until("stream.live"))["name"] == long
    writer.close()


async def test_who_has_more_waiting_than_is_remembered_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(news_module, "QUEUE", 4)
    events = Events()
    news = News(events, dict)
    with news.reader("a") as reader:
        await reader.take()
        for _ in range(4):
            events.emit("stream.live", name="garden")
        assert (await reader.take()).count(b"stream.live") == 4
        for _ in range(5):
            events.emit("stream.live", name="garden")
        assert await reader.take() == b""
        assert reader.slow


async def test_the_end_of_the_server_is_the_readers_at_once(make: Make) -> None:
    world = await make()
    async with world.read() as reader:
        await reader.until("viewers")
        await world.news.close()
        await reader.ended()
    assert (await world.site.fetch("/api/events")).status == 503


async def test_head_options_and_other_methods_are_answered_without_a_place(make: Make) -> None:
    world = await make()
    for method, status in (("HEAD", 200), ("OPTIONS", 204), ("POST", 405), ("DELETE", 405)):
        got = await world.site.fetch("/api/events", method)
        assert got.status == status, method
        assert got.headers["access-control-allow-origin"] == "*"
        if status == 405:
            assert got.headers["allow"] == "GET, HEAD, OPTIONS"
    assert len(world.news) == 0
    # A connection is good for more after them.
    again = b"HEAD /api/events HTTP/1.1\r\nHost: a\r\n\r\n"
    found = await told(
        world.site.bound.port, again, again.replace(b"a\r\n\r\n", b"a\r\nConnection: close\r\n\r\n")
    )
    assert [status for status, _, _ in found] == [200, 200]


async def test_without_news_there_is_no_such_route(site: Site) -> None:
    assert (await site.fetch("/api/events")).status == 404


async def test_over_http_2_it_is_one_stream_of_many(make: Make, tmp_path: Path) -> None:
    certificate = self_signed(tmp_path / "state", "127.0.0.1")
    world = await make(certificate=certificate)
    context = ssl.create_default_context(cafile=str(certificate.cert))
    context.set_alpn_protocols(["h2"])
    reader, writer = await asyncio.open_connection("127.0.0.1", world.site.bound.port, ssl=context)
    client = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding=None))
    client.initiate_connection()
    names = [(":method", "GET"), (":path", "/api/events"), (":scheme", "https"), (":authority", "a")]
    for stream in (1, 3):
        client.send_headers(stream, names, end_stream=True)
    body = {1: b"", 3: b""}
    async with asyncio.timeout(PATIENCE):
        while not all(b"event: stream.live" in part for part in body.values()):
            writer.write(client.data_to_send())
            for event in client.receive_data(await reader.read(65536)):
                if isinstance(event, h2.events.DataReceived):
                    body[event.stream_id] += event.data
            if len(world.news) == 2 and not world.events.since(0):
                world.events.emit("stream.live", name="garden")
        client.reset_stream(1)
        writer.write(client.data_to_send())
        while len(world.news) > 1:
            await asyncio.sleep(0.01)
    writer.close()
    with suppress(ssl.SSLError, ConnectionError):
        await writer.wait_closed()


async def test_a_browsers_eventsource_goes_on_where_it_was(
    make: Make, new_page: Callable[..., Awaitable[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(over_http, "RETRY", (50, 60))
    world = await make()
    page = await new_page()
    await page.goto(f"{world.site.bound.url}/favicon.svg")
    await page.evaluate(
        """() => {
            window.seen = [];
            const source = new EventSource("/api/events");
            const take = (event) => seen.push(event.type + (JSON.parse(event.data).name ?? ""));
            for (const kind of ["stream.live", "stream.gone", "lost", "viewers"])
                source.addEventListener(kind, take);
        }"""
    )
    await page.wait_for_function("() => seen.includes('viewers')")
    world.events.emit("stream.live", name="garden")
    await page.wait_for_function("() => seen.includes('stream.livegarden')")
    for reader in tuple(world.news._readers):
        reader.end()
    while world.news._readers:
        await asyncio.sleep(0)
    world.events.emit("stream.gone", name="garden")
    await page.wait_for_function("() => seen.includes('stream.gonegarden')")
    assert "lost" not in await page.evaluate("seen")
    assert (await page.evaluate("seen")).count("stream.livegarden") == 1
