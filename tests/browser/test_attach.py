"""Feeds that no part of live-torrent made, where they are: attached, and shared by real Chromium viewers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from playwright.async_api import Browser, Page

from seeder.feed.library import Library
from seeder.feed.remote.task import Attach, AttachTask
from seeder.web.app import create_app
from seeder.web.server import ServerConfig, serve
from tests.browser.asking import LISTEN, PATIENCE, plays, stats, through_the_worker, until, when
from tests.browser.broadcast import Rendezvous
from tests.browser.sites import site
from tests.browser.upstream import CORS, FEEDS, WINDOW, Publisher, Web, by_a_viewer, make_source, serving
from tests.conftest import NewPage, Running, commands, visitors

HOW = """name => {
  const video = document.querySelector(`video[title=${name}]`)
  const ours = window.liveTorrent?.players.find(({ engine }) =>
    [...engine.library.groups.keys()].some(url => url.includes(`/live/${name}/`)))
  if (!video || !ours) return { played: 0, error: '', peers: 0, stalls: 0, groups: {} }
  let played = 0
  for (let i = 0; i < video.played.length; i++) played += video.played.end(i) - video.played.start(i)
  const groups = {}
  for (const { group, holding } of ours.engine.library.byId.values()) {
    const name = group.split('/').at(-2)
    groups[name] = (groups[name] ?? 0) + (holding?.from.peers ?? 0)
  }
  const { bytesFromPeers, stalls, segments } = ours.stats()
  return { played, error: video.error?.message ?? '', peers: bytesFromPeers, stalls, groups, segments }
}"""
"""How a page's player of that stream does; ``groups``: bytes from peers that are held, by playlist."""


@dataclass
class Attached:
    """All the feeds of FEEDS, attached, and two pages of a third origin that play them all."""

    publishers: dict[str, Publisher]
    url: str
    pages: tuple[Page, Page]

    async def shows(self, name: str, claim: str, holds: Any) -> None:
        """Until on both pages what HOW tells of the stream is as it should be."""

        async def both() -> bool:
            told = [await page.evaluate(HOW, name) for page in self.pages]
            assert not any(one["error"] for one in told), told
            return bool(holds(*told))

        await until(f"{name}: {claim}", both, *self.pages)


