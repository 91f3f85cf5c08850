"""Chromium viewers: contexts of one browser, or, behind links of their own, a browser in each namespace."""

from __future__ import annotations

import asyncio
import time
from asyncio import Task
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, CDPSession, Error, Page, Playwright

from bench.swarm.metrics import Sample, Tick, Visit
from bench.swarm.namespaces import Place
from bench.swarm.processes import resident
from bench.swarm.settings import JOIN
from tests.browser_path import FLAGS

PROBE = (Path(__file__).parent / "pages" / "probe.js").read_text()
ANSWER = 5.0
"""Seconds a page gets to answer the probe; one that is too busy has no sample this time."""
SIZE = {"width": 640, "height": 360}
"""A window, px: painting is the same small work for all."""


class Viewer:
    """One visit of one page."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._samples: list[Sample] = []
        self.joined = 0.0
        self.left: float | None = None

    @property
    def playing(self) -> bool:
        return bool(self._samples) and self._samples[-1].start_ms is not None

    async def join(self, url: str) -> None:
        """Open the page and wait until it plays, JOIN seconds at most."""
        self.joined = time.time()
        with suppress(TimeoutError, Error):
            async with asyncio.timeout(JOIN):
                await self._page.goto(url, wait_until="commit")
                while not self.playing and self.left is None:
                    await asyncio.sleep(0.5)
                    await self.sample()

    async def sample(self) -> None:
        if self.left is not None:
            return
        with suppress(TimeoutError, Error):  # the page is on its way, or very busy
            async with asyncio.timeout(ANSWER):
                said: dict[str, Any] = await self._page.evaluate("window.__bench.sample()")
                self._samples.append(
                    Sample(
                        said["at"], said["frame"], said["ahead"], said["startMs"], said["stalls"],
                        said["stalledMs"], said["jumps"], said["connections"],
                        said["sent"], said["received"], said["heap"],
                    )
                )  # fmt: skip

    async def leave(self) -> None:
        """As when the tab is closed; idempotent."""
        if self.left is None:
            self.left = time.time()
            with suppress(Error):
                await self._page.context.close()

    def visit(self, end: float) -> Visit:
        return Visit(self.joined, self.left or end, tuple(self._samples))


class Audience:
    """Everybody who watches or watched, and the browsers they use."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._browsers: list[Browser] = []
        self._sessions: list[CDPSession] = []
        self._arriving: set[Task[None]] = set()
        self._free: list[Browser] = []
        """Browsers that wait for their one viewer; empty when all share one."""
        self.viewers: list[Viewer] = []
        self.ticks: list[Tick] = []

    async def add_browser(self, browser: Browser, *, own: bool) -> None:
        self._browsers.append(browser)
        self._sessions.append(await browser.new_browser_cdp_session())
        if own:
            self._free.append(browser)

    async def welcome(self) -> Viewer:
        """A new viewer begins to join; it does not wait until it plays."""
        browser = self._free.pop(0) if self._free else self._browsers[0]
        context = await browser.new_context(viewport=SIZE)  # type: ignore[arg-type]
        await context.add_init_script(PROBE)
        viewer = Viewer(await context.new_page())
        self.viewers.append(viewer)
        arriving = asyncio.create_task(viewer.join(self._url))
        self._arriving.add(arriving)
        arriving.add_done_callback(self._arriving.discard)
        return viewer

    async def arrived(self) -> None:
        """Until everybody plays or has had the time for it."""
        while self._arriving:
            await asyncio.wait(set(self._arriving))

    async def look(self) -> None:
        """A sample of every page, and of the browsers' processes."""
        await asyncio.gather(*(viewer.sample() for viewer in self.viewers))
        cpu: dict[int, float] = {}
        renderers = set()
        for session in self._sessions:
            with suppress(Error):
                for process in (await session.send("SystemInfo.getProcessInfo"))["processInfo"]:
                    cpu[process["id"]] = process["cpuTime"]
                    if process["type"] == "renderer":
                        renderers.add(process["id"])
        memory = sum(resident(pid) for pid in renderers)
        self.ticks.append(Tick(time.time(), cpu, frozenset(renderers), memory))

    async def close(self) -> None:
        for task in list(self._arriving):
            task.cancel()
        await asyncio.gather(*self._arriving, return_exceptions=True)
        for viewer in self.viewers:
            await viewer.leave()
        for browser in self._browsers:
            with suppress(Error):
                await browser.close()


@asynccontextmanager
async def audience(
    playwright: Playwright, chromium: str, url: str, places: Sequence[Place], folder: Path
) -> AsyncIterator[Audience]:
    """``places``: where the viewers' browsers run, one each; none: all in one browser, here."""
    crowd = Audience(url)
    try:
        if places:
            for place in places:
                wrapper = folder / f"chromium-{place.name}"
                wrapper.write_text(f'#!/bin/sh\nexec {" ".join(place.prefix)} "{chromium}" "$@"\n')
                wrapper.chmod(0o755)
                await crowd.add_browser(await _launched(playwright, str(wrapper), url), own=True)
        else:
            await crowd.add_browser(await _launched(playwright, chromium, None), own=False)
        yield crowd
    finally:
        await asyncio.shield(crowd.close())


async def _launched(playwright: Playwright, executable: str, shaped: str | None) -> Browser:
    flags = [*FLAGS, "--enable-precise-memory-info", "--disable-features=SpareRendererForSitePerProcess"]
    if shaped is not None:
        # Service workers and WebCrypto as under HTTPS; and no multicast names for addresses, which no router
        # carries: STUN's part on the open network.
        origin = "/".join(shaped.split("/")[:3])
        flags[-1] += ",WebRtcHideLocalIpsWithMdns"
        flags.append(f"--unsafely-treat-insecure-origin-as-secure={origin}")
    return await playwright.chromium.launch(
        executable_path=executable, args=flags, handle_sigint=False, handle_sigterm=False
    )


async def every(seconds: float, act: Callable[[], Coroutine[Any, Any, None]], until: float) -> None:
    """``act`` now and again, until a time of ``time.time()``; a slow one puts the next off."""
    while (now := time.time()) < until:
        await act()
        await asyncio.sleep(max(0.0, min(seconds - (time.time() - now), until - time.time())))
