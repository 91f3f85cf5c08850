"""What goes wrong in the field, in real Chromium with real streams: viewers notice nothing.

Elsewhere: peers that speak our channels rudely (test_rude_peers.py), a stock webtorrent page (test_swarm.py),
the tracker's restart and many that leave politely (test_mesh.py).
"""

from __future__ import annotations

import asyncio
import re

import pytest
from playwright.async_api import Page, Route

from tests.browser.asking import (
    LISTEN,
    PATIENCE,
    audience,
    hears,
    play_on,
    stats,
    stretch,
    total,
    until,
    watch,
    when,
)
from tests.browser.rogues import MUTE, SLOW, TAMPER
from tests.browser.sites import site
from tests.conftest import NewPage, Running
from tests.strain import steadily

SEGMENTS = re.compile(r"\.m4s")

POISON = "is gone: sent a piece that does not match its hash"

HELD = """async () => {
  const { engine } = window.liveTorrent.players[0]
  const digest = async data => Array.from(new Uint8Array(await crypto.subtle.digest('SHA-256', data))).join()
  const asked = performance.getEntriesByType('resource').map(entry => entry.name.split('#')[0])
  const playlist = asked.filter(name => name.endsWith('.m3u8')).at(-1)
  const text = await (await fetch(playlist)).text()
  const wrong = [], right = []
  for (const uri of text.split('\\n').map(line => line.trim()).filter(line => /^[^#]/.test(line))) {
    const url = new URL(uri, playlist).href
    if (!engine.knows(url)) continue
    const { data } = await engine.segment(url)
    const origin = await (await fetch(url)).arrayBuffer()
    ;(await digest(data) === await digest(origin) ? right : wrong).push(uri)
  }
  return { right, wrong }
}"""
"""What the engine gives its player, beside what the origin serves."""


async def test_a_poisoner_is_banned_by_all_and_nothing_it_sent_is_played_or_passed_on(
    live: Running, new_page: NewPage
) -> None:
    rogue = await new_page()
    await rogue.add_init_script(TAMPER)
    await watch(rogue, live)
    victims = [await new_page(), await new_page()]
    for page in victims:
        await page.add_init_script(LISTEN)
    await asyncio.gather(*(watch(page, live) for page in victims))
    for page in victims:
        await hears(page, POISON, "banning it for a bad piece")
    await asyncio.gather(*(when(page, "s.peers === 1", "only the honest one left") for page in victims))
    after = await play_on(victims, 6)
    assert [snapshot["peers"] for snapshot in after] == [1, 1], "it is not taken back"
    for page in victims:
        held = await page.evaluate(HELD)
        assert held["wrong"] == []
        assert len(held["right"]) >= 4
        assert await page.evaluate("document.querySelector('video').error") is None
    assert total(after, "bytesFromPeers") > 0, "the honest ones go on exchanging"


@pytest.mark.parametrize(
    "rate",
    [
        5,  # a block takes longer than a supplier may say nothing: it is given up
        20,  # blocks keep coming, a quarter of what is played: time is up for the rest, segment by segment
    ],
)
async def test_a_peer_that_sends_few_kilobytes_a_second_delays_nothing(
    live: Running, new_page: NewPage, rate: int
) -> None:
    slow = await new_page()
    await slow.add_init_script(SLOW.replace("@RATE@", str(rate)))
    await watch(slow, live)
    await when(slow, "played > 3", "being clearly older: it is the one that pulls")
    victim = await watch(await new_page(), live)
    await when(victim, "s.peers === 1", "meeting it")
    (after,) = await play_on([victim], 10)
    assert await slow.evaluate("window.trickled") > 0, "it was counted on"
    assert after["bytesFromOrigin"] > 2 * after["bytesFromPeers"]


UNRELIABLE = (
    "[...window.liveTorrent.players[0].engine.scheduler.peers.values()]"
    ".every(peer => !peer.counts(performance.now()))"
)
"""No peer is counted on: the only one was dropped, or is doubted."""


