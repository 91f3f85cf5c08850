"""What viewers do with a player besides watching: pausing, seeking, hiding it, reloading."""

from __future__ import annotations

import asyncio

from tests.browser.asking import audience, play_on, stats, total, watch, when
from tests.conftest import NewPage, Running

HIDDEN = """
// Timers of hidden tabs: once a second, on the second.
for (const name of ['setTimeout', 'setInterval']) {
  const start = window[name].bind(window)
  window[name] = (then, ms = 0, ...args) => start(then, window.hide ? Math.max(1000, ms) : ms, ...args)
}
"""


async def test_a_hidden_tab_serves_on_and_one_that_sleeps_delays_nobody_and_is_back_when_it_wakes(
    live: Running, new_page: NewPage
) -> None:
    hidden = await new_page()
    await hidden.add_init_script(HIDDEN)
    await watch(hidden, live)
    await hidden.evaluate("window.hide = true")
    shown, asleep = [await new_page() for _ in range(2)]
    await asyncio.gather(*(watch(page, live) for page in (shown, asleep)))
    for page in (hidden, shown, asleep):
        await when(page, "s.peers === 2", "meeting")
    before = [await stats(page) for page in (hidden, shown)]
    # No script runs, its connections stay open: what others see of a laptop with its lid closed.
    devtools = await asleep.context.new_cdp_session(asleep)
    await devtools.send("Debugger.enable")
    await devtools.send("Debugger.pause")
    await play_on([hidden, shown], 8)
    after = [
        await when(page, "s.peers === 1", "the silent one is no peer any more") for page in (hidden, shown)
    ]
    assert total(after, "bytesFromPeers") > total(before, "bytesFromPeers")
    await devtools.send("Debugger.disable")
    for page in (hidden, shown, asleep):
        await when(page, "s.peers === 2", "meeting again")
    at = await asleep.evaluate("document.querySelector('video').currentTime")
    await when(asleep, f"v.currentTime > {at} + 2 && !v.paused", "playing on")


async def test_pausing_seeking_back_and_resuming_find_the_way(live: Running, new_page: NewPage) -> None:
    first, second = pages = [await new_page() for _ in range(2)]
    await audience(live, *pages)
    await when(second, "played > 7", "something to look back at")
    await second.evaluate("document.querySelector('video').currentTime -= 6")
    await play_on([first], 2)
    at = await second.evaluate("document.querySelector('video').currentTime")
    await when(second, f"v.currentTime > {at} + 2", "playing from there")
    await second.evaluate("document.querySelector('video').pause()")
    await play_on([first], 6)
    await second.evaluate("document.querySelector('video').play()")
    snapshot = await when(
        second, "!v.paused && v.readyState > 2 && s.latencySeconds < 25", "at the live edge"
    )
    assert snapshot["peers"] == 1
    await play_on([first, second], 4)


async def test_a_page_that_is_reloaded_over_and_over_hurts_nobody(live: Running, new_page: NewPage) -> None:
    first, restless = pages = [await new_page() for _ in range(2)]
    await audience(live, *pages)
    before = await stats(first)

    async def reload() -> None:
        for _ in range(8):
            await restless.reload(wait_until="commit")
            await asyncio.sleep(0.7)

    reloading = asyncio.ensure_future(reload())
    await play_on([first], 10)
    await reloading
    await when(restless, "played > 2 && s.peers === 1", "playing and meeting at last")
    after = await when(first, "s.peers === 1", "no ghost of those before is left")
    assert after["connectionsMade"] - before["connectionsMade"] < 40


async def test_two_players_of_one_stream_on_one_page_both_play(live: Running, new_page: NewPage) -> None:
    page = await watch(await new_page(), live, "")
    await page.evaluate("""async () => {
      const video = document.body.appendChild(document.createElement('video'))
      const { mount } = await import('/client/player.js')
      await mount(video, { url: '/live/show/master.m3u8' })
    }""")
    both = "[...document.querySelectorAll('video')].map(video => video.currentTime)"
    await when(page, f"Math.min(...{both}) > 0", "both begin")
    since = await page.evaluate(both)
    await when(page, f"{both}.every((time, n) => time > {since}[n] + 6)", "both play")
    counts = await page.evaluate("window.liveTorrent.players.map(player => player.stats().segments.length)")
    assert min(counts) > 0, "each tells of its own"
    assert await page.evaluate("window.liveTorrent.players.map(player => player.stats().stalls)") == [0, 0]
