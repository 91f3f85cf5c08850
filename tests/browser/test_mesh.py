"""The mesh in real Chromium through restarts, departures, the back button and another network.

What sleeps is in test_situations.py, who vanishes without a word in test_adversity.py.
"""

from __future__ import annotations

import asyncio
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, Page, async_playwright

from bench.swarm.namespaces import Place, allowed, joined
from bench.swarm.processes import running, until_served
from bench.swarm.router import DEVICE
from bench.swarm.settings import Links
from tests import browser_path
from tests.browser.asking import new_segments, plays, stats, until
from tests.browser.broadcast import Broadcast, Recording, broadcast
from tests.conftest import NewPage


async def peers(page: Page) -> int:
    return int((await stats(page)).get("peers", 0))


async def meet(*pages: Page) -> None:
    """Until each is linked with all others."""

    async def linked() -> bool:
        return all([await peers(page) == len(pages) - 1 for page in pages])

    await until(f"{len(pages)} viewers are linked with each other", linked, *pages)


async def gathering(live: Broadcast, new_page: NewPage, count: int) -> list[Page]:
    """So many viewers, who play and are linked with each other."""
    pages = [await new_page() for _ in range(count)]
    # One after the other: offers that cross would make links after all have met.
    for page in pages:
        await page.goto(f"{live.url}/watch/demo")
        await plays(page, 0.2)
    await meet(*pages)
    return pages


async def made(*pages: Page) -> list[int]:
    return [(await stats(page))["connectionsMade"] for page in pages]


async def troubled(page: Page) -> bool:
    return "tracker" in (await stats(page)).get("trouble", "")


async def well(page: Page) -> bool:
    return (await stats(page)).get("trouble", "?") == ""


async def test_the_mesh_outlives_the_tracker_and_newcomers_join_it_through_the_next(
    recording: Recording, new_page: NewPage
) -> None:
    async with broadcast(recording, "demo") as live:
        viewers = await gathering(live, new_page, 3)
        before = await made(*viewers)
        await live.rendezvous.end()
        for page in viewers:
            await until("the page says that the tracker is away", lambda page=page: troubled(page), page)
            assert await peers(page) == 2
        fed = await stats(viewers[1])
        await new_segments(viewers[1], 3)
        now = await stats(viewers[1])
        exchanged = now["bytesFromPeers"] + now["bytesToPeers"]
        assert exchanged > fed["bytesFromPeers"] + fed["bytesToPeers"], (
            "segments are exchanged without a tracker"
        )
        await live.rendezvous.begin()
        for page in viewers:
            await until("the page is with the new tracker", lambda page=page: well(page), page)
        assert await made(*viewers) == before, "no link was made anew"
        newcomer = await new_page()
        await newcomer.goto(f"{live.url}/watch/demo")
        await meet(*viewers, newcomer)
        assert await made(*viewers) == [count + 1 for count in before]


async def test_the_mesh_outlives_the_server(recording: Recording, new_page: NewPage) -> None:
    async with broadcast(recording, "demo") as live:
        viewers = await gathering(live, new_page, 3)
        before = await made(*viewers)
        port = urlsplit(live.url).port
        assert port is not None
    for page in viewers:
        await until("the page says that the tracker is away", lambda page=page: troubled(page), page)
    async with broadcast(recording, "demo", port=port) as live:
        for page in viewers:
            await until("the page is with the new tracker", lambda page=page: well(page), page)
            await plays(page)
        assert await made(*viewers) == before, "no link was made anew"
        newcomer = await new_page()
        await newcomer.goto(f"{live.url}/watch/demo")
        await meet(*viewers, newcomer)


async def test_half_the_swarm_leaves_at_once_and_the_rest_stays_linked(
    recording: Recording, new_page: NewPage
) -> None:
    async with broadcast(recording, "demo") as live:
        pages = await gathering(live, new_page, 4)
        stay, leave = pages[::2], pages[1::2]
        before = await made(*stay)
        await asyncio.gather(*(page.context.close() for page in leave))
        await meet(*stay)
        stalls = [(await stats(page))["stalls"] for page in stay]
        for page in stay:
            await plays(page)
        assert [(await stats(page))["stalls"] for page in stay] == stalls
        # The tracker's count falls with them: nobody makes offers to those who left.
        assert await made(*stay) == before
        *others, last = stay
        await asyncio.gather(*(page.context.close() for page in others))
        await meet(last)
        await new_segments(last, 3)
        assert (await stats(last))["stalls"] == stalls[-1], "left alone it plays on"


async def test_a_hidden_tab_keeps_its_peers_and_gives_them_nothing(
    recording: Recording, new_page: NewPage
) -> None:
    async with broadcast(recording, "demo") as live:
        hidden, other = await gathering(live, new_page, 2)
        before = await made(hidden, other)
        await show(hidden, "hidden")
        await new_segments(other)
        told = await stats(hidden)
        await new_segments(other, 3)
        await plays(other)
        after = await stats(hidden)
        assert after["bytesToPeers"] == told["bytesToPeers"]
        assert after["sharing"] is True, "it is the user's switch that the page shows"
        await show(hidden, "visible")

        async def gives() -> bool:
            return bool((await stats(hidden))["bytesToPeers"] > after["bytesToPeers"])

        await other.route("**/*.m4s*", lambda route: route.abort())
        await until("the tab that is seen again uploads", gives, hidden, other)
        assert await peers(hidden) == 1
        assert await made(hidden, other) == before


