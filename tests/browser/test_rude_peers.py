"""Viewers that speak our channels rudely, in real Chromium: each costs the others nothing but itself."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page

from tests.browser.asking import LISTEN, hears, stats, watch, when
from tests.browser.rogues import RUDE
from tests.conftest import NewPage, Running, visitors


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def victim(live: Running, chromium: Browser) -> AsyncIterator[Page]:
    """One honest viewer, who plays on while rude ones come and go."""
    async with visitors(chromium) as make:
        page = await make()
        await page.add_init_script(LISTEN)
        yield await watch(page, live)


@pytest.mark.parametrize(
    ("deed", "reason"),
    [
        ("garbage", "sent something that is no frame"),
        ("huge", "sent an oversized message"),
        ("claims", "sends messages without end"),
        ("streams", "opens streams without end"),
        ("requests", "asked for too much at once"),
        ("stray", "sends what nobody asked for"),
        ("channel", "opened a channel of its own"),
    ],
)
async def test_a_rude_peer_is_dropped_for_what_it_does_and_the_viewer_plays_on(
    live: Running, new_page: NewPage, victim: Page, deed: str, reason: str
) -> None:
    stalls = (await stats(victim))["stalls"]
    rude = await new_page()
    await rude.add_init_script(RUDE.replace("@DEED@", deed))
    await watch(rude, live)
    await hears(victim, f"is gone: {reason}", f"dropping it ({deed})")
    at = await victim.evaluate("document.querySelector('video').currentTime")
    snapshot = await when(victim, f"s.peers === 0 && v.currentTime > {at} + 2", "playing on without it")
    assert snapshot["stalls"] == stalls
