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
SECTIONS = ("A player of ours", "Your own player")
PHONE = (
    '<!doctype html><meta name="viewport" content="width=device-width">'
    '<link rel="stylesheet" href="/live.css">'
)
SIZE = """() => {
  const { clientWidth, clientHeight } = document.querySelector('iframe')
  return [clientWidth, clientHeight, document.documentElement.scrollWidth]
}"""


async def test_the_readme_says_the_same() -> None:
    readme = blocks("README.md", "On a website", "https://live.example.org")
    ours, own = (blocks("docs/website.md", section, "https://live.example.org") for section in SECTIONS)
    assert [block.strip() for block in readme] == [ours[0].strip(), own[1].strip()]
    assert own[0].strip() in (ROOT / "README.md").read_text()


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

        (embed, film), (worker, line, _guest, _line) = map(said, SECTIONS)
        frame, style = said("A frame")
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
            "/frame": PHONE + frame + frame.replace("<iframe", '<iframe sandbox="allow-scripts"'),
            "/live.css": style,
        }
        async with website(files, {name: value}) as site:

            async def visit(path: str, **visitor: object) -> Page:
                page = await new_page(**visitor)
                await page.add_init_script(VIOLATIONS)
                await page.goto(f"{site.url}{path}")
                return page

            ours, film_, own, framed = await asyncio.gather(
                visit("/ours"),
                visit("/film"),
                visit("/own"),
                visit("/frame", viewport={"width": 360, "height": 740}, is_mobile=True),
            )
            await asyncio.gather(*(plays(page) for page in (ours, film_, own, *framed.frames[1:])))
            assert len(framed.frames) == 3
            width, height, page_width = await framed.evaluate(SIZE)
            assert abs(height - width * 9 / 16) < 1
            assert (width > 300, page_width) == (True, 360), "it fills a phone, and no more"
            modes = [await frame.evaluate("window.liveTorrent.mode") for frame in framed.frames[1:]]
            assert modes[1] == "loader", "a sandbox has no service worker"
            assert (await stats(film_))["segments"], "the film came through the engine"

            async def exchanged() -> bool:
                return all([(await stats(page)).get("bytesFromPeers", 0) > 0 for page in (ours, own)])

            await until("our player and theirs exchange segments", exchanged, ours, own)
            for page in (ours, film_, own, framed):
                assert await page.evaluate("window.violations") == [], page.url
