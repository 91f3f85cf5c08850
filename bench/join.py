"""A page is opened → its first connection to another viewer is up, and what the time goes into.

1 to 5 viewers are there already, in one Chromium on loopback. Goal: a second, at the median. Each step is
given from navigation on; beside it the bare primitive: two RTCPeerConnections of a page that find each other.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import imageio_ffmpeg
from playwright.async_api import Browser, Page, async_playwright

from bench.report import Figure, report
from tests import browser_path
from tests.browser.broadcast import SECONDS, Recording, broadcast

MOST = 5
"""Viewers there already."""
PATIENCE = 30.0
"""Seconds until a page counts as one that never joined."""
LENGTH = 120
"""Seconds of stream, more than a round takes."""

PROBE = """
window.steps = {}
const mark = name => { window.steps[name] ??= performance.now() }
const Socket = WebSocket, PeerConnection = RTCPeerConnection
window.WebSocket = class extends Socket {
  constructor (...args) {
    super(...args)
    mark('socket made')
    this.addEventListener('open', () => mark('socket open'))
    this.addEventListener('message', event => {
      const message = JSON.parse(event.data)
      mark(message.answer ? 'answer' : message.offer ? 'asked' : 'reply')
    })
  }
  send (data) {
    if (JSON.parse(data).offers?.length) mark('offers sent')
    super.send(data)
  }
}
window.RTCPeerConnection = class extends PeerConnection {
  constructor (...args) {
    super(...args)
    mark('connection made')
    const look = () => { if (this.connectionState === 'connected') mark('connected') }
    this.addEventListener('connectionstatechange', look)
  }
}
const fetched = window.fetch
window.fetch = async (...args) => {
  const answer = await fetched(...args)
  const url = String(args[0]?.url ?? args[0])
  if (url.includes('.m3u8')) mark(url.includes('master') ? 'multivariant playlist' : 'playlist')
  return answer
}
const timer = setInterval(() => {
  if (!(window.liveTorrent?.stats().peers > 0)) return
  mark('joined')
  clearInterval(timer)
}, 2)
"""

BARE = """async () => {
  const began = performance.now()
  const [a, b] = [new RTCPeerConnection(), new RTCPeerConnection()]
  const channels = [a, b].map(pc => pc.createDataChannel('x', { negotiated: true, id: 0 }))
  const gathered = async pc => {
    const change = () => new Promise(resolve => { pc.onicegatheringstatechange = resolve })
    while (pc.iceGatheringState !== 'complete') await change()
    return pc.localDescription
  }
  const open = Promise.all(channels.map(channel => new Promise(resolve => { channel.onopen = resolve })))
  await a.setLocalDescription()
  await b.setRemoteDescription(await gathered(a))
  await b.setLocalDescription()
  await a.setRemoteDescription(await gathered(b))
  await open
  const took = performance.now() - began
  a.close()
  b.close()
  return took
}"""

Steps = dict[str, float]


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--mode", default="loader", choices=["loader", "service-worker"])
    chosen = parser.parse_args()
    chromium = browser_path.find()
    if chromium is None:
        raise SystemExit(f"no Chromium: run `make browser`, or set {browser_path.VARIABLE} to one")
    bare: list[float] = []
    steps: list[Steps] = []
    made: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        recording = await asyncio.to_thread(_record, Path(folder))
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(
                executable_path=chromium, args=list(browser_path.FLAGS)
            )
            for _ in range(chosen.rounds):
                async with broadcast(recording, "demo") as live:
                    url = f"{live.url}/watch/demo?mode={chosen.mode}"
                    async with _visit(browser, url, alone=True) as first:
                        bare.append(await first.evaluate(BARE))
                        await _joins(browser, url, MOST, steps, made)
            await browser.close()
    median = {
        name: statistics.median(step[name] for step in steps if name in step)
        for name in dict.fromkeys(name for step in steps for name in step)
    }
    joined = [step["joined"] for step in steps]
    since = median["joined"] - median["playlist"] if "playlist" in median else median["joined"]
    figures = [
        *(
            Figure(name, ms, "ms")
            for name, ms in sorted(median.items(), key=lambda item: item[1])
            if name != "joined"
        ),
        Figure("joined", median["joined"], "ms", 1000),
        Figure("joined, worst", max(joined), "ms"),
        Figure("two connections, bare", statistics.median(bare), "ms"),
        Figure("(playlist to joined) / bare", since / statistics.median(bare), "×"),
        Figure("connections made a page", statistics.mean(made), ""),
    ]
    report("join", figures, f"{len(steps)} joins, {chosen.mode}, 1 to {MOST} viewers there")


async def _joins(browser: Browser, url: str, left: int, steps: list[Steps], made: list[float]) -> None:
    """One viewer after the other joins and stays until all were measured."""
    if left == 0:
        return
    async with _visit(browser, url, alone=False) as page:
        steps.append(await page.evaluate("window.steps"))
        await _joins(browser, url, left - 1, steps, made)
        made.append(await page.evaluate("window.liveTorrent.stats().connectionsMade"))


@asynccontextmanager
async def _visit(browser: Browser, url: str, *, alone: bool) -> AsyncIterator[Page]:
    """A viewer, once it plays and, unless it is alone, has joined."""
    context = await browser.new_context(viewport={"width": 320, "height": 180})
    try:
        await context.add_init_script(PROBE)
        page = await context.new_page()
        await page.goto(url, wait_until="commit")
        ready = "document.querySelector('video')?.currentTime > 0.5"
        if not alone:
            ready += " && 'joined' in window.steps"
        async with asyncio.timeout(PATIENCE):
            while not await page.evaluate(ready):
                await asyncio.sleep(0.1)
        yield page
    finally:
        await context.close()


def _record(folder: Path) -> Recording:
    rate = 10
    command = [
        *(imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-hide_banner", "-loglevel", "error"),
        *("-f", "lavfi", "-i", f"testsrc2=size=320x180:rate={rate}"),
        *(
            "-t",
            str(LENGTH),
            "-c:v",
            "libx264",
            "-preset",
            "ultrafast",
            "-b:v",
            "600k",
            "-pix_fmt",
            "yuv420p",
        ),
        *("-g", str(rate * SECONDS), "-keyint_min", str(rate * SECONDS), "-sc_threshold", "0"),
        *("-f", "hls", "-hls_time", str(SECONDS), "-hls_list_size", "0", "-hls_segment_type", "fmp4"),
        *("-hls_fmp4_init_filename", "init.mp4", "-hls_segment_filename", str(folder / "seg%d.m4s")),
        str(folder / "index.m3u8"),
    ]
    subprocess.run(command, check=True, timeout=100, cwd=folder)
    return Recording.read(folder)


if __name__ == "__main__":
    asyncio.run(main())
