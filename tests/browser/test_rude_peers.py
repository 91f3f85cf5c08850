"""Viewers that speak our channels rudely, in real Chromium: each costs the others nothing but itself."""

from __future__ import annotations

import pytest

from tests.browser.asking import NewPage, watch, when
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
