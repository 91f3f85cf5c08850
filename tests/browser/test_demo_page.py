"""The demo page in real Chromium: what a visitor sees and can do."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import pytest_asyncio
from playwright.async_api import Page

from tests.browser.asking import new_segments, plays, stats, until
from tests.browser.broadcast import Broadcast, Recording, broadcast
from tests.conftest import NewPage, page_log

WATCH_LAYOUT = """
window.shift = 0
new PerformanceObserver(list => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shift += entry.value
}).observe({ type: 'layout-shift', buffered: true })
window.violations = []
addEventListener('securitypolicyviolation', event => {
  window.violations.push(event.violatedDirective + ' ' + event.blockedURI)
})
"""


@pytest_asyncio.fixture(loop_scope="session")
async def live(recording: Recording) -> AsyncIterator[Broadcast]:
    async with broadcast(recording, "demo") as running:
        yield running


async def says(page: Page, selector: str, text: str) -> None:
    """Until an element shows this text."""

    async def shown() -> bool:
        return text in await page.inner_text(selector)

    await until(f"{selector} says {text!r}", shown, page)


async def test_the_page_plays_by_itself_and_says_how(live: Broadcast, new_page: NewPage) -> None:
    page = await new_page()
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    await page.add_init_script(WATCH_LAYOUT)
    await page.goto(live.url)
    await plays(page)
    await new_segments(page)
    assert await page.inner_text("#badge") == "Live"
    assert await page.inner_text("#name") == "demo"
    await says(page, "#latency", "behind live")
    await says(page, "#from-origin", "kB")
    assert await page.locator("#cells .origin").count() > 0
    assert await page.evaluate("document.querySelector('video').muted")
    assert await page.evaluate("window.violations") == []
    assert await page.evaluate("window.shift") < 0.01, "nothing moves while figures change"
    hosts = {urlsplit(url).netloc for url in requests if not url.startswith(("blob:", "data:"))}
    assert hosts == {urlsplit(live.url).netloc}, "no request to a third party"
    assert not [line for line in page_log(page) if line.startswith("error")]


async def test_a_second_viewer_shows_bytes_arriving_from_the_first(
    live: Broadcast, new_page: NewPage
) -> None:
    first = await new_page()
    await first.goto(live.url)
    await plays(first)
    async with first.context.expect_page() as opened:
        await first.click("#second")
    second = await opened.value
    await plays(second)

    async def from_peers() -> bool:
        snapshots: list[dict[str, Any]] = [await stats(first), await stats(second)]
        return any(snapshot["bytesFromPeers"] > 0 for snapshot in snapshots)

    await until("bytes come from the other viewer", from_peers, first, second)
    for page in (first, second):
        await says(page, "#peers", "1")
    await says(first, "#viewers", "2 watching")


async def test_the_switch_turns_sharing_off_and_on(live: Broadcast, new_page: NewPage) -> None:
    page = await new_page()
    await page.goto(live.url)
    await plays(page)
    switch = page.get_by_role("switch", name="Share with others")
    assert await switch.get_attribute("aria-checked") == "true"
    await switch.focus()
    await page.keyboard.press("Space")
    assert await switch.get_attribute("aria-checked") == "false"
    assert (await stats(page))["sharing"] is False
    await switch.click()
    assert (await stats(page))["sharing"] is True


async def test_the_keyboard_reads_segments_one_by_one(live: Broadcast, new_page: NewPage) -> None:
    page = await new_page()
    await page.goto(live.url)
    await plays(page)
    await new_segments(page)
    await page.focus("#cells")
    await says(page, "#segment", "from the server")
    newest = await page.inner_text("#segment")
    await page.keyboard.press("ArrowLeft")
    before = await page.inner_text("#segment")
    assert before.startswith("Segment ")
    assert before != newest


async def test_the_page_waits_for_a_stream_and_starts_by_itself(
    recording: Recording, new_page: NewPage
) -> None:
    async with broadcast(recording) as live:
        page = await new_page()
        await page.goto(live.url)
        await says(page, "#empty:visible", "Nothing is live yet")
        live.begin("demo")
        await plays(page)
        assert not await page.is_visible("#overlay")


async def test_the_player_page_of_a_stream_that_is_not_there_waits_for_it(
    recording: Recording, new_page: NewPage
) -> None:
    async with broadcast(recording) as live:
        page = await new_page()
        await page.goto(f"{live.url}/watch/later")
        await says(page, "#overlay", "Waiting for “later”")
        live.begin("later")
        await plays(page)
        assert not await page.is_visible("#overlay")


async def test_a_stream_that_ends_and_comes_back_is_played_again(
    recording: Recording, new_page: NewPage
) -> None:
    async with broadcast(recording, "demo") as live:
        page = await new_page()
        await page.goto(live.url)
        await plays(page)
        await live.end("demo")
        await says(page, "#badge", "Ended")
        await says(page, "#overlay", "The stream has ended")
        live.begin("demo")
        await says(page, "#badge", "Live")
        await plays(page)


async def test_a_server_that_comes_back_is_found_again(recording: Recording, new_page: NewPage) -> None:
    async with broadcast(recording, "demo") as live:
        page = await new_page()
        await page.goto(live.url)
        await plays(page)
        port = urlsplit(live.url).port
        assert port is not None
    async with broadcast(recording, "demo", port=port):
        await new_segments(page)
        await plays(page)


async def test_several_streams_are_listed_and_one_can_be_chosen(
    recording: Recording, new_page: NewPage
) -> None:
    async with broadcast(recording, "camera 2", "demo") as live:
        page = await new_page()
        await page.goto(f"{live.url}/?stream=demo")
        await plays(page)
        assert await page.inner_text("#name") == "demo"
        await page.get_by_role("navigation", name="Streams").get_by_role("link", name="camera 2").click()
        await says(page, "#name", "camera 2")
        await plays(page)


async def test_without_javascript_the_page_says_so(live: Broadcast, new_page: NewPage) -> None:
    page = await new_page(java_script_enabled=False)
    await page.goto(live.url)
    assert "This page needs JavaScript." in await page.inner_text("body")


async def test_a_short_outage_is_not_seen(recording: Recording, new_page: NewPage) -> None:
    async with broadcast(recording, "demo") as live:
        page = await new_page()
        await page.goto(f"{live.url}/watch/demo")
        await plays(page)
        await page.evaluate("""() => {
            window.emptied = 0
            document.querySelector('video').addEventListener('emptied', () => { window.emptied += 1 })
        }""")
        failed: list[str] = []
        page.on("requestfailed", lambda request: failed.append(request.url))

        async def noticed() -> bool:
            return bool(failed)

        await page.context.set_offline(True)
        await until("a request failed", noticed, page)
        await page.context.set_offline(False)
        await new_segments(page, 3)
        await plays(page)
        assert await page.evaluate("window.emptied") == 0, "the buffer was kept"