@pytest.fixture(scope="module")
def source(ffmpeg: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_source(ffmpeg, tmp_path_factory.mktemp("source"))


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def attached(
    ffmpeg: str, source: Path, chromium: Browser, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Attached]:
    folder = tmp_path_factory.mktemp("upstream")
    publishers = {name: Publisher(ffmpeg, source, folder / name, muxer) for name, muxer in FEEDS.items()}
    async with AsyncExitStack() as stack:
        for publisher in publishers.values():
            stack.callback(publisher.kill)
            publisher.begin()
        upstream = await stack.enter_async_context(serving(folder))
        await asyncio.gather(*(publisher.listed() for publisher in publishers.values()))
        library = Library(folder / "nothing")
        rendezvous = Rendezvous(library)
        await rendezvous.begin()
        stack.push_async_callback(rendezvous.end)
        for name, publisher in publishers.items():
            task = AttachTask(Attach(f"{upstream.url}/{publisher.playlist}", name), library, None)
            running = asyncio.create_task(task.run())
            stack.push_async_callback(_ended, running)
        app = create_app(library, announce=rendezvous, viewers=rendezvous.viewers)
        bound = await stack.enter_async_context(serve(app, ServerConfig(host="127.0.0.1", port=0)))
        tags = "".join(
            f'<script src="{bound.url}/embed.js" data-stream="{name}" data-width="160"></script>'
            for name in publishers
        )
        url = await stack.enter_async_context(site(f"<!doctype html><body>{tags}</body>"))
        new_page = await stack.enter_async_context(visitors(chromium))
        pages = await new_page(), await new_page()
        for page in pages:
            await page.goto(url)
        yield Attached(publishers, bound.url, pages)


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait([task])


@pytest.mark.parametrize("name", FEEDS)
async def test_viewers_on_any_site_share_an_attached_feed(attached: Attached, name: str) -> None:
    await attached.shows(
        name,
        "both play and bytes come from the other",
        lambda one, two: min(one["played"], two["played"]) > 2 and one["peers"] + two["peers"] > 0,
    )


async def test_alternate_audio_is_shared_too(attached: Attached) -> None:
    await attached.shows(
        "multivariant",
        "peers gave audio and video",
        lambda one, two: all(
            any(held.get(kind, 0) > 0 for told in (one, two) for held in [prefixed(told["groups"])])
            for kind in ("a", "v")
        ),
    )


def prefixed(groups: dict[str, int]) -> dict[str, int]:
    """By the first letter: ``a0`` is an audio rendition, ``v1`` a variant."""
    found: dict[str, int] = {}
    for name, size in groups.items():
        found[name[:1]] = found.get(name[:1], 0) + size
    return found


async def test_a_publisher_that_was_killed_goes_on_behind_a_discontinuity(attached: Attached) -> None:
    publisher = attached.publishers["broken"]
    publisher.kill()
    publisher.begin()
    async with asyncio.timeout(PATIENCE):
        while "#EXT-X-DISCONTINUITY\n" not in publisher.text():
            await asyncio.sleep(0.05)
    before = publisher.text().partition("#EXT-X-DISCONTINUITY\n")[0]
    first = int(before.partition("#EXT-X-MEDIA-SEQUENCE:")[2].split()[0]) + before.count("#EXTINF")

    def passed(told: dict[str, Any]) -> bool:
        return any(segment["msn"] > first for segment in told["segments"])

    await attached.shows("broken", "segments behind it", lambda one, two: passed(one) and passed(two))
    told = [await page.evaluate(HOW, "broken") for page in attached.pages]
    await attached.shows(
        "broken",
        "playing on",
        lambda *now: all(new["played"] > old["played"] + 2 for new, old in zip(now, told, strict=True)),
    )


async def test_through_the_service_worker_byte_ranges_are_shared_too(
    attached: Attached, new_page: NewPage
) -> None:
    pages = [await new_page(), await new_page()]
    for page in pages:
        await page.goto(f"{attached.url}/watch/ranges?mode=service-worker")
        await plays(page, 1)
        await through_the_worker(page)
    answered: list[tuple[int, str]] = []
    pages[1].on("response", lambda r: answered.append((r.status, r.headers.get("live-torrent-source", ""))))

    async def shared() -> bool:
        told = [await stats(page) for page in pages]
        assert all(one.get("mode", "service-worker") == "service-worker" for one in told)
        by_peers = {source for status, source in answered if status == 206} & {"peers", "mixed"}
        return sum(one.get("bytesFromPeers", 0) for one in told) > 0 and bool(by_peers)

    await until("the worker hands ranges from peers to the player", shared, *pages)
    for page in pages:
        await plays(page, 1)


# Faults

POISON = b"~POISON~"
WATCHFUL = """
window.poisoned = new Set()
window.past = new Set()
const { appendBuffer } = SourceBuffer.prototype
SourceBuffer.prototype.appendBuffer = function (data) {
  const text = new TextDecoder('latin1').decode(data)
  for (const [, name] of text.matchAll(/~POISON~([^~]+)~/g)) window.poisoned.add(name)
  return appendBuffer.call(this, data)
}
const { open } = XMLHttpRequest.prototype
XMLHttpRequest.prototype.open = function (method, url, ...more) {
  window.past.add(new URL(url).pathname.split('/').at(-1))
  return open.call(this, method, url, ...more)
}
"""
"""What reaches the decoder of poisoned segments, by name, and what hls.js fetched itself: segments that had
no magnet yet are nobody's to verify."""


@dataclass
class Single:
    """One feed, attached by the real command."""

    publisher: Publisher
    upstream: Web
    server: Running
    pages: list[Page]
    """Two viewers of it."""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def single(
    ffmpeg: str, source: Path, chromium: Browser, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Single]:
    folder = tmp_path_factory.mktemp("single")
    publisher = Publisher(ffmpeg, source, folder / "tv", FEEDS["fragments"])
    async with AsyncExitStack() as stack:
        stack.callback(publisher.kill)
        publisher.begin(1000)
        upstream = await stack.enter_async_context(serving(folder))
        await publisher.listed()
        start = await stack.enter_async_context(commands(tmp_path_factory.mktemp("attach")))
        server = await start("attach", f"{upstream.url}/{publisher.playlist}", "--name", "show")
        new_page = await stack.enter_async_context(visitors(chromium))
        pages = [await new_page(), await new_page()]
        for page in pages:
            await page.add_init_script(WATCHFUL)
            await page.add_init_script(LISTEN)
            await page.goto(f"{server.url}/watch/show?mode=loader")
        for page in pages:
            await when(page, "s.peers === 1 && played > 1", "meeting the other")
        yield Single(publisher, upstream, server, pages)


class Moods:
    """Each segment has its own trouble, which passes: it is refused, cut off, slow, or has other bytes."""

    def __init__(self) -> None:
        self.done: dict[tuple[str, bool], int] = {}
        self.poisoned = 0

    async def __call__(self, request: web.Request, path: Path) -> web.StreamResponse | None:
        if path.suffix != ".m4s":
            return None
        who = path.name, by_a_viewer(request)
        self.done[who] = self.done.get(who, 0) + 1
        kind = int(path.stem) % 4
        if kind == 3 and who[1] and self.done[who] <= 2:
            self.poisoned += 1
            body = path.read_bytes()
            mark = POISON + path.name.encode() + b"~"
            return web.Response(body=body[: -len(mark)] + mark, headers=CORS)
        if self.done[who] > 1:
            return None
        if kind == 0:
            return web.Response(status=503, headers=CORS)
        if kind == 1:
            return await cut(request, path)
        if kind == 2:
            await asyncio.sleep(1)
        return None


async def cut(request: web.Request, path: Path) -> web.StreamResponse:
    body = path.read_bytes()
    response = web.StreamResponse(headers={**CORS, "Content-Length": str(len(body))})
    await response.prepare(request)
    await response.write(body[: len(body) // 2])
    assert request.transport is not None
    request.transport.close()
    return response


async def test_a_server_in_all_its_moods_is_played_and_nothing_unverified(single: Single) -> None:
    pages = single.pages
    before = [await stats(page) for page in pages]
    moods = single.upstream.fault = Moods()
    try:
        await asyncio.gather(*(plays(page, 5) for page in pages))

        async def refused() -> bool:
            heard = [await page.evaluate("window.heard") for page in pages]
            return any("do not match the manifest" in line for lines in heard for line in lines)

        await until("other bytes than the manifest names are refused", refused, *pages)
    finally:
        single.upstream.fault = None
    assert moods.poisoned > 0
    for page in pages:
        assert await page.evaluate("[...window.poisoned].filter(name => !window.past.has(name))") == []
        assert await page.evaluate("document.querySelector('video').error") is None
    after = [await stats(page) for page in pages]
    assert sum(s["bytesFromPeers"] for s in after) > sum(s["bytesFromPeers"] for s in before)


async def test_a_publisher_that_begins_anew_after_an_outage_is_played_on(single: Single) -> None:
    pages = single.pages
    for page in pages:
        await when(
            page, f"v.currentTime > {WINDOW + 2}", "being farther than the new ones will be for a while"
        )

    async def away(request: web.Request, path: Path) -> web.StreamResponse:
        return web.Response(status=503, headers=CORS)

    single.upstream.fault = away
    single.publisher.kill()
    for file in single.publisher.folder.glob("*.m*"):
        file.unlink()
    single.publisher.begin(0)
    await single.publisher.listed(WINDOW)
    # Nothing more comes: a player that waits for the old place would wait for ever.
    single.publisher.kill()
    single.upstream.fault = None
    for page in pages:
        await when(page, f"v.currentTime < {WINDOW + 1} && played > 1", "playing the new ones")
        assert await page.evaluate("document.querySelector('video').error") is None
