"""Three variants and viewers that switch between them, in real Chromium."""

from __future__ import annotations

import asyncio
import re
import shutil
import time
from pathlib import Path
from random import Random

import pytest_asyncio
from playwright.async_api import Route

from tests.browser.asking import PATIENCE, audience, plays, stats, watch, when
from tests.browser.conftest import WIDTHS, just_begun
from tests.conftest import NewPage, Running, Start
from tests.strain import steadily


@pytest_asyncio.fixture(loop_scope="session")
async def live(live_torrent: Start, feed_dir: Path, three_variants: Path) -> Running:
    shutil.copytree(three_variants, feed_dir / "show")
    now = time.time()
    for playlist in (feed_dir / "show").glob("v*/index.m3u8"):
        playlist.write_text(just_begun(playlist.read_text(), now))
    return await live_torrent("serve", "--feed", str(feed_dir), "--loop")


async def expose(route: Route) -> None:
    """hls.js as it is served, and ``window.hls`` the instance in use: how a test switches."""
    text = await (await route.fetch()).text()
    name = re.search(r"export\s*\{[^}]*?([\w$]+) as default", text)
    assert name
    hook = """
      ;{ const { prototype } = HLS, load = prototype.loadSource
         prototype.loadSource = function (url) { window.hls = this; return load.call(this, url) } };
    """.replace("HLS", name[1])
    await route.fulfill(
        body=text[: name.start()] + hook + text[name.start() :], content_type="text/javascript"
    )


LINKS = "window.liveTorrent.players[0].engine.company.mesh.up"


async def test_viewers_that_keep_switching_variants_play_on_and_share(
    live: Running, new_page: NewPage
) -> None:
    pages = [await new_page() for _ in range(3)]
    for page in pages:
        await page.route(re.compile(r"/client/hls-[^/]*\.js"), expose)
    await audience(live, *pages)
    dice = Random(3)
    rounds = [[dice.randrange(len(WIDTHS)) for _ in pages] for _ in range(4)]
    assert {level for levels in rounds for level in levels} == {0, 1, 2}

    async def switching() -> None:
        for page in pages:
            await when(page, "s.peers === 2", "all have met")
            await page.evaluate(f"for (const link of {LINKS}) link.isOfBefore = true")
        before = [await stats(page) for page in pages]
        for levels in [*rounds, [1, 1, 1]]:
            for page, level in zip(pages, levels, strict=True):
                await page.evaluate(f"window.hls.loadLevel = {level}")
            await asyncio.sleep(2)
        await asyncio.gather(*(plays(page, 4) for page in pages))
        for page, old in zip(pages, before, strict=True):
            new = await when(page, f"s.bytesFromPeers > {old['bytesFromPeers']}", "something came from peers")
            kept = await page.evaluate(f"{LINKS}.filter(link => link.isOfBefore).length")
            assert kept == new["peers"] == 2, "the mesh outlives every switch"

    # A link whose other end gets no time for long is given up, and rightly so.
    await steadily(switching, PATIENCE)


async def test_viewers_of_a_ladder_made_here_switch_play_on_and_share_on_every_rung(
    live_torrent: Start, new_page: NewPage
) -> None:
    ladder = ("--ladder", "360p@500k,240p@250k", "--segment-seconds", "1")
    server = await live_torrent("demo", "--no-open", *ladder)
    pages = [await new_page() for _ in range(2)]
    for page in pages:
        await page.route(re.compile(r"/client/hls-[^/]*\.js"), expose)
    await asyncio.gather(*(watch(page, server, stream="demo") for page in pages))
    for page in pages:
        await when(page, "s.peers === 1", "they have met")
    for level, height in ((0, 240), (1, 360)):  # hls.js sorts them
        for page in pages:
            await page.evaluate(f"window.hls.nextLevel = {level}")
        for page in pages:
            await when(page, f"v.videoHeight === {height}", f"the picture of {height} lines is shown")
        before = [await stats(page) for page in pages]
        for page, old in zip(pages, before, strict=True):
            known = old["bytesFromPeers"] + old["bytesToPeers"]
            await when(page, f"s.bytesFromPeers + s.bytesToPeers > {known}", "that rung is shared")
            await plays(page)
