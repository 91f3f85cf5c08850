"""Players that know nothing of us, on a site of another origin, under a strict policy: with one file of the
site's own and one line in its page they exchange segments that a third origin serves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import Page

from tests.browser.asking import plays, stats, until
from tests.browser.broadcast import Broadcast, Recording, broadcast, recorded
from tests.browser.sites import VIOLATIONS, Website, website
from tests.conftest import ROOT, NewPage

WORKER = "/live-torrent-sw.js"
PLAYERS = {
    "hls.js": "node_modules/hls.js/dist/hls.min.js",
    "video.js": "node_modules/video.js/dist/video.min.js",
    "shaka": "node_modules/shaka-player/dist/shaka-player.compiled.js",
}
NO_STYLES = b"window.VIDEOJS_NO_DYNAMIC_STYLE = true;\n"
"""How video.js is told of a policy that allows no styles in the page."""
START = {
    "hls.js": """
        const hls = new Hls()
        hls.loadSource(source)
        hls.attachMedia(video)""",
    "video.js": """
        videojs(video, { autoplay: 'muted', sources: [{ src: source, type: 'application/x-mpegURL' }],
          html5: { vhs: { overrideNative: true } } })""",
    "shaka": """
        const player = new shaka.Player()
        player.attach(video).then(() => player.load(source))""",
    "native": """
        video.crossOrigin = 'anonymous'
        video.src = source""",
}
"""As each one's documentation begins, with ``video`` and ``source``."""
NATIVE = "document.createElement('video').canPlayType('application/vnd.apple.mpegurl') !== ''"


def policy(host: str, cdn: str) -> str:
    """What docs/website.md asks a site for, no more."""
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src 'self' {host}",
            "style-src 'self'",
            f"connect-src 'self' {host} {host.replace('http', 'ws', 1)} {cdn}",
            "media-src blob:",
            "worker-src 'self' blob:",
            "base-uri 'none'",
        )
    )


def page(live: Broadcast, player: str, line: str) -> str:
    """A site's page with a player; ``line`` is ours."""
    library = f'<script src="/{player}.js"></script>' if player in PLAYERS else ""
    return (
        f"<!doctype html><title>News</title><head>{line}{library}</head>"
        f'<video muted autoplay playsinline></video><script src="/start/{player}.js"></script>'
    )


def start(live: Broadcast, player: str) -> str:
    url = f"{live.url}/live/demo/master.m3u8"
    return f"const video = document.querySelector('video'), source = '{url}'\n{{{START[player]}\n}}\n"


@asynccontextmanager
async def news(recording: Recording) -> AsyncIterator[tuple[Website, Broadcast, Website]]:
    """A news site with a page for each player, the server of the stream, and that of its segments."""
    segments = {f"/v/{n}.m4s": data for n, data in enumerate(recording.segments)}
    cors = {"Access-Control-Allow-Origin": "*", "Cache-Control": "no-store"}
    async with (
        website({"/v/init.mp4": recording.init} | segments, cors) as cdn,
        broadcast(recording, "demo", home=f"{cdn.url}/v/") as live,
        website({WORKER: f"importScripts('{live.url}/sw.js')\n"}) as site,
    ):
        line = f'<script src="{live.url}/embed.js" data-worker="{WORKER}"></script>'
        for player in START:
            site.files[f"/{player}.html"] = page(live, player, line)
            site.files[f"/start/{player}.js"] = start(live, player)
        for player, path in PLAYERS.items():
            site.files[f"/{player}.js"] = NO_STYLES + (ROOT / path).read_bytes()
        site.headers["Content-Security-Policy"] = policy(live.url, cdn.url)
        yield site, live, cdn


async def from_peers(page: Page) -> int:
    return int((await stats(page)).get("bytesFromPeers", 0))


