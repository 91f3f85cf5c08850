"""The service worker in real Chromium: what broke the original, silently, is a test each."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio
from playwright.async_api import Page

from seeder.web.bundle_files import Bundle, load_bundle
from seeder.web.render import representations
from tests.browser.asking import mode, new_segments, plays, stats, through_the_worker, until
from tests.browser.broadcast import Broadcast, Recording, broadcast
from tests.conftest import NewPage

ANSWERED_BY_PAGE = """async () => {
  const asked = performance.getEntriesByType('resource').map(entry => entry.name.split('#')[0])
  const answer = await fetch(asked.findLast(name => name.endsWith('.m4s')))
  return answer.headers.get('live-torrent-source')
}"""
"""Asks for the newest segment again, as any player on the page would."""

FETCH_NEWEST = """async playlist => {
  const text = await (await fetch(playlist)).text()
  const uri = text.trim().split('\\n').at(-1)
  const answer = await fetch(new URL(uri, new URL(playlist, location.href)))
  const bytes = (await answer.arrayBuffer()).byteLength
  return {status: answer.status, bytes, source: answer.headers.get('live-torrent-source')}
}"""


@pytest_asyncio.fixture(loop_scope="session")
async def live(recording: Recording) -> AsyncIterator[Broadcast]:
    async with broadcast(recording, "demo", "other") as running:
        yield running


async def open_player(
    page: Page, live: Broadcast, stream: str = "demo", query: str = "?mode=service-worker"
) -> None:
    """By default a player whose every request goes through the worker, as others' players' do."""
    await page.goto(f"{live.url}/watch/{stream}{query}")
    await plays(page)
    if "service-worker" in query:
        await through_the_worker(page)


async def test_our_player_starts_without_the_worker_which_then_answers_the_rest_of_the_page(
    live: Broadcast, new_page: NewPage
) -> None:
    page = await new_page()
    await open_player(page, live, query="")

    async def controlled() -> bool:
        return await mode(page) == "service-worker"

    await until("the worker controls the page", controlled, page)
    assert await page.evaluate(ANSWERED_BY_PAGE) is not None, "other requests are answered by the engine"
    await new_segments(page)
    devtools = await page.context.new_cdp_session(page)
    await devtools.send("Storage.clearDataForOrigin", {"origin": live.url, "storageTypes": "service_workers"})
    await new_segments(page, 1)

    async def released() -> bool:
        return await mode(page) == "loader"

    await until("the page tells that it is gone", released, page)


async def test_a_first_visit_gets_the_worker_without_a_reload(live: Broadcast, new_page: NewPage) -> None:
    page = await new_page()
    await open_player(page, live)
    assert await mode(page) == "service-worker"
    await new_segments(page)
    assert await page.evaluate(ANSWERED_BY_PAGE) is not None, "the page's client answers the worker"


async def test_a_second_visit_is_controlled_from_the_start(live: Broadcast, new_page: NewPage) -> None:
    page = await new_page()
    await open_player(page, live)
    await open_player(page, live)
    assert await mode(page) == "service-worker"


async def test_a_hard_reload_keeps_playing(live: Broadcast, new_page: NewPage) -> None:
    page = await new_page()
    await open_player(page, live)
    await page.add_init_script("window.controlled = navigator.serviceWorker.controller !== null")
    devtools = await page.context.new_cdp_session(page)
    async with page.expect_event("load"):
        await devtools.send("Page.reload", {"ignoreCache": True})
    assert await page.evaluate("window.controlled") is False, "it was a hard reload"
    await plays(page)
    assert await mode(page) in ("service-worker", "loader"), "peer-to-peer works all the same"
    await new_segments(page)


async def test_a_worker_the_browser_stopped_is_started_again(live: Broadcast, new_page: NewPage) -> None:
    page = await new_page()
    await open_player(page, live)
    devtools = await page.context.new_cdp_session(page)
    await devtools.send("ServiceWorker.enable")
    for _ in range(3):
        await devtools.send("ServiceWorker.stopAllWorkers")
        await new_segments(page, 1)
    assert await mode(page) == "service-worker"
    assert await page.evaluate(ANSWERED_BY_PAGE) is not None
    await plays(page)


async def test_an_updated_worker_takes_over_in_mid_play(recording: Recording, new_page: NewPage) -> None:
    bundle = load_bundle()
    worker = bundle.get("sw.js")
    assert worker is not None
    version = b""

    class Changing(Bundle):
        """The bundle of a server that was updated meanwhile."""

        def get(self, name: str):  # type: ignore[no-untyped-def]
            if name != "sw.js":
                return bundle.get(name)
            assert worker is not None
            return replace(worker, body=representations(worker.body.plain.data + version))

        def client(self, path: str):  # type: ignore[no-untyped-def]
            return bundle.client(path)

    async with broadcast(recording, "demo", bundle=lambda: Changing({"sw.js": worker})) as live:
        page = await new_page()
        await open_player(page, live)
        await page.evaluate("""() => {
            window.changes = 0
            navigator.serviceWorker.addEventListener('controllerchange', () => { window.changes += 1 })
        }""")
        version = b"\n// a newer version\n"
        await page.evaluate("navigator.serviceWorker.ready.then(registration => registration.update())")

        async def changed() -> bool:
            return bool(await page.evaluate("window.changes > 0"))

        await until("the new worker controls the page", changed, page)
        await new_segments(page)
        assert await mode(page) == "service-worker"
        assert await page.evaluate(ANSWERED_BY_PAGE) is not None
        await plays(page)


async def test_a_worker_that_is_thrown_away_does_not_stop_the_picture(
    live: Broadcast, new_page: NewPage
) -> None:
    page = await new_page()
    await open_player(page, live)
    devtools = await page.context.new_cdp_session(page)
    await devtools.send("Storage.clearDataForOrigin", {"origin": live.url, "storageTypes": "service_workers"})
    await new_segments(page)
    await plays(page)


async def test_two_tabs_of_one_browser_are_two_viewers(live: Broadcast, new_page: NewPage) -> None:
    first = await new_page()
    await open_player(first, live)
    second = await first.context.new_page()
    await open_player(second, live)

    async def met() -> bool:
        return all([(await stats(page))["peers"] == 1 for page in (first, second)])

    await until("the tabs are peers", met, first, second)

    async def exchanged() -> bool:
        return any([(await stats(page))["bytesFromPeers"] > 0 for page in (first, second)])

    await until("one gets bytes from the other", exchanged, first, second)
    for page in (first, second):
        assert await mode(page) == "service-worker"
        await new_segments(page, 1)


async def test_two_streams_on_one_origin_do_not_mix(live: Broadcast, new_page: NewPage) -> None:
    first = await new_page()
    await open_player(first, live, "demo")
    second = await first.context.new_page()
    await open_player(second, live, "other")
    for page, mine, others in ((first, "demo", "other"), (second, "other", "demo")):
        await new_segments(page)
        names = await page.evaluate("performance.getEntriesByType('resource').map(entry => entry.name)")
        assert any(f"/live/{mine}/" in name for name in names)
        assert not any(f"/live/{others}/" in name for name in names)
        assert (await stats(page))["peers"] == 0, "viewers of another stream are no peers"


async def test_a_page_without_our_client_gets_plain_http(live: Broadcast, new_page: NewPage) -> None:
    page = await new_page()
    await open_player(page, live)
    plain = await page.context.new_page()
    await plain.goto(f"{live.url}/no-such-page")
    assert await plain.evaluate("navigator.serviceWorker.controller !== null"), "the worker is there"
    for _ in range(2):
        answer = await plain.evaluate(FETCH_NEWEST, "/live/demo/video/index.m3u8")
        assert answer["status"] == 200
        assert answer["bytes"] > 1000
        assert answer["source"] is None, "from the origin"


async def test_a_page_that_stopped_answering_gets_plain_http(live: Broadcast, new_page: NewPage) -> None:
    page = await new_page()
    await open_player(page, live)
    # Listeners of ours stay, but nothing comes back: as if the page's client hung.
    await page.evaluate("""() => {
        MessagePort.prototype.postMessage = () => {}
    }""")
    answer = await page.evaluate(FETCH_NEWEST, "/live/demo/video/index.m3u8")
    assert answer["status"] == 200
    assert answer["source"] is None
    before = (await stats(page))["bytesFromOrigin"]
    await plays(page)

    async def counted() -> bool:
        return bool((await stats(page))["bytesFromOrigin"] > before)

    await until("what the worker fetched by itself is counted", counted, page)


async def test_a_range_of_a_segment_is_cut_from_its_bytes(live: Broadcast, new_page: NewPage) -> None:
    page = await new_page()
    await open_player(page, live)
    await new_segments(page)
    question = """async () => {
        const asked = performance.getEntriesByType('resource').map(entry => entry.name.split('#')[0])
        const newest = asked.findLast(name => name.endsWith('.m4s'))
        const part = await fetch(newest, {headers: {range: 'bytes=100-199'}})
        const whole = await (await fetch(newest, {cache: 'no-store'})).arrayBuffer()
        return {
            status: part.status,
            source: part.headers.get('live-torrent-source'),
            same: String(new Uint8Array(await part.arrayBuffer())) === String(new Uint8Array(whole, 100, 100))
        }
    }"""

    async def cut() -> bool:
        answer = await page.evaluate(question)
        assert answer["status"] == 206
        assert answer["same"]
        return answer["source"] is not None  # the worker does not wait long for a page that is busy

    await until("it is the page that answers", cut, page)


async def test_the_loader_does_the_same_job_without_a_worker(live: Broadcast, new_page: NewPage) -> None:
    first = await new_page(service_workers="block")
    await open_player(first, live, query="")
    assert await mode(first) == "loader"
    second = await new_page()
    await open_player(second, live, query="?mode=loader")
    assert await mode(second) == "loader"

    async def exchanged() -> bool:
        return any([(await stats(page))["bytesFromPeers"] > 0 for page in (first, second)])

    await until("one gets bytes from the other", exchanged, first, second)


async def test_plain_http_plays_and_counts(live: Broadcast, new_page: NewPage) -> None:
    page = await new_page()
    await open_player(page, live, query="?mode=http")
    segments = await new_segments(page)
    assert await mode(page) == "http"
    snapshot = await stats(page)
    assert {segment["source"] for segment in segments} == {"origin"}
    assert snapshot["bytesFromOrigin"] > 0
    assert snapshot["bytesFromPeers"] == 0


async def test_without_webrtc_everything_comes_over_http(live: Broadcast, new_page: NewPage) -> None:
    page = await new_page()
    await page.add_init_script("delete window.RTCPeerConnection; delete window.webkitRTCPeerConnection")
    await open_player(page, live)
    await new_segments(page)
    snapshot = await stats(page)
    assert snapshot["bytesFromOrigin"] > 0
    assert "WebRTC" in snapshot["trouble"]


async def test_without_mse_the_element_plays_by_itself(live: Broadcast, new_page: NewPage) -> None:
    page = await new_page()
    await page.add_init_script("delete window.MediaSource; delete window.ManagedMediaSource")
    await page.goto(f"{live.url}/watch/demo")
    if (
        await page.evaluate("document.createElement('video').canPlayType('application/vnd.apple.mpegurl')")
        == ""
    ):
        pytest.skip("this Chromium plays no HLS by itself")
    await plays(page)
    assert await mode(page) == "http"
    assert await page.evaluate("document.querySelector('video').src") == f"{live.url}/live/demo/master.m3u8"
