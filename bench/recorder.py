"""Pressing start in a page → the first segment in the manifest.

    python -m bench.recorder [--rounds 5]

A real Chromium with a camera and a microphone that are none (640x480, 20 frames a second) publishes over the
WebSocket, with a key frame a second and a slice each 200 ms; segments are of 1 s. *Listed* is from the call
of ``MediaRecorder.start`` to the manifest that lists a segment, asked for every 20 ms by the page. H.264 is
copied here, the others are encoded again.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from bench.arrival import key
from bench.report import Figure, percentile, report
from bench.server import serving
from tests import browser_path

KINDS = {
    "H.264 in Matroska": "video/x-matroska;codecs=avc1,opus",
    "H.264 in MP4": "video/mp4;codecs=avc1.42E01E,opus",
    "VP8": "video/webm;codecs=vp8,opus",
    "VP9": "video/webm;codecs=vp9,opus",
}
GOAL = 3000.0
CAMERA = """
async () => { window.both = await navigator.mediaDevices.getUserMedia({ video: true, audio: true }) }
"""
PRESS = """
async ({ key, name, mimeType }) => {
  const recorder = new MediaRecorder(both, { mimeType, videoKeyFrameIntervalDuration: 1000 })
  const socket = new WebSocket(`${location.origin.replace('http', 'ws')}/api/publish/${name}`)
  const ended = new Promise(done => { socket.onclose = ({ code }) => done(code) })
  const waiting = []
  recorder.ondataavailable = ({ data }) => socket.readyState === 1 ? socket.send(data) : waiting.push(data)
  recorder.onstop = () => socket.send(JSON.stringify({ type: 'stop' }))
  const pressed = performance.now()
  recorder.start(200)
  socket.onopen = () => {
    socket.send(JSON.stringify({ type: 'start', key, mime: mimeType }))
    for (const data of waiting) socket.send(data)
  }
  for (;;) {
    const answer = await fetch(`/live/${name}/v0/index.m3u8`, { cache: 'no-store' })
    if (answer.ok && (await answer.text()).includes('#EXTINF')) break
    if (performance.now() - pressed > 20_000) return [0, await Promise.race([ended, 'nothing came'])]
    await new Promise(done => setTimeout(done, 20))
  }
  const listed = performance.now() - pressed
  recorder.stop()
  return [listed, await ended]
}
"""


def press(page: Page, mime: str, name: str, shown: str) -> float:
    """Milliseconds."""
    listed, code = page.evaluate(PRESS, {"key": shown, "name": name, "mimeType": mime})
    if code != 1000:
        raise SystemExit(f"{mime}: {code}")
    return float(listed)


def measure(folder: Path, rounds: int) -> list[Figure]:
    feed, keys = folder / "feed", folder / "keys.json"
    feed.mkdir()
    given = ("--publish", "browser", "--keys", str(keys), "--segment-seconds", "1", "--log-level", "warning")
    flags = (*browser_path.FLAGS, "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
    figures = []
    with serving(feed, *given) as server, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path.find(), args=list(flags))
        page = browser.new_page()
        page.goto(f"{server.address.rstrip('/')}/healthz")  # our pages but one may have no camera
        page.evaluate(CAMERA)
        for at, (what, mime) in enumerate(KINDS.items()):
            if not page.evaluate("type => MediaRecorder.isTypeSupported(type)", mime):
                continue
            names = [f"{what[:1]}{at}-{number}" for number in range(rounds)]
            found = [press(page, mime, name, key(keys, name)) for name in names]
            figures.append(Figure(f"{what}: listed, median", percentile(found, 0.5), "ms", GOAL))
            figures.append(Figure(f"{what}: listed, worst", max(found), "ms"))
        browser.close()
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="live-torrent-bench-") as folder:
        figures = measure(Path(folder).resolve(), asked.rounds)
    report("recorder", figures, f"segments of 1 s, {asked.rounds} times each")


if __name__ == "__main__":
    main()
