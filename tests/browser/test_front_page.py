"""The front page in real Chromium, of a real server: what is live, what was recorded, and finding it."""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Page, Route, expect

from seeder.recording.about import Recording, State, save
from tests.browser.accessible import accessible, fits
from tests.browser.asking import PATIENCE, plays, until
from tests.conftest import NewPage, Running, commands, page_log

expect.set_options(timeout=PATIENCE * 1000)

HEAD = "#EXTM3U\n#EXT-X-VERSION:4\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:0\n"
HOSTILE = "<img src=x onerror=alert(1)>"
MANY = 50
WATCH = """
window.violations = []
addEventListener('securitypolicyviolation', event => {
  window.violations.push(event.violatedDirective + event.blockedURI)
})
"""


HEAR = """
window.heard = []
window.EventSource = class extends EventSource {
  addEventListener (kind, listener) {
    super.addEventListener(kind, event => { listener(event); window.heard.push(kind) })
  }
}
"""


@dataclass
class House:
    """A server, and its feed for a test to write into."""

    server: Running
    feed: Path
    film: Path

    @property
    def url(self) -> str:
        return self.server.url

    def stream(self, name: str, *, live: bool = True, segments: int = 1) -> Path:
        folder = self.feed / name
        folder.mkdir()
        for number in range(segments):
            shutil.copy(self.film / f"seg{number}.ts", folder)
        body = "".join(f"#EXTINF:2.0,\nseg{number}.ts\n" for number in range(segments))
        # Nobody adds to what is live; with such a Target Duration it is on air for half an hour all the same.
        head = HEAD.replace("TARGETDURATION:2", "TARGETDURATION:600") if live else HEAD
        (folder / "index.m3u8").write_text(head + body + ("" if live else "#EXT-X-ENDLIST\n"))
        return folder

    def recording(self, name: str, age: float, of: str = "", title: str = "", seconds: float = 2.0) -> None:
        began = time.time() - age
        folder = self.stream(f".{name}", live=False)
        (folder / "master.m3u8").write_text("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=800000\nindex.m3u8\n")
        save(folder, Recording(name, of, State.READY, began, title, began + seconds, seconds, 1_234_000, 1))
        folder.rename(self.feed / name)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def house(tmp_path_factory: pytest.TempPathFactory, ts_vod: Path, ffmpeg: str) -> AsyncIterator[House]:
    folder = tmp_path_factory.mktemp("house")
    feed = folder / "feed"
    feed.mkdir()
    made = House(None, feed, ts_vod)  # type: ignore[arg-type]
    made.stream("garden", segments=2)
    made.stream("radio & co")
    made.recording("lecture-1", 5000, "lecture", "Clocks and <b>causality</b>", 5025)
    made.recording("garden-1", 100, "garden", seconds=754)
    made.recording("upload-1", 3 * 86_400, title=HOSTILE)
    for number in range(MANY):
        made.recording(f"old-{number:02}", 40 * 86_400 + number * 3600, "town", "")
    async with commands(folder) as start:
        made.server = await start("serve", "--feed", str(feed), "--publish", "browser")
        yield made


async def opened(new_page: NewPage, url: str, **options: object) -> Page:
    page = await new_page(**options)
    await page.add_init_script(WATCH)
    await page.goto(url)
    return page


async def clean(page: Page) -> None:
    assert await page.evaluate("window.violations") == []
    assert not [line for line in page_log(page) if line.startswith("error")]


async def test_it_lists_what_is_live_and_what_was_recorded_newest_first(
    house: House, new_page: NewPage
) -> None:
    page = await new_page()
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    await page.add_init_script(WATCH)
    await page.goto(house.url)
    live, recordings = page.locator("#live .card"), page.locator("#recordings .card")
    await expect(live.locator("h3")).to_have_text(["garden", "radio & co"])
    await expect(live.first.get_by_text("Live")).to_be_visible()
    await expect(recordings.locator("h3").nth(0)).to_have_text("garden")
    await expect(recordings.locator("h3").nth(1)).to_have_text("Clocks and <b>causality</b>")
    await expect(recordings.locator("h3").nth(2)).to_have_text(HOSTILE)
    second = recordings.nth(1)
    await expect(second.locator(".tag-length")).to_have_text("1:23:451 hour 23 minutes")
    await expect(second.locator(".meta")).to_have_text("lecture 1 hour ago 1.2 MB")
    assert re.match(r"\d{4}-\d\d-\d\dT", await second.locator("time").get_attribute("datetime") or "")
    assert await second.get_by_role("link").get_attribute("href") == "/watch/lecture-1"
    assert await live.nth(1).get_by_role("link").get_attribute("href") == "/watch/radio%20%26%20co"
    await expect(page.locator("#live .card-picture.here")).to_have_count(2)
    assert await page.locator("#live img").first.evaluate("image => image.naturalWidth") == 320
    await accessible(page)
    await clean(page)
    assert all(url.startswith((house.url, "blob:", "data:")) for url in requests), "no third party"
    assert not [url for url in requests if re.search(r"/client/(demo|hls|chunk)", url)], "no player: a list"
    shown = await page.locator("#recordings .card").count()
    asked = [url for url in requests if "/poster" in url]
    assert shown == 48
    assert len(asked) < shown, "pictures are fetched as they come near"


