"""The mode ``p2p-only`` in real Chromium: peers and libtorrent's seed alone, never a segment over HTTP."""

from __future__ import annotations

import asyncio

from playwright.async_api import Page

from tests.browser.asking import PATIENCE, play_on, stretch, total, watch, when
from tests.conftest import NewPage, Running
from tests.strain import steadily


def segments_asked(page: Page) -> list[str]:
    """The segments that a page asks for over HTTP from now on."""
    asked: list[str] = []
    page.context.on("request", lambda request: asked.append(request.url) if ".m4s" in request.url else None)
    return asked


async def test_a_lone_viewer_plays_from_the_servers_seed_alone(live: Running, new_page: NewPage) -> None:
    page = await new_page()
    asked = segments_asked(page)
    await watch(page, live, "p2p-only")
    snapshot = await when(page, "played > 7 && s.bytesFromSeed > 0", "playing on")
    assert snapshot["mode"] == "loader"
    assert snapshot["bytesFromOrigin"] < 5000, "the init section, which has no torrent"
    assert {segment["source"] for segment in snapshot["segments"]} == {"seed"}
    await play_on([page], 4)
    assert asked == []


async def test_viewers_share_what_one_of_them_had_from_the_seed(live: Running, new_page: NewPage) -> None:
    pages = [await new_page(), await new_page()]
    asked = [segments_asked(page) for page in pages]
    await asyncio.gather(*(watch(page, live, "p2p-only") for page in pages))
    for page in pages:
        await when(page, "s.peers === 1", "meeting")

    async def share() -> None:
        since = await stretch(pages, 4)  # what each asked the seed for before they met has come
        told = await stretch(pages, 8)
        gained = {
            key: total(told, key) - total(since, key)
            for key in ("bytesFromPeers", "bytesFromSeed", "bytesFromOrigin")
        }
        assert gained["bytesFromPeers"] > 0.6 * gained["bytesFromSeed"], gained
        assert gained["bytesFromOrigin"] == 0

    await steadily(share, PATIENCE)
    assert asked == [[], []]