async def test_a_peer_that_takes_requests_and_sends_nothing_costs_no_stall_and_is_no_longer_counted_on(
    live: Running, new_page: NewPage
) -> None:
    rude = await new_page()
    await rude.add_init_script(MUTE)
    await watch(rude, live)
    victim = await watch(await new_page(), live)
    await when(rude, "window.kept > 0", "being asked")
    seen = len((await when(victim, UNRELIABLE, "not counting on it"))["segments"])
    told = await when(victim, f"s.segments.length >= {seen + 2}", "going on without it")
    assert [segment["source"] for segment in told["segments"]] == ["origin"] * len(told["segments"])
    assert told["stalls"] == 0
    assert told["bytesFromPeers"] == 0


async def test_a_freeloader_is_served_and_starves_nobody(live: Running, new_page: NewPage) -> None:
    first, second, freeloader = pages = [await new_page() for _ in range(3)]
    tag = f'<script src="{live.url}/embed.js" data-stream="show" data-max-upload="0"></script>'

    async def share() -> None:
        before = [await stats(page) for page in pages]
        after = await stretch(pages, 10)
        gained = [
            new["bytesFromPeers"] - old["bytesFromPeers"] for old, new in zip(before, after, strict=True)
        ]
        assert gained[2] > 0, "it is served"
        assert gained[0] + gained[1] > 0, "and so are the others"
        assert total([await stats(first), await stats(second)], "bytesToPeers") >= sum(gained)

    async with site(f"<!doctype html><body>{tag}") as url:
        await freeloader.goto(url)
        await audience(live, first, second)
        await when(freeloader, "s.peers > 0 && played > 2", "meeting")
        await steadily(share, PATIENCE)
        assert (await stats(freeloader))["bytesToPeers"] == 0, "it gives nothing"


async def test_half_the_viewers_vanish_at_once_and_the_others_notice_nothing(
    live: Running, new_page: NewPage
) -> None:
    pages = [await new_page() for _ in range(4)]
    await audience(live, *pages)
    leaving, staying = pages[::2], pages[1::2]

    async def vanish(page: Page) -> None:
        # Without a goodbye: no pagehide, no closed channel. What ends a crashed page answers nothing.
        devtools = await page.context.new_cdp_session(page)
        crash = asyncio.ensure_future(devtools.send("Page.crash"))
        await page.wait_for_event("crash")
        crash.cancel()

    await asyncio.gather(*(vanish(page) for page in leaving))

    async def go_on() -> None:
        before = [await stats(page) for page in staying]
        await stretch(staying, 10)
        after = [
            await when(page, "s.peers === 1", "whoever vanished is no peer any more") for page in staying
        ]
        gained = {
            key: total(after, key) - total(before, key) for key in ("bytesFromPeers", "bytesFromOrigin")
        }
        assert gained["bytesFromPeers"] > 0.6 * gained["bytesFromOrigin"], (
            f"two are left: at best 1 | {gained}"
        )

    await steadily(go_on, PATIENCE)


async def test_while_the_origin_answers_503_peers_and_the_seed_carry_and_then_it_is_asked_again(
    live: Running, new_page: NewPage
) -> None:
    pages = [await new_page() for _ in range(3)]
    await audience(live, *pages)
    refused = 0

    async def refuse(route: Route) -> None:
        nonlocal refused
        refused += 1
        await route.fulfill(status=503)

    for page in pages:
        await page.route(SEGMENTS, refuse)
    before = [await stats(page) for page in pages]
    during = await play_on(pages, 20)
    assert refused > 0
    assert total(during, "bytesFromSeed") > total(before, "bytesFromSeed")
    assert total(during, "bytesFromPeers") > total(before, "bytesFromPeers"), (
        "one has it from the seed, others from it"
    )
    for page in pages:
        await page.unroute(SEGMENTS)

    async def asked_again() -> bool:
        after = [await stats(page) for page in pages]
        return total(after, "bytesFromOrigin") > total(during, "bytesFromOrigin")

    await until("segments are fetched from the origin again", asked_again, *pages)
    assert total([await stats(page) for page in pages], "stalls") == total(during, "stalls")


async def test_an_origin_that_takes_requests_and_answers_nothing_stalls_nobody(
    live: Running, new_page: NewPage
) -> None:
    page = await watch(await new_page(), live)
    await when(page, "played > 4", "a buffer")
    held: list[Route] = []

    async def hang(route: Route) -> None:
        held.append(route)

    await page.route(SEGMENTS, hang)
    (after,) = await play_on([page], 10)
    assert after["bytesFromSeed"] > 0
    assert held
    for route in held:
        await route.abort()