async def test_pictures_that_take_long_leave_the_page_its_connections(
    house: House, new_page: NewPage
) -> None:
    page = await new_page()
    held: list[Route] = []

    async def hold(route: Route) -> None:
        held.append(route)

    await page.route("**/poster*", hold)
    await page.goto(house.url)
    await expect(page.locator("#recordings .card")).to_have_count(48)

    async def several() -> bool:
        return len(held) >= 3

    await until("pictures are asked for", several, page)
    await page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    assert len(held) == 3, "a browser has six connections for a server"
    await held[0].abort()

    async def another() -> bool:
        return len(held) == 4

    await until("the next takes the place of one that came to nothing", another, page)
    for route in held[1:]:
        await route.abort()


async def test_more_of_many_are_shown_as_they_are_asked_for(house: House, new_page: NewPage) -> None:
    page = await opened(new_page, house.url)
    more = page.get_by_role("button", name="Show 5 more")
    await more.focus()
    await page.keyboard.press("Enter")
    await expect(page.locator("#recordings .card")).to_have_count(MANY + 3)
    await expect(more).to_be_hidden()
    focused = await page.evaluate(
        """[...document.querySelectorAll('#recordings .card')]
            .findIndex(each => each.contains(document.activeElement))"""
    )
    assert focused == 48, "who uses the keyboard goes on where the new ones begin"


async def test_search_finds_by_name_and_title_as_one_types(house: House, new_page: NewPage) -> None:
    page = await opened(new_page, house.url)
    field = page.get_by_role("searchbox", name="Search by name or title")
    await field.press_sequentially("causalITY clocks")
    await expect(page.locator(".card:visible h3")).to_have_text(["Clocks and <b>causality</b>"])
    await expect(page.locator("#said")).to_have_text("1 result for causalITY clocks")
    assert page.url.endswith("/?q=causalITY+clocks")
    await page.reload()
    await expect(page.locator(".card:visible h3")).to_have_text(["Clocks and <b>causality</b>"])
    await field.fill("zebra <i>")
    await expect(page.locator("#nothing")).to_have_text("Nothing is called “zebra <i>”.")
    await expect(page.locator("#said")).to_have_text("0 results for zebra <i>")
    await accessible(page)
    await field.press("Escape")
    await expect(page.locator("#live .card")).to_have_count(2)
    assert page.url == f"{house.url}/"
    await clean(page)


async def test_a_recording_is_downloaded_as_one_file(
    house: House, new_page: NewPage, tmp_path: Path, ffmpeg: str
) -> None:
    page = await opened(new_page, f"{house.url}/?q=causality")
    button = page.get_by_role("button", name="Download Clocks and <b>causality</b>")
    async with page.expect_download(timeout=PATIENCE * 1000) as coming:
        await button.click()
    download = await coming.value
    assert download.suggested_filename.endswith(".mp4")
    await download.save_as(tmp_path / "film.mp4")
    told = await asyncio.to_thread(
        subprocess.run, [ffmpeg, "-i", tmp_path / "film.mp4"], capture_output=True, text=True, check=False
    )
    assert "Duration: 00:00:02" in told.stderr
    assert "Video: h264" in told.stderr
    await expect(button).to_be_focused()
    await expect(page.locator(".card-actions [role=status]")).to_contain_text("is being downloaded")
    await clean(page)


async def test_what_cannot_be_downloaded_says_why(house: House, new_page: NewPage) -> None:
    house.recording("gone-1", 50, title="Soon gone")
    page = await opened(new_page, f"{house.url}/?q=soon gone")
    button = page.get_by_role("button", name="Download Soon gone")
    await button.wait_for()
    (house.feed / "gone-1" / "recording.json").unlink()
    await button.click()
    await expect(page.locator(".card-actions [role=status]")).to_contain_text(
        "cannot be downloaded: there is no"
    )
    await expect(button).to_contain_text("Failed")
    shutil.rmtree(house.feed / "gone-1")


