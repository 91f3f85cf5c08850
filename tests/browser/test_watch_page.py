"""The player page's own controls in real Chromium: by mouse, finger, keyboard and screen reader."""

from __future__ import annotations

import asyncio
import re
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Frame, Page

from tests import npm
from tests.browser.asking import played, plays, stats, until, when
from tests.browser.broadcast import EPOCH, Recording, broadcast
from tests.browser.sites import VIOLATIONS, site
from tests.conftest import NewPage, Running, Start, commands
from tests.recording.conftest import Writer

BACK = 30
"""Seconds, and segments: far more than the ten behind which a player jumps to the edge by itself."""

AXE = """() => axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) =>
  violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`))"""


@pytest.fixture(scope="module")
def axe() -> str:
    return (npm.MODULES / "axe-core/axe.min.js").read_text()


LISTED = "liveTorrent.players[0].hls.latestLevelDetails.endSN"
FOLLOWED = """Math.max(...[...liveTorrent.players[0].engine.library.byId.values()]
  .filter(({ follow }) => follow).map(({ msn }) => msn))"""


async def accessible(page: Page, axe: str, state: str) -> None:
    """Nothing that axe-core knows is wrong, and the page's policy was kept."""
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(axe)
    assert await page.evaluate(AXE) == [], state
    assert await page.evaluate("window.violations") == [], state


async def opened(new_page: NewPage, url: str, **options: object) -> Page:
    page = await new_page(**options)
    await page.add_init_script(VIOLATIONS)
    await page.goto(url)
    await plays(page, 0.5)
    return page


async def labelled(page: Page | Frame, claim: str, selector: str, pattern: str, attribute: str) -> None:
    async def holds() -> bool:
        found = await page.locator(selector).first.get_attribute(attribute)
        return re.search(pattern, found or "") is not None

    await until(claim, holds, page)


# ---------------------------------------------------------------------------------------------------- live


async def test_a_viewer_goes_back_in_a_live_stream_with_the_swarm_and_returns_to_the_edge(
    recording: Recording, new_page: NewPage, axe: str
) -> None:
    async with broadcast(recording, "demo", window=2 * BACK) as live:
        first = await opened(new_page, f"{live.url}/watch/demo")
        second = await opened(new_page, f"{live.url}/watch/demo")
        for page in (first, second):
            await when(page, "s.peers > 0", "they have met")
            await labelled(page, "it is live", ".edge", "^Live$", "aria-label")
        await accessible(second, axe, "live")
        before = await stats(second)

        # The first goes where nobody is, the second to the same place: it has it from the first.
        edge, left = await played(first), await first.evaluate(LISTED)
        await first.locator("video").press("0")
        await when(
            first, f"v.currentTime < {edge} - {BACK} && v.buffered.length > 0 && !v.seeking", "it is there"
        )
        target = await played(first)
        await when(first, f"v.currentTime > {target} + 2", "it plays there, and stays")
        for _ in range(4):
            await second.locator("video").press("j")
        arrived = await when(second, f"v.currentTime < {edge} - 20 && v.readyState > 2", "it has gone back")
        assert arrived["stalls"] == before["stalls"], "a seek is no stall"
        await when(second, f"s.bytesFromPeers > {before['bytesFromPeers']}", "it is from a peer")
        await labelled(second, "it says how far behind", ".edge", r"^−0:[34]\d: go live$", "aria-label")
        await labelled(
            second, "and so does the slider", ".seek .slider", r"\d+ seconds behind live", "aria-valuetext"
        )
        at = await played(second)
        await when(second, f"v.currentTime > {at} + 3 && v.currentTime < {at} + 12", "it stays behind")
        # What is new there is left to those who play it: it is not pulled for others.
        await when(first, f"{LISTED} > {left} + 5", "more is listed")
        assert await first.evaluate(FOLLOWED) <= left + 2
        await accessible(second, axe, "behind live")

        # The time of day of what is under the mouse.
        await second.locator(".seek").hover(position={"x": 5, "y": 5})
        moment = (
            EPOCH + await second.evaluate("liveTorrent.players[0].hls.latestLevelDetails.fragments[0].sn") + 6
        )
        shown = await second.inner_text(".tip b")
        near = [
            await second.evaluate("s => new Date(1000 * s).toLocaleTimeString()", moment + d)
            for d in range(-4, 8)
        ]
        assert shown in near

        await second.get_by_role("button", name="go live").click()
        await labelled(second, "it is live again", ".edge", "^Live$", "aria-label")
        await when(second, "s.latencySeconds !== null && s.latencySeconds < 10 && !v.paused", "at the edge")
        await plays(second)
        # A pause is a way to go back, too: it plays on where it was.
        await second.keyboard.press("k")
        paused = await played(second)
        await second.get_by_role("button", name="Play", exact=True).click()
        await plays(second, 0.5)
        assert await played(second) < paused + 5


