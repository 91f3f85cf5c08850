"""docs/website.md and the README, followed word for word: only the example's host is another."""

from __future__ import annotations

import asyncio
import re

from playwright.async_api import Page

from tests.browser.asking import plays, stats, until
from tests.browser.broadcast import Recording, broadcast, recorded
from tests.browser.sites import VIOLATIONS, website
from tests.conftest import ROOT, NewPage

EXAMPLE = "live.example.org"


def blocks(document: str, section: str, host: str) -> list[str]:
    """The code blocks of a section, fenced or indented, for a server at ``host`` (``http://…``)."""
    text = (ROOT / document).read_text()
    body = re.split(r"^## ", text, flags=re.M)
    (found,) = (part for part in body if part.startswith(section + "\n"))
    fenced = re.findall(r"^```\w*\n(.*?)^```", found, flags=re.M | re.S)
    code = fenced or re.findall(r"(?:^    .*\n)+", found, flags=re.M)
    return [
        block.replace(f"https://{EXAMPLE}", host).replace(f"wss://{EXAMPLE}", host.replace("http", "ws", 1))
        for block in code
    ]


async def test_the_documentation_followed_word_for_word_under_its_own_policy(
    recording: Recording, new_page: NewPage
) -> None:
    async with broadcast(recording, "show", "film") as live:
        await asyncio.sleep(0)  # its first window is published
        await live.end("film")

        def said(section: str) -> list[str]:
            return blocks("docs/website.md", section, live.url)

        embed, film = said("A player of ours")
        worker, line, _guest, _line = said("Your own player")
        (frame,) = said("A frame")
        (policy,) = said("Under a Content-Security-Policy")
        name, _, value = policy.strip().partition(": ")
        playlist = await asyncio.to_thread(recorded, f"{live.url}/live/film/video/index.m3u8")
        player = (
            '<video muted autoplay></video><script src="/hls.js"></script><script src="/start.js"></script>'
        )
        files = {
            "/ours": embed,
            "/film": film,
            "/film/index.m3u8": playlist,
            "/own": line + player,
            "/hls.js": (ROOT / "node_modules/hls.js/dist/hls.min.js").read_text(),
            "/start.js": f"""
                const hls = new Hls({{ enableWorker: true }})
                hls.loadSource('{live.url}/live/show/master.m3u8')
                hls.attachMedia(document.querySelector('video'))""",
            "/live-torrent-sw.js": worker,
            "/frame": frame,
        }
        async with website(files, {name: value}) as site:

            async def visit(path: str) -> Page:
                page = await new_page()
                await page.add_init_script(VIOLATIONS)
                await page.goto(f"{site.url}{path}")
                return page

            ours, film_, own, framed = await asyncio.gather(
                *(visit(path) for path in ("/ours", "/film", "/own", "/frame"))
            )
            inner = framed.frames[1]
            await asyncio.gather(plays(ours), plays(film_), plays(own), plays(inner))
            assert (await stats(film_))["segments"], "the film came through the engine"

            async def exchanged() -> bool:
                return all([(await stats(page)).get("bytesFromPeers", 0) > 0 for page in (ours, own)])

            await until("our player and theirs exchange segments", exchanged, ours, own)
            for page in (ours, film_, own, framed):
                assert await page.evaluate("window.violations") == [], page.url
