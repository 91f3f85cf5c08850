"""Questions to a page with a player, and waiting for an answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from playwright.async_api import Frame, Page

from tests.conftest import Running, page_log
from tests.strain import steadily

PATIENCE = 90.0
"""Seconds until a condition must hold: for a noisy machine, never the usual time."""


STATE = """() => {
  const v = document.querySelector('video')
  const stats = window.liveTorrent?.stats()
  return { at: v?.currentTime, ready: v?.readyState, error: v?.error?.message, stats }
}"""
"""For a failure's message."""

LISTEN = """
window.heard = []
const timer = setInterval(() => {
  const engine = window.liveTorrent?.players[0]?.engine
  if (!engine) return
  clearInterval(timer)
  engine.log = line => window.heard.push(line)
}, 5)
"""
"""For a page before it opens: what its engine logs is in ``window.heard``."""


async def stats(page: Page) -> dict[str, Any]:
    """The page API's snapshot; empty before a player is there."""
    snapshot: dict[str, Any] = await page.evaluate("window.liveTorrent?.stats() ?? {}")
    return snapshot


async def mode(page: Page) -> str | None:
    found: str | None = await page.evaluate("window.liveTorrent?.mode ?? null")
    return found


async def until(claim: str, holds: Callable[[], Awaitable[bool]], *pages: Page | Frame) -> None:
    """Wait until ``holds``; when it never does, fail with the pages' state and console."""
    try:
        async with asyncio.timeout(PATIENCE):
            while not await holds():
                await asyncio.sleep(0.1)
    except TimeoutError:
        told = [f"{page.url}: {await page.evaluate(STATE)}\n" + "\n".join(page_log(page)) for page in pages]
        raise AssertionError(f"not in {PATIENCE:.0f} s: {claim}\n" + "\n".join(told)) from None


async def when(page: Page, condition: str, claim: str) -> dict[str, Any]:
    """The snapshot once ``condition`` holds: JavaScript over ``s`` (the snapshot), ``v`` (the video) and
    ``played`` (seconds of it that were shown)."""
    script = f"""() => {{
      const s = window.liveTorrent?.stats(), v = document.querySelector('video')
      let played = 0
      for (let i = 0; i < (v?.played.length ?? 0); i++) played += v.played.end(i) - v.played.start(i)
      return !!s && !!v && ({condition}) ? s : null
    }}"""
    found: dict[str, Any] | None = None

    async def holds() -> bool:
        nonlocal found
        found = await page.evaluate(script)
        return found is not None

    await until(claim, holds, page)
    assert found is not None
    return found


async def hears(page: Page, end: str, claim: str) -> None:
    """Until the engine of a page that listens (LISTEN) logged a line with this end."""
    await when(page, f"window.heard.some(line => line.endsWith({end!r}))", claim)


async def watch(page: Page, server: Running, mode: str = "loader", stream: str = "show") -> Page:
    """Open the stream's page and see it play."""
    await page.goto(f"{server.url}/watch/{stream}?mode={mode}")
    await when(page, "played > 0.5 && !v.paused", "playing")
    if mode == "service-worker":
        await through_the_worker(page)
    return page


async def through_the_worker(page: Page) -> None:
    """A busy machine may start the worker later than a player waits for it: the next visit finds it there."""

    async def decided() -> bool:
        return await mode(page) is not None

    await until("a player is there", decided, page)
    if await mode(page) == "service-worker":
        return
    await page.evaluate("navigator.serviceWorker.ready.then(() => 0)")
    await page.reload()
    await when(page, "played > 0.5 && !v.paused", "playing")


async def audience(server: Running, *pages: Page) -> None:
    """All watch, know another one and have played a little."""
    await asyncio.gather(*(watch(page, server) for page in pages))
    await asyncio.gather(*(when(page, "s.peers > 0 && played > 2", "meeting") for page in pages))


def sources(told: dict[str, dict[str, Any]]) -> str:
    """For a failure's message: what came from where, by viewer."""
    return "; ".join(
        f"{name}: " + " ".join(f"{s['msn']}={s['source']}/{s['ms']:.0f}ms" for s in snapshot["segments"])
        for name, snapshot in told.items()
    )


async def played(page: Page | Frame) -> float:
    """Where the play head is, seconds; 0 before there is a video."""
    position: float = await page.evaluate("document.querySelector('video')?.currentTime ?? 0")
    return position


async def plays(page: Page | Frame, seconds: float = 1) -> None:
    """Until the picture moved on by so much from now."""
    since = await played(page)
    # hls.js begins at the live edge: the jump there is no playing.
    if since == 0:

        async def started() -> bool:
            return await played(page) > 0

        await until("the picture moves", started, page)
        since = await played(page)

    async def went_on() -> bool:
        return await played(page) > since + seconds

    await until(f"{seconds} s more are played", went_on, page)


async def new_segments(page: Page, count: int = 1) -> list[dict[str, Any]]:
    """Until the statistics show ``count`` segments more than now; those."""
    last = max((segment["msn"] for segment in (await stats(page)).get("segments", [])), default=-1)

    async def newer() -> list[dict[str, Any]]:
        return [segment for segment in (await stats(page)).get("segments", []) if segment["msn"] > last]

    async def enough() -> bool:
        return len(await newer()) >= count

    await until(f"{count} segments more", enough, page)
    return await newer()


async def play_on(pages: list[Page], seconds: float) -> list[dict[str, Any]]:
    """Until each has played so much more; nobody may have stalled meanwhile, where the machine kept up."""
    return await steadily(lambda: stretch(pages, seconds), PATIENCE)


async def stretch(pages: list[Page], seconds: float) -> list[dict[str, Any]]:
    """The same, wherever that fits in a story that is told again as a whole."""
    before = [await stats(page) for page in pages]
    at = [await page.evaluate("document.querySelector('video').currentTime") for page in pages]
    after = await asyncio.gather(
        *(
            when(page, f"v.currentTime > {t} + {seconds}", "playing on")
            for page, t in zip(pages, at, strict=True)
        )
    )
    told = {str(n): snapshot for n, snapshot in enumerate(after)}
    stalls = [new["stalls"] - old["stalls"] for old, new in zip(before, after, strict=True)]
    assert not any(stalls), f"stalls {stalls}; {sources(told)}"
    return after


def total(snapshots: list[dict[str, Any]], key: str) -> int:
    return sum(int(snapshot[key]) for snapshot in snapshots)
