"""The viewer's say and the operator's, in real Chromium: who is met, who is asked, what is given."""

from __future__ import annotations

import asyncio
from typing import Any

from playwright.async_api import Page

from seeder.model import Terms
from tests.browser.asking import new_segments, play_on, plays, stats, until, when
from tests.browser.broadcast import Broadcast, Recording, broadcast
from tests.browser.sites import site, website
from tests.browser.test_mesh import meet
from tests.conftest import ROOT, NewPage

BLOCK = 16 << 10
"""What BitTorrent sends at once, bytes: the least by which anything can be exceeded."""

TRACE = """
window.made = []
window.shift = 0
window.violations = []
for (const name of ['RTCPeerConnection', 'WebSocket']) {
  window[name] = new Proxy(window[name], {
    construct (target, args) {
      window.made.push(name)
      return Reflect.construct(target, args)
    }
  })
}
new PerformanceObserver(list => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shift += entry.value
}).observe({ type: 'layout-shift', buffered: true })
addEventListener('securitypolicyviolation', event => window.violations.push(event.violatedDirective))
"""
"""For a page before it opens: what another could see of it, and what its own reader would."""


async def visitor(new_page: NewPage, url: str, **options: Any) -> Page:
    page = await new_page(**options)
    await page.add_init_script(TRACE)
    await page.goto(url)
    await plays(page, 0.2)
    return page


async def visitors(new_page: NewPage, url: str, count: int) -> list[Page]:
    return await asyncio.gather(*(visitor(new_page, url) for _ in range(count)))


async def made(page: Page) -> list[str]:
    """Connections of the page to anybody but by HTTP."""
    found: list[str] = await page.evaluate("window.made")
    return found


def embed(live: Broadcast, attributes: str) -> str:
    """A page of others, as strict as one can be."""
    policy = (
        f"default-src 'none'; script-src {live.url}; media-src blob:; worker-src blob:; "
        f"connect-src {live.url} {live.url.replace('http', 'ws')}"
    )
    return (
        f'<!doctype html><title>News</title><meta http-equiv="Content-Security-Policy" content="{policy}">'
        f'<p>News</p><script src="{live.url}/embed.js" data-stream="demo" data-width="320" {attributes}>'
        "</script><p>More</p>"
    )


async def test_who_is_asked_meets_nobody_before_the_yes_and_then_plays_on_with_peers(
    recording: Recording, new_page: NewPage
) -> None:
    async with broadcast(recording, "demo", terms=Terms(sharing="ask")) as live:
        pages = first, second = await visitors(new_page, f"{live.url}/watch/demo", 2)
        await asyncio.gather(*(new_segments(page) for page in pages))
        for page in pages:
            await page.get_by_role("button", name="Allow").wait_for()
            assert await made(page) == []
            assert (await stats(page))["sharing"] is False
        assert live.rendezvous.opened == 0, "the tracker has not heard of them"

        before = [await stats(page) for page in pages]
        for page in pages:
            # The Tab key comes from the player to the question.
            await page.get_by_role("button", name="Allow").focus()
            await page.keyboard.press("Enter")
            assert await page.get_by_role("button", name="Allow").count() == 0
        await meet(*pages)

        async def exchanged() -> bool:
            return any([(await stats(page))["bytesFromPeers"] > 0 for page in pages])

        await until("they exchange segments", exchanged, *pages)
        after = [await stats(page) for page in pages]
        assert [one["stalls"] for one in after] == [one["stalls"] for one in before]

        # No, and it is as if the viewer had never been there.
        await second.evaluate("window.liveTorrent.players[0].setSharing(false)")
        await meet(first)
        gone = await stats(second)
        assert (gone["sharing"], gone["peers"]) == (False, 0)
        await play_on([second], 1)
        await asyncio.gather(*(page.reload() for page in pages))
        await asyncio.gather(*(new_segments(page) for page in pages))
        for page, connections in ((first, True), (second, False)):
            assert ("WebSocket" in await made(page)) == connections, "the answer is remembered"
            assert await page.get_by_role("button", name="Allow").count() == 0


