"""The studio in real Chromium with a camera that is none: what it sends is really published, and watched."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Page, async_playwright

from tests import browser_path
from tests.browser.asking import plays, until
from tests.browser.sites import VIOLATIONS
from tests.browser.throttle import line
from tests.conftest import NewPage, visitors
from tests.npm import MODULES
from tests.publish.studio import Studio, studio

FLAGS = (
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    # An address that a browser does not take for this machine's own.
    "--host-resolver-rules=MAP tv.example 127.0.0.1",
)
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
AXE = (MODULES / "axe-core/axe.min.js").read_text()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Studio]:
    """For all tests of this file: each has a stream of its own. A second publisher takes over soon."""
    async with studio(tmp_path_factory.mktemp("studio"), "browser", "whip", takeover=0.3) as here:
        yield here


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def camera_page(chromium_path: str) -> AsyncIterator[NewPage]:
    """``new_page`` of a Chromium with a camera and a microphone that anybody may have."""
    async with async_playwright() as playwright:
        flags = [*browser_path.FLAGS, *FLAGS]
        browser = await playwright.chromium.launch(executable_path=chromium_path, args=flags)
        async with visitors(browser) as make:
            yield make
        await browser.close()


async def says(page: Page, selector: str, text: str) -> None:
    """Until an element shows this text."""

    async def shown() -> bool:
        return text in await page.inner_text(selector)

    await until(f"{selector} says {text!r}", shown, page)


async def set_up(page: Page, url: str, name: str, key: str, way: str = "browser") -> None:
    """The camera is on, and all is filled in."""
    await page.add_init_script(VIOLATIONS)
    await page.goto(f"{url}/studio")
    await page.wait_for_selector("#air:enabled")
    await page.select_option("#way", way)
    await page.click("#open")
    await page.wait_for_selector("#close:enabled")
    await page.fill("#name", name)
    await page.fill("#key", key)


async def go_live(page: Page) -> None:
    await page.click("#air")
    await says(page, "#badge", "Live")


async def stop(page: Page) -> None:
    await page.click("#air")
    await says(page, "#badge", "Off air")


async def flaws(page: Page) -> list[str]:
    """What axe-core has against the page as it is, and what its policy did not allow."""
    await page.evaluate(AXE)
    found = await page.evaluate(
        "axe.run().then(({ violations }) => violations.flatMap(({ id, nodes }) => "
        "nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary}`)))"
    )
    return [*found, *await page.evaluate("window.violations")]


async def test_a_camera_goes_live_another_page_watches_and_stop_is_the_end(
    server: Studio, camera_page: NewPage
) -> None:
    page, url, key = await camera_page(), server.running.bound.url, server.key("garden")
    await set_up(page, url, "garden", key)
    assert await flaws(page) == []
    await go_live(page)
    await says(page, "#serving", "as it is")
    assert await page.input_value("#link") == f"{url}/watch/garden"
    viewer = await camera_page()
    await viewer.goto(await page.input_value("#link"))
    await plays(viewer)
    await says(page, "#viewers", "1")
    assert await flaws(page) == []
    places = "JSON.stringify([location.href, history.state, { ...localStorage }, document.cookie])"
    assert key not in await page.evaluate(places)
    # Another quality is another recorder on the same connection, and no other stream.
    await page.select_option("#quality", "240")
    await says(page, "#media", "240p")
    await stop(page)
    assert "has ended" in await page.inner_text("#status")
    await server.idle()
    assert key not in await page.evaluate(places)


async def test_a_lost_connection_goes_on_in_the_same_stream_and_a_slow_one_is_sent_less(
    server: Studio, camera_page: NewPage
) -> None:
    page = await camera_page()
    async with line(server.running.bound.port, 1e9) as uplink:
        await set_up(page, uplink.url, "field", server.key("field"))
        await go_live(page)
        uplink.cut()
        await says(page, "#status", "trying again")
        await says(page, "#badge", "Live")
        playlist = server.playlist("field")
        assert playlist.count("#EXT-X-DISCONTINUITY\n") == 1
        assert await page.inner_text("#clock") != "0:00", "the time on air went on"
        uplink.up = 12_000
        await says(page, "#status", "Your line is slow")
        assert await flaws(page) == []
        uplink.up = None
        await says(page, "#badge", "Live")
        await stop(page)


async def test_who_may_not_is_told_why_and_what_to_do(server: Studio, camera_page: NewPage) -> None:
    page, url, key = await camera_page(), server.running.bound.url, server.key("yard")
    await set_up(page, url, "yard", "lt_wrong")
    await page.click("#air")
    await says(page, "#status", "does not know this key")
    assert await flaws(page) == []
    await page.fill("#key", key)
    await page.check("#remember")
    await go_live(page)
    other = await camera_page()
    await set_up(other, url, "yard", key, way="whip")
    await go_live(other)
    await says(page, "#status", "taken this stream over")
    await says(other, "#media", "WebRTC")
    await other.click("#mute")
    assert await other.get_attribute("#mute", "aria-pressed") == "true"
    await stop(other)
    await page.reload()
    assert await page.input_value("#key") == key, "it was to be remembered"
    await page.uncheck("#remember")
    assert key not in await page.evaluate("JSON.stringify({ ...localStorage })")


async def test_a_film_goes_live_from_a_phone_over_plain_http_where_no_camera_may(
    server: Studio, camera_page: NewPage, fmp4_vod: Path, tmp_path: Path
) -> None:
    page = await camera_page(**PHONE, color_scheme="dark")
    film = tmp_path / "film.mp4"
    parts = ["init.mp4", *(f"seg{n}.m4s" for n in range(2))]
    film.write_bytes(b"".join((fmp4_vod / part).read_bytes() for part in parts))
    await page.add_init_script(VIOLATIONS)
    await page.goto(f"http://tv.example:{server.running.bound.port}/studio?stream=film")
    await says(page, "#idle", "need HTTPS")
    assert await page.is_hidden("#open")
    assert await flaws(page) == []
    await page.get_by_role("radio", name="Video file").check()
    await page.set_input_files("#file", film)
    await page.wait_for_selector("#close:enabled")
    assert await page.input_value("#name") == "film"
    await page.fill("#key", server.key("film"))
    await page.select_option("#way", "browser")
    await page.click("#air")
    wide = "document.documentElement.scrollWidth - innerWidth"
    assert await page.evaluate(wide) == 0, "nothing is wider than the phone"
    await says(page, "#status", "has ended")
    await server.idle()
    assert server.playlist("film").count("#EXTINF") >= 3, "all of it was sent"
