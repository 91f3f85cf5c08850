"""A page is opened → it plays, and who gave it its first segments.

Some viewers are there already, in one Chromium on loopback; newcomers join them one after the other, play
their first segments and leave. Beside each one plain hls.js begins, too: what a start costs without peers.
Before them the same with nobody there: a lone viewer is not to be held up. Steps: from navigation on.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import imageio_ffmpeg
from playwright.async_api import Browser, Page, async_playwright

from bench.report import OUT, Figure, report
from bench.swarm import settings, stream
from bench.swarm.packager import Packager
from bench.swarm.processes import running, until_served
from tests import browser_path
from tests.conftest import unused_port

PROBE = (Path(__file__).parent / "join.js").read_text()
FIRST = 4
"""Segments looked at: those the others all hold (hls.js begins three behind the newest), and the next."""
PATIENCE = 30.0
"""Seconds until a page counts as one that does not play."""
APART = 0.5
"""Seconds from one page's end to the next one's beginning."""
LONGEST = 1800
"""Seconds of stream at most; ``--rounds`` is bounded by it."""

SEGMENTS = """() => window.liveTorrent.stats().segments.toSorted((a, b) => a.msn - b.msn)
  .map(segment => [segment.source, 1 - segment.fromPeers / segment.bytes])"""


@dataclass
class Starts:
    """What the visits of one kind came to."""

    steps: list[dict[str, float]] = field(default_factory=list)
    segments: list[list[tuple[str, float]]] = field(default_factory=list)
    """Of each visit: source of its first segments, and the part that is not from peers."""

    def median(self, step: str) -> float:
        return statistics.median(steps[step] for steps in self.steps if step in steps)

    def figures(self, who: str) -> list[Figure]:
        names = dict.fromkeys(name for steps in self.steps for name in steps)
        figures = [Figure(f"{who}: {name}", self.median(name), "ms") for name in names]
        figures.sort(key=lambda figure: figure.value)
        for k in range(FIRST):
            parts = [segments[k][1] for segments in self.segments if k < len(segments)]
            if parts:
                name = f"{who}: segment {k + 1}, not from peers"
                figures.append(Figure(name, statistics.mean(parts), "copies"))
        return figures


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=8, help="newcomers (default: 8)")
    parser.add_argument("--there", type=int, default=3, help="viewers there already (default: 3)")
    parser.add_argument("--mode", default="loader", choices=["loader", "service-worker"])
    parser.add_argument("--verbose", action="store_true", help="a line for each newcomer")
    chosen = parser.parse_args()
    chromium = browser_path.find()
    if chromium is None:
        raise SystemExit(f"no Chromium: run `make browser`, or set {browser_path.VARIABLE} to one")
    # Some 8 s a page, 15 at most on a busy machine.
    seconds = min(LONGEST, 120 + 30 * chosen.rounds + 15 * chosen.there)
    media = stream.prepared(imageio_ffmpeg.get_ffmpeg_exe(), OUT / "streams", seconds, settings.MBPS)
    newcomers, plain, lone, plain_alone = Starts(), Starts(), Starts(), Starts()
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(_live(media))
        playwright = await stack.enter_async_context(async_playwright())
        browser = await playwright.chromium.launch(executable_path=chromium, args=list(browser_path.FLAGS))
        stack.push_async_callback(browser.close)
        ours = f"{url}?mode={chosen.mode}"
        for _ in range(chosen.rounds):
            await _visit(browser, f"{url}?mode=http", plain_alone, chosen.verbose)
            await _visit(browser, ours, lone, chosen.verbose)
        for _ in range(chosen.there):
            await stack.enter_async_context(_page(browser, ours, "played > 2"))
        await asyncio.sleep(settings.WINDOW)
        for _ in range(chosen.rounds):
            await _visit(browser, f"{url}?mode=http", plain, chosen.verbose)
            await _visit(browser, ours, newcomers, chosen.verbose)
    start = "first picture"
    figures = [
        *newcomers.figures("newcomer"),
        Figure("plain hls.js beside them: first picture", plain.median(start), "ms"),
        Figure("newcomer ÷ plain hls.js", newcomers.median(start) / plain.median(start), "×", 1.15),
        *lone.figures("alone"),
        Figure("plain hls.js, nobody there: first picture", plain_alone.median(start), "ms"),
        Figure("alone ÷ plain hls.js", lone.median(start) / plain_alone.median(start), "×", 1.15),
    ]
    report("join", figures, f"{chosen.rounds} newcomers to {chosen.there} viewers, {chosen.mode}")


async def _visit(browser: Browser, url: str, starts: Starts, verbose: bool) -> None:
    """A viewer comes, has its first segments and leaves."""
    async with _page(browser, url, f"s.segments.length >= {FIRST}") as page:
        steps = await page.evaluate("window.steps")
        segments = [(source, part) for source, part in await page.evaluate(SEGMENTS)][:FIRST]
        starts.steps.append(steps)
        starts.segments.append(segments)
        if verbose:
            told = ", ".join(
                f"{name} {ms:.0f}" for name, ms in sorted(steps.items(), key=lambda item: item[1])
            )
            print(" ".join(f"{source}:{part:.2f}" for source, part in segments), "|", told, flush=True)
    await asyncio.sleep(APART)


@asynccontextmanager
async def _page(browser: Browser, url: str, until: str) -> AsyncIterator[Page]:
    """A viewer, once ``until`` holds of ``s`` (the read-out) and ``played`` (seconds)."""
    context = await browser.new_context(viewport={"width": 320, "height": 180})
    try:
        await context.add_init_script(PROBE)
        page = await context.new_page()
        await page.goto(url, wait_until="commit")
        ready = f"""(() => {{
          const s = window.liveTorrent?.stats(), v = document.querySelector('video')
          const played = v?.played.length ? v.currentTime - v.played.start(0) : 0
          return !!s && {until}
        }})()"""
        async with asyncio.timeout(PATIENCE):
            while not await page.evaluate(ready):
                await asyncio.sleep(0.1)
        yield page
    finally:
        await context.close()


@asynccontextmanager
async def _live(media: stream.Stream) -> AsyncIterator[str]:
    """A player page's address, of a live stream on a server of its own."""
    with TemporaryDirectory(prefix="lt-join-") as folder:
        feed = Path(folder) / "feed"
        packaging = asyncio.create_task(Packager(media, feed).run())
        port = unused_port()
        command = [sys.executable, "-m", "seeder", "serve", "--feed", str(feed), "--port", str(port)]
        async with running([*command, "--log-level", "warning"], "live-torrent serve"):
            site = f"http://127.0.0.1:{port}"
            await until_served(f"{site}/live/show/video/index.m3u8", (), "MAGNET")
            try:
                yield f"{site}/watch/show"
            finally:
                packaging.cancel()
                await asyncio.gather(packaging, return_exceptions=True)


if __name__ == "__main__":
    asyncio.run(main())
