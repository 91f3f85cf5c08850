"""The probe in real Chromium: it reads the numbers ffmpeg drew, and counts what peer connections carry."""

from __future__ import annotations

import base64
import subprocess
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from playwright.async_api import Page

from bench.swarm.settings import FRAMES
from bench.swarm.stream import BITS, marks
from bench.swarm.viewers import PROBE

NewPage = Callable[..., Awaitable[Page]]
LATER = 2**BITS - 2 * FRAMES
"""A frame number two seconds before they begin anew: all bits are in use."""

SHOW = """
async ({bytes, at, want}) => {
  const video = document.createElement('video')
  document.body.replaceChildren(video)
  video.muted = true
  video.preload = 'auto'
  video.src = URL.createObjectURL(new Blob([Uint8Array.from(atob(bytes), c => c.charCodeAt(0))]))
  // A seek before there is a picture may end before there is one, too.
  await new Promise(resolve => { video.onloadeddata = resolve })
  video.currentTime = at
  await new Promise(resolve => { video.onseeked = resolve })
  for (let left = 100; video.readyState < 2 && left > 0; left--) {
    await new Promise(resolve => setTimeout(resolve, 50))
  }
  // On a busy machine the old picture stays for a while after the seek is said to be done.
  let frame = (await window.__bench.sample()).frame
  for (let left = 200; want !== undefined && frame !== want && left > 0; left--) {
    await new Promise(resolve => setTimeout(resolve, 50))
    frame = (await window.__bench.sample()).frame
  }
  return frame
}
"""
EXCHANGE = """
async size => {
  const [a, b] = [new RTCPeerConnection(), new RTCPeerConnection()]
  a.onicecandidate = event => b.addIceCandidate(event.candidate)
  b.onicecandidate = event => a.addIceCandidate(event.candidate)
  const channel = a.createDataChannel('bytes')
  const got = new Promise(resolve => {
    let left = size
    b.ondatachannel = ({ channel }) => {
      channel.binaryType = 'arraybuffer'
      channel.onmessage = ({ data }) => { if ((left -= data.byteLength) === 0) resolve() }
    }
  })
  await a.setLocalDescription()
  await b.setRemoteDescription(a.localDescription)
  await b.setLocalDescription()
  await a.setRemoteDescription(b.localDescription)
  await new Promise(resolve => { channel.onopen = resolve })
  for (let sent = 0; sent < size; sent += 10000) channel.send(new Uint8Array(10000))
  await got
  const open = await window.__bench.sample()
  a.close()
  b.close()
  await new Promise(resolve => setTimeout(resolve, 100))
  return [open, await window.__bench.sample()]
}
"""


@pytest.fixture(scope="module")
def numbered(ffmpeg: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Four seconds with the marks, the first frame's number being LATER, in base64."""
    file = tmp_path_factory.mktemp("numbered") / "numbered.mp4"
    command = [
        *(ffmpeg, "-nostdin", "-loglevel", "error", "-f", "lavfi"),
        *("-i", f"testsrc2=size=480x270:rate={FRAMES}", "-t", "4"),
        *("-vf", f"noise=alls=24:allf=t,{marks(first=LATER)}", "-b:v", "1500k"),
        *("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", str(file)),
    ]
    subprocess.run(command, check=True, timeout=100)
    return base64.b64encode(Path(file).read_bytes()).decode()


async def test_the_frame_on_the_screen_is_read_from_the_picture(new_page: NewPage, numbered: str) -> None:
    page = await new_page()
    await page.add_init_script(PROBE)
    await page.goto("about:blank")
    for frame in (0, 1, 24, 49, 50, 77):  # 50 is where the numbers begin anew
        at = (frame + 0.5) / FRAMES
        want = (LATER + frame) % 2**BITS
        assert await page.evaluate(SHOW, {"bytes": numbered, "at": at, "want": want}) == want


async def test_a_picture_without_marks_has_no_number(
    new_page: NewPage, ts_vod: Path, ffmpeg: str, tmp_path: Path
) -> None:
    file = tmp_path / "plain.mp4"
    command = [ffmpeg, "-nostdin", "-loglevel", "error", "-i", str(ts_vod / "index.m3u8"), "-c", "copy"]
    subprocess.run([*command, "-an", str(file)], check=True, timeout=100)
    page = await new_page()
    await page.add_init_script(PROBE)
    await page.goto("about:blank")
    plain = base64.b64encode(file.read_bytes()).decode()
    assert await page.evaluate(SHOW, {"bytes": plain, "at": 1.0}) is None


async def test_bytes_of_peer_connections_count_also_once_they_are_closed(new_page: NewPage) -> None:
    page = await new_page()
    await page.add_init_script(PROBE)
    await page.goto("about:blank")
    before, after = await page.evaluate(EXCHANGE, 500_000)
    assert before["connections"] == after["connections"] == 2
    for sample in (before, after):
        assert 500_000 < sample["sent"] < 1_000_000
        assert 500_000 < sample["received"] < 1_000_000
