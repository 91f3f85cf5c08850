"""What a real browser's recorder makes, of each kind that it can, and how it gets here."""

from __future__ import annotations

import asyncio
import base64
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import pytest

from seeder.publish.browser.media import Media
from tests.conftest import NewPage
from tests.publish.studio import studio

STREAM = """
() => {
  const canvas = Object.assign(document.createElement('canvas'), { width: 160, height: 96 })
  const context = canvas.getContext('2d')
  let n = 0
  setInterval(() => {
    context.fillStyle = `hsl(${n++ * 7 % 360} 80% 50%)`
    context.fillRect(0, 0, canvas.width, canvas.height)
  }, 50)
  const sound = new AudioContext()
  const tone = sound.createOscillator()
  const out = sound.createMediaStreamDestination()
  tone.connect(out)
  tone.start()
  window.both = new MediaStream([...canvas.captureStream(20).getTracks(), ...out.stream.getTracks()])
}
"""
RECORD = """
async milliseconds => {
  const pictures = ['vp8', 'vp9', 'av01.0.04M.08', 'avc1.42E01E', 'avc3.42E01E', 'hvc1.1.6.L93.B0']
  const wanted = [
    ...['webm', 'mp4'].flatMap(type => ['opus', 'mp4a.40.2'].flatMap(
      sound => pictures.map(picture => `video/${type};codecs=${picture},${sound}`))),
    'video/webm', 'video/x-matroska;codecs=avc1,pcm', 'video/mp4', 'audio/webm', 'audio/mp4', 'audio/ogg'
  ]
  const made = {}
  for (const mimeType of wanted.filter(type => MediaRecorder.isTypeSupported(type))) {
    const tracks = both.getTracks().filter(track => track.kind === 'audio' || mimeType.startsWith('video'))
    const options = { mimeType, videoBitsPerSecond: 100_000, videoKeyFrameIntervalDuration: 500 }
    const recorder = new MediaRecorder(new MediaStream(tracks), options)
    const parts = []
    let size = 0
    made[mimeType] = new Promise(done => { recorder.onstop = () => done(new Blob(parts)) })
    const begun = performance.now()
    recorder.ondataavailable = ({ data }) => {
      parts.push(data)
      size += data.size
      const enough = size > 20_000 && performance.now() - begun > milliseconds
      if (enough && recorder.state !== 'inactive') recorder.stop()
    }
    recorder.start(100)
  }
  const found = {}
  for (const [type, blob] of Object.entries(made)) {
    const bytes = new Uint8Array(await (await blob).arrayBuffer())
    found[type] = btoa(bytes.reduce((text, byte) => text + String.fromCharCode(byte), ''))
  }
  return found
}
"""
PUBLISH = """
async ({ url, key, mimeType }) => {
  const socket = new WebSocket(url)
  const heard = window.heard = []
  socket.onmessage = ({ data }) => heard.push(JSON.parse(data))
  socket.onclose = ({ code }) => heard.push({ type: 'close', code })
  await new Promise((ok, no) => { socket.onopen = ok; socket.onerror = no })
  const options = { mimeType, videoKeyFrameIntervalDuration: 1000 }
  const recorder = window.recorder = new MediaRecorder(both, options)
  socket.send(JSON.stringify({ type: 'start', key, mime: recorder.mimeType }))
  recorder.ondataavailable = ({ data }) => socket.send(data)
  recorder.onstop = () => socket.send(JSON.stringify({ type: 'stop' }))
  recorder.start(100)
}
"""


async def frames(data: bytes) -> tuple[int, str]:
    """How many ffmpeg decodes, and what it complains of."""
    process = await asyncio.create_subprocess_exec(
        *(imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-v", "warning", "-f", "matroska", "-i", "pipe:0"),
        *("-fps_mode", "passthrough", "-f", "framecrc", "-"),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, said = await process.communicate(data)
    return sum(not line.startswith(b"#") for line in out.splitlines()), said.decode()


async def test_every_kind_of_file_that_its_recorder_makes_is_read(new_page: NewPage, tmp_path: Path) -> None:
    async with studio(tmp_path) as here:
        page = await new_page()
        await page.goto(f"{here.running.bound.url}/")
        await page.evaluate(STREAM)
        recorded: dict[str, str] = await page.evaluate(RECORD, 1700)
    assert {kind.partition(";")[0] for kind in recorded} >= {"video/webm", "video/mp4", "audio/webm"}
    for kind, coded in recorded.items():
        data, media = base64.b64decode(coded), Media(1.0)
        chunks = []
        for at in range(0, len(data), 1000):
            chunks += media.feed(data[at : at + 1000], at / len(data))
        chunks += media.finish(2.0)
        (first,) = (chunk for chunk in chunks if chunk.head is not None)
        assert first.head is not None
        assert first.known is not None
        probe = first.known.probe
        assert (probe.video is not None) == kind.startswith("video"), kind
        assert probe.audio is not None, kind
        if probe.video is not None and probe.video.codec == "h264":
            assert probe.longest_gop is not None
            assert 0.3 < probe.longest_gop <= 1.5, kind
        count, said = await frames(first.head + b"".join(chunk.data for chunk in chunks))
        assert count > 20, (kind, said)
        assert "rror" not in said, (kind, said)
        assert "nvalid" not in said, (kind, said)


@pytest.mark.parametrize("secure", [False, True])
async def test_a_page_of_another_site_publishes(new_page: NewPage, tmp_path: Path, secure: bool) -> None:
    """Over TLS the WebSocket shares the page's connection of HTTP/2, where there is one."""
    async with studio(tmp_path, "browser", tls_self_signed=secure) as here:
        page = await new_page(ignore_https_errors=True, bypass_csp=True)
        # Over TLS from the site itself, for only there a connection can be shared.
        url = here.running.bound.url
        await page.goto(f"{url if secure else url.replace('127.0.0.1', 'localhost')}/")
        await page.evaluate(STREAM)
        types = ["video/x-matroska;codecs=avc1,opus", "video/webm;codecs=vp8,opus"]
        wanted: str = await page.evaluate(
            "all => all.find(type => MediaRecorder.isTypeSupported(type))", types
        )
        socket = f"{url.replace('http', 'ws')}/api/publish/garden"
        await page.evaluate(PUBLISH, {"url": socket, "key": here.key("garden"), "mimeType": wanted})
        await page.wait_for_function("heard.some(({ type }) => type === 'live')", timeout=90_000)
        await here.playing("garden", 2)
        mode: Any = await page.evaluate("heard.filter(({ type }) => type === 'state').at(-1).mode")
        assert mode == ("copy" if "avc1" in wanted else "encode")
        await page.evaluate("recorder.stop()")
        await page.wait_for_function("heard.at(-1).type === 'close'", timeout=90_000)
        heard: list[dict[str, Any]] = await page.evaluate("heard")
        assert [one["type"] for one in heard[-2:]] == ["ended", "close"]
        assert heard[-1]["code"] == 1000
        assert heard[-2]["segments"] >= 2