TOKEN = "the-admin-of-these-tests-0123456789"
TITLE = "Garden <b>party</b> & more"


async def test_a_stream_that_is_being_recorded_is_watched_from_its_start_and_live_again(
    three_variants: Path, feed_dir: Path, live_torrent: Start, new_page: NewPage
) -> None:
    server = await live_torrent(
        *("serve", "--feed", str(feed_dir), "--record"), env={"LIVE_TORRENT_ADMIN_TOKEN": TOKEN}
    )
    garden = Writer(feed_dir, "garden", window=5)

    def write() -> None:
        garden.add((three_variants / "v0" / f"{garden.first}.ts").read_bytes())

    async def goes_on() -> None:
        while True:
            write()
            await asyncio.sleep(2)

    # What is there when the server first sees a stream is not recorded.
    write()
    page = await new_page()

    async def kept() -> str:
        answer = await page.request.get(f"{server.url}/api/streams/garden")
        return str((await answer.json()).get("recording") or "") if answer.ok else ""

    async with asyncio.TaskGroup() as group:
        for _ in range(8):
            write()
            await asyncio.sleep(0.1)
        writing = group.create_task(goes_on())

        async def recorded() -> bool:
            return await kept() != ""

        await until("it is recorded", recorded, page)
        name = await kept()
        await page.request.patch(
            f"{server.url}/api/recordings/{name}",
            headers={"Authorization": f"Bearer {TOKEN}"},
            data={"title": TITLE},
        )
        await page.goto(f"{server.url}/watch/garden")
        await plays(page, 0.5)
        await page.get_by_role("button", name="From the start").click()
        await when(page, "v.currentTime < 8 && played > 0.5", "it plays from the start")
        assert await page.locator("video").count() == 1
        source = "liveTorrent.players.map(player => player.hls.url).join()"
        assert await page.evaluate(source) == f"{server.url}/live/{name}/master.m3u8"
        await page.get_by_role("button", name="Go live").click()
        await labelled(page, "it is live again", ".edge", "^Live$", "aria-label")
        await plays(page)
        assert await page.evaluate(source) == f"{server.url}/live/garden/master.m3u8"

        await page.goto(f"{server.url}/watch/{name}")
        await page.get_by_role("heading", name=TITLE).wait_for()
        writing.cancel()


