"""A hook, on a real HTTP server."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web

from seeder.publish import Claim, RefusedError, hook
from seeder.publish.hook import Hook

KEY = "a-secret-key"
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Site:
    """Answers as it is told; what it was asked is in ``asked``."""

    def __init__(self) -> None:
        self.asked: list[Any] = []
        self.headers: list[Any] = []
        self.answer: Answer
        self.url = ""

    async def serve(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(json.loads(await request.read()))
        self.headers.append(request.headers.copy())
        return await self.answer(request)

    def says(self, status: int, text: str = "", **headers: str) -> None:
        async def answer(request: web.Request) -> web.StreamResponse:
            return web.Response(status=status, text=text, headers=headers)

        self.answer = answer


@pytest_asyncio.fixture(loop_scope="session")
async def site() -> AsyncIterator[Site]:
    made = Site()
    app = web.Application()
    app.router.add_post("/may", made.serve)
    runner = web.AppRunner(app, shutdown_timeout=0.1, access_log=None)
    await runner.setup()
    try:
        await (listening := web.TCPSite(runner, "127.0.0.1", 0)).start()
        port = listening._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
        made.url = f"http://127.0.0.1:{port}/may?token=of-the-url"
        yield made
    finally:
        await runner.cleanup()


@pytest_asyncio.fixture(loop_scope="session")
async def asking(site: Site) -> AsyncIterator[Hook]:
    made = Hook(site.url)
    yield made
    await made.close()


def claim(stream: str | None = "garden", key: str = KEY) -> Claim:
    return Claim("rtmp", "192.0.2.7", key, stream)


async def refusal(by: Hook, asked: Claim) -> RefusedError:
    with pytest.raises(RefusedError) as told:
        await by(asked)
    assert KEY not in str(told.value)
    return told.value


async def test_it_is_told_who_wants_what(site: Site, asking: Hook) -> None:
    site.says(200)
    grant = await asking(claim())
    assert (grant.stream, grant.key, grant.until) == ("garden", "", None)
    assert site.asked == [{"protocol": "rtmp", "address": "192.0.2.7", "stream": "garden", "key": KEY}]
    assert site.headers[0]["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    ("status", "text", "named", "stream"),
    [
        (200, '{"stream": "pond"}', None, "pond"),
        (204, "", "garden", "garden"),
        (200, "OK", "garden", "garden"),
        (201, '{"stream": null}', "garden", "garden"),
        (200, '{"stream": "pond"}', "garden", "pond"),  # the desk refuses that
    ],
)
async def test_a_yes(
    site: Site, asking: Hook, status: int, text: str, named: str | None, stream: str
) -> None:
    site.says(status, text)
    assert (await asking(claim(named))).stream == stream


@pytest.mark.parametrize(("status", "told"), [(400, 401), (401, 401), (403, 403), (404, 401), (429, 401)])
async def test_a_no(
    site: Site, asking: Hook, status: int, told: int, caplog: pytest.LogCaptureFixture
) -> None:
    site.says(status, '{"stream": "garden"}')
    assert (await refusal(asking, claim())).status == told
    assert caplog.text == ""


@pytest.mark.parametrize(
    ("status", "text", "headers", "named", "why"),
    [
        (500, "", {}, "garden", "status 500"),
        (302, "", {"Location": "/may"}, "garden", "status 302"),
        (200, "", {}, None, "neither it nor the publisher names a stream"),
        (200, '{"stream": "../x"}', {}, "garden", "what cannot name a stream"),
        (200, '{"stream": 7}', {}, "garden", "what cannot name a stream"),
        (200, "x" * 20_000, {}, "garden", "ValueError"),
    ],
)
async def test_no_answer_is_no_yes_and_is_said_without_the_key(
    site: Site,
    asking: Hook,
    status: int,
    text: str,
    headers: dict[str, str],
    named: str | None,
    why: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    site.says(status, text, **headers)
    assert (await refusal(asking, claim(named))).status == 503
    assert len(site.asked) == 1, "a redirect is not followed"
    assert why in caplog.text
    assert KEY not in caplog.text
    assert "of-the-url" not in caplog.text


async def test_who_is_slow_or_gone_is_not_waited_for(
    site: Site, asking: Hook, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(hook, "TIMEOUT", 0.3)

    async def never(request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(600)
        return web.Response()

    async def drips(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        while True:
            await answer.write(b" ")
            await asyncio.sleep(0.05)

    for site.answer in (never, drips):
        assert (await refusal(asking, claim())).status == 503
        assert "no answer within 0.3 s" in caplog.text
        caplog.clear()
    monkeypatch.setattr(hook, "TIMEOUT", 30.0)
    nowhere = Hook("http://127.0.0.1:1/may")
    assert (await refusal(nowhere, claim())).status == 503
    assert "ClientConnectorError" in caplog.text
    await nowhere.close()


async def test_a_flood_is_not_passed_on(site: Site, asking: Hook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hook, "TIMEOUT", 60.0)
    go, inside = asyncio.Event(), 0
    most = 0

    async def wait(request: web.Request) -> web.StreamResponse:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        await go.wait()
        inside -= 1
        return web.Response()

    site.answer = wait
    asks = [asyncio.create_task(asking(claim())) for _ in range(hook.MOST * 2)]
    while inside < hook.MOST:
        await asyncio.sleep(0.01)
    go.set()
    await asyncio.gather(*asks)
    assert most == hook.MOST
    assert (await refusal(asking, claim(key="x" * 5000))).status == 401


async def test_a_hook_that_was_closed_asks_again(site: Site, asking: Hook) -> None:
    site.says(200)
    for _ in range(2):
        assert (await asking(claim())).stream == "garden"
        await asking.close()
        await asking.close()


async def test_what_is_no_text_is_asked_about_all_the_same(site: Site, asking: Hook) -> None:
    site.says(403)
    assert (await refusal(asking, claim("gar\udc80den", "\udcff"))).status == 403
    assert site.asked[0]["key"] == "?"