async def show(page: Page, state: str) -> None:
    """What a page sees when its tab comes and goes; headless tabs are always visible."""
    await page.evaluate(
        """state => {
          Object.defineProperty(document, 'visibilityState', { value: state, configurable: true })
          document.dispatchEvent(new Event('visibilitychange'))
        }""",
        state,
    )


async def test_a_page_that_comes_back_by_the_back_button_is_a_peer_again(
    recording: Recording, new_page: NewPage, chromium_path: str
) -> None:
    async with broadcast(recording, "demo") as live, async_playwright() as playwright:
        stays = (await gathering(live, new_page, 1))[0]
        # Playwright switches the back/forward cache off.
        browser = await playwright.chromium.launch(
            executable_path=chromium_path,
            args=list(browser_path.FLAGS),
            ignore_default_args=["--disable-back-forward-cache"],
        )
        try:
            page = await (await browser.new_context()).new_page()
            await page.goto(f"{live.url}/watch/demo")
            await plays(page, 0.2)
            await meet(stays, page)
            await page.goto(f"{live.url}/healthz")

            async def alone() -> bool:
                return await peers(stays) == 0

            await until("the page has left", alone, stays)
            await page.go_back()
            await meet(stays, page)
            await plays(page)
        finally:
            await browser.close()


# ------------------------------------------------------------------------------------------ another network


async def test_a_viewer_stays_a_peer_on_another_network_and_is_one_again_after_a_long_absence(
    tmp_path: Path, long_vod: Path, chromium_path: str
) -> None:
    if (why := await allowed()) is not None:
        pytest.skip(f"network namespaces cannot be had here: {why}")
    feed = tmp_path / "feed"
    shutil.copytree(long_vod, feed / "show")
    links = Links("home", rtt=0.02, down=20e6, up=20e6)
    async with joined(links, 3) as (origin, (home, away, elsewhere)):
        url = f"http://{origin.address}:8008"
        command = [
            *(*origin.prefix, sys.executable, "-m", "seeder", "serve", "--feed", str(feed), "--loop"),
            *("--host", origin.address, "--port", "8008", "--log-level", "warning"),
        ]
        async with running(command, "the server"), async_playwright() as playwright:
            await until_served(f"{url}/live/show/master.m3u8", home.prefix, "#EXTM3U")
            async with (
                browser_at(home, playwright.chromium, chromium_path, tmp_path, url) as stays,
                browser_at(away, playwright.chromium, chromium_path, tmp_path, url) as moves,
            ):
                pages = [await (await browser.new_context()).new_page() for browser in (stays, moves)]
                for page in pages:
                    await page.goto(f"{url}/watch/show?mode=loader")
                    await plays(page, 0.2)
                await meet(*pages)
                await move(away, DEVICE, elsewhere)
                await exchange(*pages)
                # Away for so long that all is lost, while the tracker takes the old socket to be alive.
                await ip(f"-n {away.name} link set other down")

                async def apart() -> bool:
                    return all([await peers(page) == 0 for page in pages])

                await until("they have given each other up", apart, *pages)
                await ip(f"-n {away.name} link set {DEVICE} up")
                await ip(f"-n {away.name} route add default dev {DEVICE}")
                await meet(*pages)
                await exchange(*pages)


async def exchange(*pages: Page) -> None:
    """Until more bytes went from one to the other."""

    async def received() -> int:
        return sum([int((await stats(page))["bytesFromPeers"]) for page in pages])

    before = await received()

    async def more() -> bool:
        return await received() > before

    await until("segments are exchanged", more, *pages)


@asynccontextmanager
async def browser_at(
    place: Place, kind: object, chromium: str, folder: Path, url: str
) -> AsyncIterator[Browser]:
    """A Chromium in a network namespace, to which ``url`` is as good as HTTPS."""
    wrapper = folder / f"chromium-{place.name}"
    wrapper.write_text(f'#!/bin/sh\nexec {" ".join(place.prefix)} "{chromium}" "$@"\n')
    wrapper.chmod(0o755)
    flags = [
        *browser_path.FLAGS,
        # No multicast names for addresses: the router carries no multicast.
        "--disable-features=WebRtcHideLocalIpsWithMdns",
        f"--unsafely-treat-insecure-origin-as-secure={url}",
    ]
    browser: Browser = await kind.launch(executable_path=str(wrapper), args=flags)  # type: ignore[attr-defined]
    try:
        yield browser
    finally:
        with suppress(Exception):
            await browser.close()


async def move(viewer: Place, device: str, line: Place) -> None:
    """``viewer``'s line goes dead, and it gets that of ``line``, with another address."""
    await ip(f"-n {viewer.name} link set {device} down")
    await ip(f"-n {line.name} link set {DEVICE} down")
    await ip(f"-n {line.name} link set {DEVICE} netns {viewer.name} name other")
    await ip(f"-n {viewer.name} addr add {line.address}/24 dev other")
    await ip(f"-n {viewer.name} link set other up")
    await ip(f"-n {viewer.name} route add default dev other")


async def ip(command: str) -> None:
    process = await asyncio.create_subprocess_exec("ip", *command.split())
    assert await process.wait() == 0, command