async def test_what_comes_and_goes_is_seen_at_once(house: House, new_page: NewPage) -> None:
    page = await new_page()
    await page.add_init_script(HEAR)
    await page.clock.install()
    await page.goto(house.url)
    link = page.locator("#live").get_by_role("link", name="radio & co")
    await link.focus()
    await page.clock.pause_at(await page.evaluate("Date.now()") / 1000 + 10)

    async def listed(kind: str, *names: str) -> None:
        async def told() -> bool:
            return kind in await page.evaluate("window.heard")

        await until(f"the page is told of {kind}", told, page)
        # Of the page's time less passes than until it would have looked by itself.
        await page.clock.run_for(1200)
        await expect(page.locator("#live h3")).to_have_text(names)

    house.stream("a new one")
    try:
        await listed("stream.live", "a new one", "garden", "radio & co")
        await expect(link).to_be_focused()
    finally:
        shutil.rmtree(house.feed / "a new one")
    await listed("stream.gone", "garden", "radio & co")


async def test_where_events_do_not_come_it_looks_by_itself(house: House, new_page: NewPage) -> None:
    page = await new_page()

    async def closed(route: Route) -> None:
        await route.abort()

    await page.route("**/api/events", closed)
    await page.goto(house.url)
    await expect(page.locator("#live .card")).to_have_count(2)
    house.stream("another")
    try:
        await expect(page.locator("#live h3")).to_have_text(["another", "garden", "radio & co"])
    finally:
        shutil.rmtree(house.feed / "another")


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_it_fits_a_phone_and_twice_the_size(house: House, new_page: NewPage, scheme: str) -> None:
    page = await opened(
        new_page, house.url, viewport={"width": 320, "height": 640}, color_scheme=scheme, has_touch=True
    )
    await expect(page.locator("#live .card")).to_have_count(2)
    await fits(page)
    await accessible(page)
    box = await page.get_by_role("searchbox").bounding_box()
    assert box
    assert box["height"] >= 44, "a finger's width"


async def test_the_keyboard_reaches_everything_in_order_and_shows_where_it_is(
    house: House, new_page: NewPage
) -> None:
    page = await opened(new_page, house.url, reduced_motion="reduce", forced_colors="active")
    await expect(page.locator("#live .card")).to_have_count(2)
    reached = []
    for _ in range(5):
        await page.keyboard.press("Tab")
        reached.append(
            await page.evaluate("document.activeElement.textContent.trim() || document.activeElement.id")
        )
        outline = await page.evaluate(
            """() => [document.activeElement, document.activeElement.closest('.card') ?? document.body]
                .some(each => parseFloat(getComputedStyle(each).outlineWidth) >= 2 &&
                    getComputedStyle(each).outlineStyle !== 'none')"""
        )
        assert outline, reached
    assert reached == ["live-torrent", "Go live", "search", "garden", "radio & co"]
    await accessible(page)
    async with page.expect_navigation():
        await page.keyboard.press("Enter")
    assert page.url.endswith("/watch/radio%20%26%20co")


async def test_a_stream_that_is_asked_for_plays_above_the_list(house: House, new_page: NewPage) -> None:
    page = await opened(new_page, f"{house.url}/?stream=garden")
    await plays(page)
    await expect(page.get_by_role("heading", level=1)).to_have_text("garden")
    await expect(page.locator("#recordings .card")).to_have_count(48)
    await accessible(page)
    await clean(page)


async def test_where_nothing_is_it_says_how_to_begin(tmp_path: Path, new_page: NewPage, ts_vod: Path) -> None:
    feed = tmp_path / "feed"
    feed.mkdir()
    async with commands(tmp_path) as start:
        server = await start("serve", "--feed", str(feed))
        page = await opened(new_page, server.url, viewport={"width": 390, "height": 844})
        await expect(page.get_by_role("heading", name="Nothing is live yet")).to_be_visible()
        await expect(page.get_by_text("live-torrent keys create garden")).to_be_visible()
        (
            await expect(page.get_by_role("link", name="Go live")).to_be_hidden(),
            "nobody may publish by browser here",
        )
        await fits(page)
        await accessible(page)
        await clean(page)
        House(server, feed, ts_vod).stream("first", segments=6)
        await plays(page)
        await expect(page.get_by_role("heading", level=1)).to_have_text("first")
        await accessible(page)
