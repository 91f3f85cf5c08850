"""The npm package on other people's sites: bundled with their code, or straight from a folder."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Page

from tests import npm
from tests.browser.asking import until, when
from tests.browser.broadcast import Recording, broadcast
from tests.browser.sites import Website, site, website
from tests.conftest import NewPage, page_log

APP = """
import Hls from 'hls.js'
import { createP2PLoader } from 'live-torrent'

window.version = Hls.version
window.players = [...document.querySelectorAll('video')].map(video => {
  const p2p = createP2PLoader(Hls)
  const hls = new Hls({ ...p2p.config })
  hls.loadSource(new URLSearchParams(location.search).get('url'))
  hls.attachMedia(video)
  return { p2p, hls }
})
"""
README = npm.ROOT / "client/package/README.md"
STREAM = "'https://live.example.org/live/show/master.m3u8'"
VIDEO = "<video muted autoplay playsinline></video>"
PAGE = "<!doctype html><title>News</title>{}<script type=module src=/built/app.js></script>"


def readme(section: str) -> str:
    """The first example of a section, word for word but for the stream, which the page's address names."""
    text = README.read_text()
    found = re.search(r"^```\w+\n(.*?)^```", text[text.index(f"## {section}") :], flags=re.M | re.S)
    assert found
    assert STREAM in found[1]
    return found[1].replace(STREAM, "new URLSearchParams(location.search).get('url')")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def sites(
    npm_package: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[dict[str, Website]]:
    """A site for each hls.js, which has installed the package and bundled it; by version."""
    async with AsyncExitStack() as stack:
        found = {}
        for version in npm.HLS:
            folder = tmp_path_factory.mktemp(f"site-{version}")
            npm.install(npm_package, folder, version)
            own = readme("You have hls.js") + "window.players = [{ p2p, hls }]; window.version = Hls.version"
            (folder / "app.js").write_text(own if version == "1.6" else APP)
            npm.bundle(folder, "app.js")
            built = {f"/built/{file.name}": file.read_bytes() for file in (folder / "built").iterdir()}
            pages = {"/index.html": PAGE.format(VIDEO), "/two.html": PAGE.format(VIDEO * 2)}
            found[version] = await stack.enter_async_context(website({**built, **pages}))
        yield found


async def all_of(page: Page, condition: str, claim: str) -> None:
    """Until JavaScript over ``s`` (statistics) and ``v`` (video) holds for every player of the page."""
    script = f"""() => window.players?.length > 0 && window.players.every(({{ p2p, hls }}) => {{
      const s = p2p.stats(), v = hls.media
      return {condition}
    }})"""

    async def holds() -> bool:
        return bool(await page.evaluate(script))

    await until(f"{claim}: {page_log(page)}", holds, page)


async def test_plain_hls_js_of_every_version_on_other_sites_exchanges_segments_and_leaves_for_good(
    recording: Recording, sites: dict[str, Website], new_page: NewPage
) -> None:
    async with broadcast(recording, "demo") as live:
        pages: dict[str, Page] = {}
        for version, own in sites.items():
            pages[version] = page = await new_page()
            name = "two.html" if version == "1.7" else "index.html"
            await page.goto(f"{own.url}/{name}?url={live.url}/live/demo/master.m3u8")
        for version, page in pages.items():
            await all_of(page, "v.currentTime > 0.5", "playing")
            assert (await page.evaluate("version")).startswith(version)
        for page in pages.values():
            # Both players of one page are viewers like any other. The first of all may pull for the rest.
            got = "(s.bytesFromPeers > 0 || (p2p === window.players[0].p2p && s.bytesToPeers > 0))"
            await all_of(page, f"s.peers === 3 && {got}", "all exchange with all")
        assert await pages["1.7"].evaluate("players[0].p2p.engine !== players[1].p2p.engine")
        await pages["1.6"].evaluate("players[0].hls.destroy()")
        for version in ("1.5", "1.7"):
            await all_of(pages[version], "s.peers === 2", "who destroyed its player is gone")
        left = "({ closed: players[0].p2p.engine.closed, kept: players[0].p2p.stats().bytesFromPeers > 0 })"
        assert await pages["1.6"].evaluate(left) == {"closed": True, "kept": True}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def bare(cdn: Website) -> AsyncIterator[str]:
    """The address of a site without any build, as the package's README shows it."""
    page = readme("Without a bundler")
    for said, here in {
        "https://cdn.example.org/live-torrent": f"{cdn.url}/package",
        "/vendor/hls.mjs": f"{cdn.url}/hls.mjs",
        "  attach(": "  window.player = await attach(",
    }.items():
        assert page.count(said) == 1
        page = page.replace(said, here)
    before, end, after = page.rpartition("</script>")
    listening = """
      window.heard = []
      player.on('state', state => { heard.push(state) })
      player.on('segment', ({ msn, source }) => { heard.push(`${msn} ${source}`) })
    """
    page = before + listening + end + after
    async with site(page) as url:
        yield url


async def test_a_module_page_attaches_the_player_straight_from_a_cdn(
    recording: Recording, cdn: Website, bare: str, new_page: NewPage
) -> None:
    async with broadcast(recording, "demo") as live:
        pages = [await new_page() for _ in range(2)]
        for page in pages:
            await page.goto(f"{bare}?url={live.url}/live/demo/master.m3u8")
        for page in pages:
            await when(page, "s.peers === 1 && v.currentTime > 0.5", "playing together")
            assert await page.evaluate("player.mode") == "loader"
        first, second = pages

        async def exchanged() -> bool:
            heard = [line for page in pages for line in await page.evaluate("heard")]
            return "playing" in heard and any(re.fullmatch(r"\d+ peers", line) for line in heard)

        await until("listeners hear of states, and of segments from the other", exchanged, *pages)
        assert any(re.match(r"GET /package/dist/swarm-\w+\.js", path) for path in cdn.asked)
        # The browser keeps the page for "back", and takes it up again.
        await second.evaluate("""() => {
          window.before = player.engine
          dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true }))
          dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))
        }""")
        await when(
            second, "player.engine !== before && before.closed && s.peers === 1", "going on after back"
        )
        await second.evaluate("player.setSharing(false)")
        await when(second, "s.sharing === false", "the switch")
        await second.evaluate("player.destroy()")
        assert await second.evaluate("window.liveTorrent === undefined")
        await when(first, "s.peers === 0", "who destroyed its player is gone")


async def test_where_the_element_alone_plays_hls_no_hls_js_is_fetched(
    recording: Recording, cdn: Website, bare: str, new_page: NewPage
) -> None:
    async with broadcast(recording, "demo") as live:
        page = await new_page()
        await page.add_init_script("delete window.MediaSource; delete window.ManagedMediaSource")
        cdn.asked.clear()
        await page.goto(f"{bare}?url={live.url}/live/demo/master.m3u8")
        await when(page, "s.mode === 'http' && v.src.endsWith('.m3u8')", "the element has the playlist")
        # Chromium plays HLS by itself since 142; an older one says that it cannot.
        able = "document.querySelector('video').canPlayType('application/vnd.apple.mpegurl') !== ''"
        if await page.evaluate(able):
            await when(page, "played > 0.3", "the element plays")
        assert "GET /package/dist/index.js" in cdn.asked
        assert "GET /hls.mjs" not in cdn.asked