async def test_what_is_copied_from_the_dialog_is_a_player_on_another_site(
    recording: Recording, new_page: NewPage, axe: str
) -> None:
    name = 'R&B "live" <b>'
    async with broadcast(recording, name) as live:
        url = f"{live.url}/watch/R%26B%20%22live%22%20%3Cb%3E"
        page = await opened(new_page, url, permissions=["clipboard-read", "clipboard-write"])
        assert await page.locator("h1").inner_text() == name
        share = page.get_by_role("button", name="Share", exact=True)
        await share.click()
        await accessible(page, axe, "the dialog is open")
        copied: list[str] = []
        await page.get_by_role("button", name="Copy link").click()
        for way in ("Script", "Frame"):
            await page.get_by_role("radio", name=way).check()
            copied.append(await page.evaluate("navigator.clipboard.readText()"))
            await (
                page.get_by_role("button", name="Copy code")
                .or_(page.get_by_role("button", name="Copied"))
                .last.click()
            )
        copied.append(await page.evaluate("navigator.clipboard.readText()"))
        link, script, frame = copied
        assert link == url
        await page.keyboard.press("Escape")
        assert await share.evaluate("button => button === document.activeElement"), "the focus is back"

        async with site(f"<!doctype html><title>News</title>{script}<p>More</p>{frame}") as elsewhere:
            guest = await new_page(viewport={"width": 700, "height": 900})
            await guest.goto(elsewhere)
            await plays(guest, 0.5)
            inner = guest.frames[1]
            await plays(inner, 0.5)
            assert await inner.locator(".home").count() == 0, "nothing leads away from there"
            # Keys belong to the page around until its viewer goes into the frame.
            await guest.keyboard.press("k")
            assert await inner.evaluate("document.querySelector('video').paused") is False
            await inner.locator("video").click()
            await when_paused(inner)


async def when_paused(page: Page | Frame) -> None:
    async def paused() -> bool:
        return bool(await page.evaluate("document.querySelector('video').paused"))

    await until("it is paused", paused, page)


async def test_a_stream_to_come_is_waited_for_accessibly(
    recording: Recording, new_page: NewPage, axe: str
) -> None:
    async with broadcast(recording) as live:
        page = await new_page()
        await page.add_init_script(VIOLATIONS)
        await page.goto(f"{live.url}/watch/later")
        await page.get_by_role("status").filter(has_text="Waiting for “later”").wait_for()
        await page.get_by_role("button", name="Settings").wait_for()
        await accessible(page, axe, "waiting")


# --------------------------------------------------------------------------------------------- recordings

SUBTITLES = (
    '#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="subs",NAME="English",LANGUAGE="en",DEFAULT=NO,AUTOSELECT=YES,'
    'URI="en/index.m3u8"\n'
)
LINES = "\n".join(
    f"00:{at // 60:02}:{at % 60:02}.000 --> 00:{at // 60:02}:{at % 60 + 2:02}.000\nline {at}\n"
    for at in range(0, 120, 2)
)
CAPTIONS = """[...document.querySelector('video').textTracks]
  .flatMap(({ activeCues }) => [...activeCues ?? []]).map(({ text }) => text).join()"""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def film(tmp_path_factory: pytest.TempPathFactory, three_variants: Path) -> AsyncIterator[Running]:
    """A server with the recording ``film``: two minutes in three qualities, with captions."""
    folder = tmp_path_factory.mktemp("film")
    feed = folder / "feed" / "film"
    shutil.copytree(three_variants, feed)
    (feed / "en").mkdir()
    (feed / "en" / "0.vtt").write_text(f"WEBVTT\nX-TIMESTAMP-MAP=LOCAL:00:00:00.000,MPEGTS:126000\n\n{LINES}")
    (feed / "en" / "index.m3u8").write_text(
        "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:120\n#EXT-X-PLAYLIST-TYPE:VOD\n"
        "#EXTINF:120.0,\n0.vtt\n#EXT-X-ENDLIST\n"
    )
    master = (feed / "master.m3u8").read_text()
    master = re.sub(r"(#EXT-X-STREAM-INF:.*)", r'\1,SUBTITLES="subs"', master)
    (feed / "master.m3u8").write_text(master.replace("#EXTM3U\n", f"#EXTM3U\n{SUBTITLES}", 1))
    async with commands(folder) as start:
        yield await start("serve", "--feed", str(folder / "feed"))


