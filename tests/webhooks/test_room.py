"""Webhooks to a real HTTP server."""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web

from seeder.config import Config, merge
from seeder.errors import ConfigError
from seeder.events import Events
from seeder.webhooks import box, room, schedule
from seeder.webhooks.message import Message, place_of
from seeder.webhooks.room import Webhooks, settings

PATIENCE = 60.0
SECRET = base64.b64encode(b"a secret of twenty-four b").decode()
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Site:
    """Answers as it is told, and notes what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[dict[str, str], bytes]] = []
        self.answers: list[int] = []
        """Statuses, for the next requests; then 204."""
        self.answer: Answer | None = None
        self.url = ""
        self.other_url = ""

    async def serve(self, request: web.Request) -> web.StreamResponse:
        self.asked.append((dict(request.headers), await request.read()))
        if self.answer is not None:
            return await self.answer(request)
        status = self.answers.pop(0) if self.answers else 204
        headers = {"Location": "/elsewhere"} if status // 100 == 3 else {}
        return web.Response(status=status, headers=headers)

    @property
    def told(self) -> list[tuple[str, str]]:
        """Kinds and names, in order."""
        found = [json.loads(body) for _, body in self.asked]
        return [(each["type"], each["data"]["name"]) for each in found]

    async def until(self, count: int) -> None:
        async with asyncio.timeout(PATIENCE):
            while len(self.asked) < count:
                await asyncio.sleep(0.01)


@pytest_asyncio.fixture(loop_scope="session")
async def site() -> AsyncIterator[Site]:
    made = Site()
    app = web.Application()
    app.router.add_post("/{any:.*}", made.serve)
    runner = web.AppRunner(app, shutdown_timeout=0.1, access_log=None)
    await runner.setup()
    try:
        await (listening := web.TCPSite(runner, "127.0.0.1", 0)).start()
        port = listening._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
        made.url = f"http://127.0.0.1:{port}/hook?token=of-the-url"
        made.other_url = f"http://127.0.0.1:{port}/other"
        yield made
    finally:
        await runner.cleanup()


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    (tmp_path / "secret").write_text(f"whsec_{SECRET}\n")
    return tmp_path / "secret"


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedule, "DELAYS", (0.02,) * 10)


class World:
    def __init__(self, config: Config, folder: Path) -> None:
        self.events = Events()
        self.file = folder / ".live-torrent" / "webhooks.json"
        self.room = Webhooks(self.events, settings(config), self.file)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.room.run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def emptied(self) -> None:
        async with asyncio.timeout(PATIENCE):
            while self.room._waiting or self.room._flying:
                await asyncio.sleep(0.01)


@pytest.fixture
def config(site: Site, secret: Path) -> Config:
    return Config(webhook=(site.url,), webhook_secret_file=secret)


async def test_what_happens_is_told_signed_and_in_order(config: Config, site: Site, tmp_path: Path) -> None:
    world = World(config, tmp_path)
    async with world.running():
        world.events.emit("publish.start", name="garden", protocol="rtmp")
        world.events.emit("task.changed", id="x")
        for n in range(5):
            world.events.emit("stream.live" if n % 2 else "stream.ended", name="garden")
        world.events.emit("recording.ready", name="garden-1", of="garden", duration=3.5)
        await site.until(7)
        await world.emptied()
    kinds = [kind for kind, _ in site.told]
    assert kinds[0] == "publish.start"
    assert kinds[1:6] == ["stream.ended", "stream.live"] * 2 + ["stream.ended"]
    assert kinds[6:] == ["recording.ready"]
    headers, body = site.asked[0]
    assert json.loads(body)["data"] == {"name": "garden", "protocol": "rtmp"}
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = hmac.digest(base64.b64decode(SECRET), signed, "sha256")
    assert headers["webhook-signature"] == f"v1,{base64.b64encode(expected).decode()}"
    assert headers["Content-Type"] == "application/json"
    assert len({headers["webhook-id"] for headers, _ in site.asked}) == 7
    assert box.load(world.file) == []


async def test_what_fails_is_told_again_with_the_same_id_before_what_came_later(
    config: Config, site: Site, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    world = World(config, tmp_path)
    statuses, troubles = [500, 302, 429, 204, 204], []

    async def answer(request: web.Request) -> web.StreamResponse:
        troubles.append(world.room.trouble())
        return web.Response(status=statuses.pop(0), headers={"Location": "/elsewhere"})

    site.answer = answer
    async with world.running():
        world.events.emit("stream.live", name="garden")
        world.events.emit("stream.ended", name="garden")
        await site.until(5)
        await world.emptied()
    words = ("", "status 500", "status 302", "status 429", "")
    assert troubles == [f"127.0.0.1: {said} (2 waiting)" if said else "" for said in words]
    assert [kind for kind, _ in site.told] == ["stream.live"] * 4 + ["stream.ended"]
    assert len({headers["webhook-id"] for headers, _ in site.asked}) == 2
    assert world.room.trouble() == ""
    assert caplog.text.count("trying again for a day") == 1
    assert "is told again" in caplog.text
    assert "of-the-url" not in caplog.text
    assert SECRET not in caplog.text


async def test_one_that_a_place_never_takes_holds_up_the_others_for_a_while_alone(
    config: Config, site: Site, tmp_path: Path
) -> None:
    async def picky(request: web.Request) -> web.StreamResponse:
        return web.Response(status=400 if "stream.live" in await request.text() else 200)

    site.answer = picky
    world = World(config, tmp_path)
    async with world.running():
        world.events.emit("stream.live", name="garden")
        world.events.emit("stream.ended", name="garden")
        await world.emptied()
    kinds = [kind for kind, _ in site.told]
    assert kinds.index("stream.ended") >= schedule.HOLDS
    assert kinds.count("stream.live") == len(schedule.DELAYS) + 1, "then it is given up"
    assert kinds.count("stream.ended") == 1


async def test_a_restart_loses_nothing_and_keeps_the_ids(
    config: Config, site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schedule, "DELAYS", (3600.0,) * 10)
    site.answers = [503]
    first = World(config, tmp_path)
    async with first.running():
        first.events.emit("stream.live", name="garden")
        first.events.emit("stream.ended", name="garden")
        await site.until(1)
        async with asyncio.timeout(PATIENCE):
            while not [m for m in box.load(first.file) if m.attempts == 1]:
                await asyncio.sleep(0.01)
    held = box.load(first.file)
    assert [m.kind for m in held] == ["stream.live", "stream.ended"]
    assert b"of-the-url" not in first.file.read_bytes()
    box.save(first.file, [replace(m, due=0.0) for m in held])
    second = World(config, tmp_path)
    second.events.emit("stream.gone", name="garden")
    async with second.running():
        await site.until(4)
        await second.emptied()
    assert [kind for kind, _ in site.told] == ["stream.live", "stream.live", "stream.ended", "stream.gone"]
    assert site.asked[0][0]["webhook-id"] == site.asked[1][0]["webhook-id"]


async def test_it_is_written_down_before_it_is_sent(config: Config, site: Site, tmp_path: Path) -> None:
    world = World(config, tmp_path)

    async def look(request: web.Request) -> web.StreamResponse:
        ids = [message.id for message in box.load(world.file)]
        return web.Response(status=200 if request.headers["webhook-id"] in ids else 500)

    site.answer = look
    async with world.running():
        world.events.emit("stream.live", name="garden")
        await world.emptied()
    assert len(site.asked) == 1


async def test_one_place_that_is_down_harms_no_other_and_410_ends_it(
    site: Site, secret: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    urls = (site.url, site.other_url, "http://127.0.0.1:1/nobody")
    world = World(Config(webhook=urls, webhook_secret_file=secret), tmp_path)

    async def gone(request: web.Request) -> web.StreamResponse:
        return web.Response(status=410 if request.path == "/hook" else 200)

    site.answer = gone
    async with world.running():
        world.events.emit("stream.live", name="garden")
        await site.until(2)
        async with asyncio.timeout(PATIENCE):
            while place_of(site.url) not in world.room._gone:
                await asyncio.sleep(0.01)
        world.events.emit("stream.ended", name="garden")
        await site.until(3)
        assert "wants no more" in world.room.trouble()
        world.room.configure(replace(world.room.settings))
        assert not world.room._gone
        await world.emptied()  # the one nobody listens at is given up
    assert "is given up" in caplog.text


async def test_an_answer_is_not_waited_for_without_end_nor_read_to_its_end(
    config: Config, site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = 0

    async def endless(request: web.Request) -> web.StreamResponse:
        nonlocal sent
        answer = web.StreamResponse(status=200)
        await answer.prepare(request)
        while True:
            await answer.write(bytes(1024))
            sent += 1024
            await asyncio.sleep(0)

    async def never(request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(600)
        return web.Response()

    world = World(config, tmp_path)
    async with world.running():
        site.answer = endless
        world.events.emit("stream.live", name="garden")
        await site.until(1)
        await world.emptied()
        assert len(site.asked) == 1, "what it said first was a yes"
        site.answer = never
        monkeypatch.setattr(room, "TIMEOUT", 0.3)
        world.events.emit("stream.ended", name="garden")
        await site.until(2)
        async with asyncio.timeout(PATIENCE):
            while "no answer within" not in world.room.trouble():
                await asyncio.sleep(0.01)
    assert sent < 8 << 20


async def test_only_what_was_asked_for_is_told_by_as_many_secrets_as_there_are(
    config: Config, secret: Path, site: Site, tmp_path: Path
) -> None:
    secret.write_text(f"{SECRET}\nwhsec_{base64.b64encode(bytes(32)).decode()}\n")
    world = World(replace(config, webhook_events=("stream.gone",)), tmp_path)
    async with world.running():
        world.events.emit("stream.live", name="garden")
        world.events.emit("stream.gone", name="garden")
        await world.emptied()
    assert [kind for kind, _ in site.told] == ["stream.gone"]
    assert len(site.asked[0][0]["webhook-signature"].split(" ")) == 2


@pytest.mark.parametrize("text", ["", "short", "?" * 44, "\n".join([SECRET] * 5), "é", SECRET + " " + SECRET])
def test_a_secret_that_is_none_is_refused_without_showing_it(text: str, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(text)
    with pytest.raises(ConfigError) as error:
        settings(Config(webhook=("http://127.0.0.1/",), webhook_secret_file=tmp_path / "secret"))
    assert not text or text not in str(error.value)
    assert "--webhook-secret-file" in str(error.value)


@pytest.mark.parametrize(
    "document",
    [
        {"webhook": ["https://a.example/"]},
        {"webhook_secret_file": "x"},
        {"webhook": ["ftp://a.example/"], "webhook_secret_file": "x"},
        {"webhook": ["https://u:p@a.example/"], "webhook_secret_file": "x"},
        {"webhook": [f"https://a.example/{n}" for n in range(9)], "webhook_secret_file": "x"},
        {"webhook_events": ["stream.lives"]},
        {"webhook": 7},
    ],
)
def test_settings_that_cannot_be_meant_are_refused(document: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        merge({}, {}, document)


def test_settings_have_three_spellings() -> None:
    both = ("https://a.example/?x=1,2", "http://127.0.0.1/")
    variables = {
        "LIVE_TORRENT_WEBHOOK": " ".join(both),
        "LIVE_TORRENT_WEBHOOK_SECRET_FILE": "s",
        "LIVE_TORRENT_WEBHOOK_EVENTS": "stream.live,stream.gone",
    }
    config = merge({}, variables)
    assert config.webhook == both
    assert config.webhook_events == ("stream.live", "stream.gone")
    assert merge({"webhook": both, "webhook_secret_file": "s"}).webhook == both


def test_a_damaged_box_loses_what_is_damaged_alone(tmp_path: Path) -> None:
    file = tmp_path / "webhooks.json"
    assert box.load(file) == []
    good = Message("a", "b", "c", "d", "{}", created=1.0, attempts=2, due=3.0)
    box.save(file, [good])
    assert box.load(file) == [good]
    found = json.loads(file.read_text())
    file.write_text(json.dumps([{}, 7, None, {**found[0], "due": "x"}, *found]))
    assert box.load(file) == [good]
    for text in ("{", "{}", "7", "\0"):
        file.write_text(text)
        assert box.load(file) == []


async def test_what_happens_at_the_very_end_is_written_down_however_slow_the_disk_is(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(config, tmp_path)
    write, begun = box.save, asyncio.Event()
    loop, times = asyncio.get_running_loop(), iter((0.5, 0.0, 0.0, 0.0))

    def slow(file: Path, messages: tuple[Message, ...]) -> None:
        loop.call_soon_threadsafe(begun.set)
        time.sleep(next(times))
        write(file, messages)

    monkeypatch.setattr(box, "save", slow)
    async with world.running():
        world.events.emit("stream.live", name="garden")
        await begun.wait()
        world.events.emit("publish.stop", name="garden", protocol="rtmp", reason="")
    # The end does not wait for a disk that hangs; this one only takes a while.
    async with asyncio.timeout(PATIENCE):
        while not world.file.exists():
            await asyncio.sleep(0.01)
    await asyncio.sleep(0.6)
    assert [message.kind for message in box.load(world.file)] == ["stream.live", "publish.stop"]