async def test_the_question_is_asked_in_the_pages_words_and_moves_nothing_and_breaks_no_policy(
    recording: Recording, new_page: NewPage
) -> None:
    async with broadcast(recording, "demo") as live:
        words = 'data-notice="Teilen &amp; <b>helfen</b>?" data-notice-yes="Ja" data-notice-no="Nein"'
        async with site(embed(live, f'data-sharing="ask" {words}')) as url:
            page = await visitor(new_page, url)
            question = page.get_by_role("group", name="Teilen & <b>helfen</b>?")
            await question.wait_for()
            inside = """() => {
              const { left, right, top, bottom } = document.querySelector('video').getBoundingClientRect()
              const box = document.querySelector('.live-torrent-notice').shadowRoot.firstElementChild
              const at = box.getBoundingClientRect()
              return at.left >= left && at.right <= right && at.top >= top && at.bottom <= bottom
            }"""

            async def over() -> bool:
                return bool(await page.evaluate(inside))

            await until("it is over the picture", over, page)
            await page.set_viewport_size({"width": 280, "height": 500})
            await until("and stays there", over, page)
            no = page.get_by_role("button", name="Nein")
            await no.focus()
            await page.keyboard.press("Escape")
            await question.wait_for(state="detached")
            await page.reload()
            assert await page.evaluate("localStorage.length") == 0, "who looks away has not answered"
            await no.click()
            await new_segments(page)
            assert await made(page) == []
            assert await page.evaluate("window.shift") == 0
            assert await page.evaluate("window.violations") == []
            await page.reload()
            await new_segments(page)
            assert await page.locator(".live-torrent-notice").count() == 0


async def test_sharing_that_the_page_turned_off_stays_off_whatever_anybody_wants(
    recording: Recording, new_page: NewPage
) -> None:
    async with broadcast(recording, "demo") as live, site(embed(live, 'data-sharing="off"')) as url:
        page = await visitor(new_page, url)
        await page.evaluate("window.liveTorrent.players[0].setSharing(true)")
        await new_segments(page)
        assert await made(page) == []
        assert (await stats(page))["sharing"] is False


async def test_two_viewers_of_a_stream_that_wants_three_make_no_link_and_the_third_makes_the_mesh(
    recording: Recording, new_page: NewPage
) -> None:
    async with broadcast(recording, "demo", terms=Terms(min_viewers=3)) as live:
        pages = await visitors(new_page, f"{live.url}/watch/demo", 2)
        await asyncio.gather(*(new_segments(page, 2) for page in pages))
        for page in pages:
            assert await made(page) == ["WebSocket"]
        pages.append(await visitor(new_page, f"{live.url}/watch/demo"))
        await meet(*pages)


async def test_no_more_is_given_than_the_ratio_allows_and_the_others_notice_nothing(
    recording: Recording, new_page: NewPage
) -> None:
    ratio = 0.3
    async with broadcast(recording, "demo") as live, site(embed(live, f'data-max-ratio="{ratio}"')) as url:
        modest = await visitor(new_page, url)
        await new_segments(modest, 2)  # clearly older: it is the one that pulls
        other = await visitor(new_page, f"{live.url}/watch/demo")
        await meet(modest, other)
        # From peers alone where it can be had: who has given enough is asked for more.
        await play_on([other], 4)
        told = await stats(modest)
        received = sum(int(told[key]) for key in ("bytesFromPeers", "bytesFromOrigin", "bytesFromSeed"))
        assert 0 < told["bytesToPeers"] <= ratio * received + BLOCK


async def test_who_watches_in_the_sites_own_player_is_asked_over_its_picture(
    recording: Recording, new_page: NewPage
) -> None:
    async with broadcast(recording, "demo") as live:
        line = f'<script src="{live.url}/embed.js" data-worker="/sw.js" data-sharing="ask"></script>'
        files = {
            "/": f"<!doctype html>{line}<video muted autoplay></video><script src='/hls.js'></script>"
            "<script>const hls = new Hls(), video = document.querySelector('video')\n"
            f"hls.loadSource('{live.url}/live/demo/master.m3u8')\nhls.attachMedia(video)</script>",
            "/hls.js": (ROOT / "node_modules/hls.js/dist/hls.min.js").read_text(),
            "/sw.js": f"importScripts('{live.url}/sw.js')",
        }
        async with website(files) as news:
            own = await visitor(new_page, f"{news.url}/")
            await own.get_by_role("button", name="Allow").wait_for()
            assert await made(own) == []
            await own.get_by_role("button", name="Allow").click()
            other = await visitor(new_page, f"{live.url}/watch/demo")
            await meet(own, other)


async def test_the_switch_of_our_page_says_what_the_notice_was_told(
    recording: Recording, new_page: NewPage
) -> None:
    async with broadcast(recording, "demo", terms=Terms(sharing="ask")) as live:
        page = await visitor(new_page, live.url)
        switch = page.get_by_role("switch", name="Share with others")

        async def says(on: bool) -> None:
            async def turned() -> bool:
                return await switch.get_attribute("aria-checked") == str(on).lower()

            await until(f"the switch says {on}", turned, page)

        await says(False)
        await page.get_by_role("button", name="Allow").click()
        await says(True)
        await switch.click()
        await says(False)
        await when(page, "s.sharing === false && s.peers === 0", "it counts")
