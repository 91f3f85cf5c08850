"""Questions to a page with a player, and waiting for an answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from playwright.async_api import Page

from tests.conftest import page_log

PATIENCE = 60.0
"""Seconds until a condition must hold: for a noisy machine, never the usual time."""


async def stats(page: Page) -> dict[str, Any]:
    """The page API's snapshot; empty before a player is there."""
    snapshot: dict[str, Any] = await page.evaluate("window.liveTorrent?.stats() ?? {}")
    return snapshot


async def mode(page: Page) -> str | None:
    found: str | None = await page.evaluate("window.liveTorrent?.mode ?? null")
    return found


async def until(claim: str, holds: Callable[[], Awaitable[bool]], *pages: Page) -> None:
    """Wait until ``holds``; when it never does, fail with the pages' state and console."""
    try:
        async with asyncio.timeout(PATIENCE):
            while not await holds():
                await asyncio.sleep(0.1)
    except TimeoutError:
        told = [f"{page.url}: {await stats(page)}\n" + "\n".join(page_log(page)) for page in pages]
        raise AssertionError(f"not in {PATIENCE:.0f} s: {claim}\n" + "\n".join(told)) from None


async def played(page: Page) -> float:
    """Where the play head is, seconds; 0 before there is a video."""
    position: float = await page.evaluate("document.querySelector('video')?.currentTime ?? 0")
    return position


async def plays(page: Page, seconds: float = 1) -> None:
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
