"""A page that publishes by WHIP: a canvas that moves and a tone."""

from __future__ import annotations

from typing import Any

from playwright.async_api import Page

PUBLISH = """
async ({ url, key, codec, width, height, audio, video }) => {
  const pc = window.pc = new RTCPeerConnection({ bundlePolicy: 'max-bundle' })
  const stream = new MediaStream()
  if (video) {
    const canvas = window.canvas = Object.assign(document.createElement('canvas'), { width, height })
    const context = canvas.getContext('2d')
    let n = 0
    setInterval(() => {
      context.fillStyle = `hsl(${n++ % 360} 80% 50%)`
      context.fillRect(0, 0, canvas.width, canvas.height)
      context.fillStyle = '#fff'
      context.fillRect(n * 5 % canvas.width, 20, 40, 40)
    }, 50)
    stream.addTrack(canvas.captureStream(20).getVideoTracks()[0])
  }
  if (audio) {
    const sound = new AudioContext()
    const tone = sound.createOscillator()
    const out = sound.createMediaStreamDestination()
    tone.connect(out)
    tone.start()
    stream.addTrack(out.stream.getAudioTracks()[0])
  }
  for (const track of stream.getTracks()) {
    const way = pc.addTransceiver(track, { direction: 'sendonly', streams: [stream] })
    if (track.kind === 'video') {
      const all = RTCRtpSender.getCapabilities('video').codecs
      const wanted = all.filter(one => one.mimeType.toLowerCase() === 'video/' + codec)
      if (!wanted.length) return { status: 0 }
      way.setCodecPreferences([...wanted, ...all.filter(one => one.mimeType.endsWith('/rtx'))])
    }
  }
  await pc.setLocalDescription()
  const headers = { 'content-type': 'application/sdp', authorization: 'Bearer ' + key }
  const answer = await fetch(url, { method: 'POST', headers, body: pc.localDescription.sdp })
  const sdp = await answer.text()
  if (answer.status === 201) await pc.setRemoteDescription({ type: 'answer', sdp })
  window.session = answer.headers.get('location')
  return { status: answer.status, session: window.session, etag: answer.headers.get('etag') }
}
"""


async def publish(
    page: Page, url: str, key: str, *, codec: str = "vp8", audio: bool = True, video: bool = True
) -> Any:
    """``status`` (0: this browser cannot encode ``codec``), ``session``, ``etag``."""
    wish = {"url": url, "key": key, "codec": codec, "audio": audio, "video": video}
    return await page.evaluate(PUBLISH, {**wish, "width": 320, "height": 180})