async def test_a_recording_is_steered_by_keyboard_and_menus(
    film: Running, new_page: NewPage, axe: str
) -> None:
    page = await opened(new_page, f"{film.url}/watch/film?t=1:05")
    assert await played(page) > 65, "the link's time counts"
    await accessible(page, axe, "playing")

    await page.keyboard.press("5")
    await when(page, "v.currentTime >= 60 && v.currentTime < 64", "half of it")
    slider = page.get_by_role("slider", name="Seek")
    await slider.focus()
    await page.keyboard.press("ArrowLeft")
    await page.keyboard.press("ArrowLeft")
    await when(page, "v.currentTime >= 50 && v.currentTime < 58", "two steps back")
    await labelled(
        page,
        "it is said",
        ".seek .slider",
        r"^\d+ seconds of (2 minutes|1 minute 59 seconds)$",
        "aria-valuetext",
    )

    await page.keyboard.press("c")

    async def captioned() -> bool:
        return "line" in str(await page.evaluate(CAPTIONS))

    await until("captions are there", captioned, page)
    await page.get_by_role("button", name="Settings").click()
    await accessible(page, axe, "the menu is open")
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")  # the second entry: speed
    await accessible(page, axe, "a list is open")
    await page.get_by_role("menuitemradio", name="1.5×").click()
    assert await page.evaluate("document.querySelector('video').playbackRate") == 1.5
    await page.get_by_role("menuitem", name="Quality").click()
    await page.get_by_role("menuitemradio", name="180p").click()
    await when(page, "v.videoWidth === 320", "the chosen quality is played")
    await page.get_by_role("menuitemcheckbox", name="Share with other viewers").click()
    assert (await stats(page))["sharing"] is False
    await page.keyboard.press("Escape")
    assert await page.get_by_role("menu").count() == 0

    await page.get_by_role("button", name="Unmute").first.click()
    assert await page.evaluate("localStorage['live-torrent.player']") is not None
    await page.keyboard.press("?")
    await accessible(page, axe, "the list of keys is open")
    await page.keyboard.press("k")
    assert await page.evaluate("document.querySelector('video').paused") is False, "the dialog has the keys"
    await page.keyboard.press("Escape")
    await page.keyboard.press("End")
    await page.get_by_role("button", name="Play again").wait_for()
    await accessible(page, axe, "ended")
    await page.get_by_role("button", name="Play again").click()
    await when(page, "v.currentTime < 20 && !v.paused && !v.ended", "it plays again")


async def test_fingers_show_and_hide_the_controls_and_jump(
    film: Running, new_page: NewPage, axe: str
) -> None:
    page = await opened(
        new_page,
        f"{film.url}/watch/film",
        viewport={"width": 390, "height": 844},
        has_touch=True,
        is_mobile=True,
        reduced_motion="reduce",
    )
    await page.get_by_role("button", name="Tap to unmute").tap()
    assert await page.evaluate("document.querySelector('video').muted") is False
    resting = page.locator("main.resting")
    await resting.wait_for()
    await page.touchscreen.tap(195, 300)
    await page.locator("main:not(.resting)").wait_for()
    await accessible(page, axe, "on a phone")
    wide = "document.documentElement.scrollWidth <= innerWidth"
    assert await page.evaluate(wide)
    before = await played(page)
    await page.touchscreen.tap(350, 400)
    await page.touchscreen.tap(350, 400)
    await when(page, f"v.currentTime > {before} + 9", "a double tap at the right jumps ahead")


async def test_where_the_browser_plays_by_itself_one_seeks_and_has_no_quality_to_choose(
    film: Running, new_page: NewPage
) -> None:
    page = await new_page()
    await page.add_init_script("delete window.MediaSource; delete window.ManagedMediaSource")
    await page.goto(f"{film.url}/watch/film")
    await when(page, "s.mode === 'http' && played > 0.5", "it plays without Media Source Extensions")
    await page.keyboard.press("8")
    await when(page, "v.currentTime >= 96 && v.currentTime < 100", "it has gone there")
    await page.get_by_role("button", name="Settings").click()
    await page.get_by_role("menuitem", name="Speed").wait_for()
    assert await page.get_by_role("menuitem", name="Quality").count() == 0
