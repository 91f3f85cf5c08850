"""Viewers that speak our channels rudely, in real Chromium: each costs the others nothing but itself."""

from __future__ import annotations

import pytest

from tests.browser.asking import NewPage, stats, watch, when
from tests.browser.rogues import MUTE, RUDE
from tests.conftest import Running


@pytest.mark.parametrize("deed", ["garbage", "huge", "claims", "streams", "requests", "stray", "channel"])
async def test_a_rude_peer_is_dropped_and_the_viewer_plays_on(
    live: Running, new_page: NewPage, deed: str
) -> None:
    rude = await new_page()
    await rude.add_init_script(RUDE.replace("@DEED@", deed))
    await watch(rude, live)
    victim = await watch(await new_page(), live)
    await when(rude, "window.dropped > 0", f"the victim dropping it ({deed})")
    at = await victim.evaluate("document.querySelector('video').currentTime")
    snapshot = await when(victim, f"s.peers === 0 && v.currentTime > {at} + 4", "playing on")
    assert snapshot["stalls"] == 0


async def test_a_peer_that_takes_requests_and_sends_nothing_costs_no_stall_and_is_dropped(
    live: Running, new_page: NewPage
) -> None:
    rude = await new_page()
    await rude.add_init_script(MUTE)
    await watch(rude, live)
    victim = await watch(await new_page(), live)
    await when(rude, "window.kept > 0", "being asked")
    await when(victim, "s.peers === 0 && played > 8", "dropping it")
    told = await stats(victim)
    assert told["stalls"] == 0
    assert told["bytesFromPeers"] == 0
