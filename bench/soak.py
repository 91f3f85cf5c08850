"""Viewers that stay for long: does anything grow that a browser limits?

Three Chromium viewers on live streams of 0.5 s segments, so that an hour of 2 s segments takes a quarter of
one: two exchange a stream, one has another stream in the mode p2p-only, from the server's seed alone (a
connection a segment). Garbage is collected before each reading; what counts is the growth per 100 segments
once windows, buffers and caches are full. Chromium only interprets here: the machine code it makes of what
runs often would be most of the growth for many minutes.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import imageio_ffmpeg
from playwright.async_api import Browser, CDPSession, Page, async_playwright

from bench.report import Figure, report
from bench.server import serving
from tests import browser_path

SECONDS = 0.5
"""A segment: a quarter of the usual 2 s."""
WINDOW = 16
"""Segments listed: 8 s, as four of 2 s."""
INTERVAL = 10.0
"""Seconds between readings: collecting garbage stops the page for some tens of milliseconds."""
WARM = 60.0
"""Seconds before the first reading that counts: hls.js keeps half a minute behind the play head."""
START = 60.0
"""Seconds for a viewer to play."""
INTERPRET = "--js-flags=--no-opt --no-maglev --no-sparkplug"
INSTRUMENT = (Path(__file__).parent / "soak.js").read_text()

HEAP_GOAL = 56.0
"""KiB per 100 segments: 1 MiB in an hour of 2 s segments."""
COUNT_GOAL = 1.0
"""Objects per 100 segments: less is not told apart from coming and going in three minutes."""


@dataclass
class Viewer:
    name: str
    page: Page
    devtools: CDPSession
    rows: list[dict[str, float]] = field(default_factory=list)

    async def read(self) -> None:
        # Twice: what a first collection finalizes is freed by the second.
        for _ in range(2):
            await self.devtools.send("HeapProfiler.collectGarbage")
        heap = await self.devtools.send("Runtime.getHeapUsage")
        counters = await self.devtools.send("Memory.getDOMCounters")
        row: dict[str, Any] = await self.page.evaluate("window.soak()")
        row |= {"heap": heap["usedSize"] / 1024, "buffers": heap.get("backingStorageSize", 0) / 1024}
        row |= {"nodes": counters["nodes"], "listeners": counters["jsEventListeners"], "at": time.monotonic()}
        self.rows.append(row)

    def growth(self, key: str) -> float:
        """Per 100 segments, of the least read in either half: a leak lifts the floor."""
        middle = len(self.rows) // 2
        halves = (self.rows[:middle], self.rows[middle:])
        before, after = (min(row[key] for row in half) for half in halves)
        between = [statistics.mean(row["msn"] for row in half) for half in halves]
        return 100 * (after - before) / (between[1] - between[0])

    def most(self, key: str) -> float:
        return max(row[key] for row in self.rows)

    def figures(self) -> Iterator[Figure]:
        first, last = self.rows[0], self.rows[-1]
        yield Figure(f"{self.name}: JS heap growth", self.growth("heap"), "KiB", HEAP_GOAL)
        yield Figure(f"{self.name}: array buffers growth", self.growth("buffers"), "KiB", HEAP_GOAL)
        for key, what in (
            ("connections", "RTCPeerConnections not collected"),
            ("open", "RTCPeerConnections open"),
            ("channels", "data channels open"),
            ("timers", "timers"),
            ("torrents", "webtorrent torrents"),
            ("nodes", "DOM nodes"),
            ("listeners", "event listeners"),
        ):
            yield Figure(f"{self.name}: {what}, growth", self.growth(key), "", COUNT_GOAL)
        yield Figure(f"{self.name}: RTCPeerConnections, most at once", self.most("connections"), "", 100)
        yield Figure(f"{self.name}: JS heap at the end", last["heap"] / 1024, "MiB")
        yield Figure(f"{self.name}: array buffers at the end", last["buffers"] / 1024, "MiB")
        yield Figure(f"{self.name}: connections made", last["made"] - first["made"], "")
        yield Figure(f"{self.name}: stalls", last["stalls"] - first["stalls"], "")
        for key in ("fromPeers", "fromOrigin", "fromSeed"):
            yield Figure(f"{self.name}: {key}", (last[key] - first[key]) / 2**20, "MiB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=3, help="after a minute of warming up")
    minutes = parser.parse_args().minutes
    chromium = browser_path.find()
    if chromium is None:
        print("skipped: no Chromium; run `make browser`", file=sys.stderr)
        return
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        (folder / "feed").mkdir()
        film = encoded(folder)
        for name in ("shared", "alone"):
            stack.enter_context(playing(film, folder / "feed" / name))
        server = stack.enter_context(serving(folder / "feed", "--log-level", "warning"))
        viewers = asyncio.run(soak(chromium, server.address.rstrip("/"), minutes))
    segments = viewers[0].rows[-1]["msn"] - viewers[0].rows[0]["msn"]
    figures = [figure for viewer in viewers for figure in viewer.figures()]
    report("soak", figures, f"{segments:.0f} segments of {SECONDS} s; growth is per 100 segments")


def encoded(folder: Path) -> Path:
    """A minute with a key frame every SECONDS."""
    film = folder / "film.mp4"
    subprocess.run(
        [
            *(imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-hide_banner", "-loglevel", "error"),
            *("-f", "lavfi", "-i", "testsrc2=size=320x180:rate=10"),
            *("-t", "60", "-c:v", "libx264", "-preset", "ultrafast", "-b:v", "600k", "-pix_fmt", "yuv420p"),
            *("-g", "5", "-keyint_min", "5", "-sc_threshold", "0", str(film)),
        ],
        check=True,
        timeout=100,
    )
    return film


@contextmanager
def playing(film: Path, folder: Path) -> Iterator[None]:
    """The film as a live stream, over and over, written by ffmpeg as other programs write theirs."""
    folder.mkdir()
    process = subprocess.Popen(
        [
            *(imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-hide_banner", "-loglevel", "error"),
            *("-re", "-stream_loop", "-1", "-i", str(film), "-c", "copy", "-f", "hls"),
            *("-hls_time", str(SECONDS), "-hls_list_size", str(WINDOW)),
            *("-hls_flags", "delete_segments+temp_file", str(folder / "index.m3u8")),
        ]
    )
    try:
        yield
    finally:
        process.terminate()
        process.wait(10)


async def soak(chromium: str, url: str, minutes: float) -> list[Viewer]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=chromium, args=[*browser_path.FLAGS, INTERPRET]
        )
        viewers = [
            await viewer(browser, name, f"{url}/watch/{stream}?mode={mode}")
            for name, stream, mode in (
                ("first", "shared", "loader"),
                ("second", "shared", "service-worker"),
                ("p2p-only", "alone", "p2p-only"),
            )
        ]
        await asyncio.sleep(WARM)
        end = time.monotonic() + 60 * minutes
        while time.monotonic() < end:
            for one in viewers:
                await one.read()
                show(one)
            await asyncio.sleep(INTERVAL)
        await browser.close()
    return viewers


def show(viewer: Viewer) -> None:
    row = viewer.rows[-1]
    cells = " ".join(f"{key} {row[key]:.0f}" for key in row if key not in ("at", "played"))
    print(f"{viewer.name:>9}  {cells}", flush=True)


async def viewer(browser: Browser, name: str, url: str) -> Viewer:
    context = await browser.new_context()
    page = await context.new_page()
    await page.add_init_script(INSTRUMENT)
    await page.goto(url)
    devtools = await context.new_cdp_session(page)
    await devtools.send("HeapProfiler.enable")
    async with asyncio.timeout(START):
        while not await page.evaluate("(document.querySelector('video')?.currentTime ?? 0) > 1"):
            await asyncio.sleep(0.2)
    return Viewer(name, page, devtools)


if __name__ == "__main__":
    main()