async def test_hls_js_video_js_and_shaka_exchange_what_they_play(
    recording: Recording, new_page: NewPage
) -> None:
    async with news(recording) as (site, _, cdn):
        viewers = {player: await new_page() for player in PLAYERS}
        for viewer in viewers.values():
            await viewer.add_init_script(VIOLATIONS)
        await asyncio.gather(*(viewer.goto(f"{site.url}/{name}.html") for name, viewer in viewers.items()))
        await asyncio.gather(*(plays(viewer) for viewer in viewers.values()))

        async def exchanged() -> bool:
            return all([await from_peers(viewer) > 0 for viewer in viewers.values()])

        await until("each has bytes from the others", exchanged, *viewers.values())
        for name, viewer in viewers.items():
            assert await viewer.evaluate("window.liveTorrent.mode") == "service-worker", name
            assert await viewer.evaluate("window.liveTorrent.players.length") == 1, name
            assert await viewer.evaluate("window.violations") == [], name
            await plays(viewer, 0.5)
        assert not [line for line in cdn.asked if line.startswith("OPTIONS")], "no preflight"


async def test_a_video_element_alone_plays_over_http(recording: Recording, new_page: NewPage) -> None:
    """It refuses what a worker made up, so the worker must leave its requests alone, also the second time."""
    async with news(recording) as (site, _, cdn):
        site.headers.clear()  # its segments need no policy of ours: media-src with all origins
        viewer = await new_page()
        await viewer.goto(f"{site.url}/native.html")
        if not await viewer.evaluate(NATIVE):
            pytest.skip("this Chromium plays no HLS by itself")
        await viewer.evaluate("navigator.serviceWorker.ready")
        await viewer.reload()
        assert await viewer.evaluate("navigator.serviceWorker.controller !== null")
        cdn.asked.clear()
        await plays(viewer)
        assert any(line.endswith(".m4s") for line in cdn.asked)


GUEST = """
self.liveTorrent = 'guest'
importScripts('{host}/sw.js')
self.addEventListener('activate', event => event.waitUntil(clients.claim()))
self.addEventListener('fetch', event => {{
  if (event.request.url.endsWith('/theirs')) event.respondWith(new Response('by their own worker'))
}})
"""
NEWEST = """async () => {
  const text = await (await fetch(source)).text()
  const uri = text.trim().split('\\n').findLast(line => line[0] !== '#')
  return (await fetch(uri)).headers.get('live-torrent-source')
}"""


async def test_a_sites_own_worker_takes_ours_in_and_a_recording_is_caught_up_with(
    recording: Recording, new_page: NewPage
) -> None:
    """The recording's playlist is loaded once, before there is a worker."""
    async with news(recording) as (site, live, _):
        film = await asyncio.to_thread(recorded, f"{live.url}/live/demo/video/index.m3u8")
        site.files |= {
            "/film.m3u8": film,
            "/start/film.js": "const source = '/film.m3u8', hls = new Hls()\n"
            "const box = document.createElement('div'), video = document.querySelector('video')\n"
            "document.body.append(box)\nbox.attachShadow({ mode: 'open' }).append(video)\n"
            "hls.loadSource(source)\nhls.attachMedia(video)\n"
            "navigator.serviceWorker.register('/their-sw.js?v=7')",
            "/their-sw.js": GUEST.format(host=live.url),
            "/film.html": site.files["/hls.js.html"]
            .replace(f'"{WORKER}"', '"/their-sw.js" data-register="false"')
            .replace("start/hls.js.js", "start/film.js"),
        }
        viewer = await new_page()
        await viewer.goto(f"{site.url}/film.html")

        async def known() -> bool:
            return await viewer.evaluate("!!window.liveTorrent") and await viewer.evaluate(NEWEST) is not None

        await until("the page answers for a playlist it did not see loaded", known, viewer)
        assert (
            await viewer.evaluate("fetch('/theirs').then(answer => answer.text())") == "by their own worker"
        )
        scripts = (
            "navigator.serviceWorker.getRegistrations().then(all => all.map(one => one.active.scriptURL))"
        )
        assert await viewer.evaluate(scripts) == [f"{site.url}/their-sw.js?v=7"], "theirs alone"
