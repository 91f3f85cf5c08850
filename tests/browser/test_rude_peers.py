"""Viewers that speak our channels rudely, in real Chromium: each costs the others nothing but itself."""

from __future__ import annotations

import pytest

from tests.browser.test_swarm import NewPage, stats, until, watch
from tests.conftest import Running

FRAMES = """
const frame = (type, label, payload) => {
  const bytes = new Uint8Array(9 + payload.length)
  const view = new DataView(bytes.buffer)
  view.setUint8(0, type)
  view.setUint32(1, label)
  view.setUint32(5, payload.length)
  bytes.set(payload, 9)
  return bytes
}
const framesOf = bytes => {
  const frames = []
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  for (let at = 0; at < bytes.length; at += 9 + view.getUint32(at + 5)) {
    const end = at + 9 + view.getUint32(at + 5)
    frames.push({ type: bytes[at], label: view.getUint32(at + 1), payload: bytes.subarray(at + 9, end) })
  }
  return frames
}
"""
"""The wire channel's messages, as client/mesh/frames.js has them."""

RUDE = """
@FRAMES@
const deeds = {
  // Something that is no frame.
  garbage: ({ wire }) => wire(crypto.getRandomValues(new Uint8Array(100))),
  // A control message of more than any of ours.
  huge: ({ control }) => control('x'.repeat(200000)),
  // Claims about segments that nobody listed, without end.
  claims: ({ control }) => {
    for (let i = 0; i < 3000; i++) {
      const id = i.toString(16).padStart(40, '0')
      control(JSON.stringify({ t: 'have', id, n: 64, bits: 'f'.repeat(16) }))
    }
  },
  // Thousands of streams.
  streams: ({ wire, frame }) => {
    for (let i = 0; i < 3000; i++) wire(frame(0, 1000000 + i, crypto.getRandomValues(new Uint8Array(20))))
  },
  // The first piece of a segment, asked for by the thousand on a stream that is open.
  requests: ({ wire, frame, labels }) => {
    const asks = new Uint8Array(17 * 200)
    const view = new DataView(asks.buffer)
    for (let at = 0; at < asks.length; at += 17) {
      view.setUint32(at, 13)
      asks[at + 4] = 6
      view.setUint32(at + 13, 16384)
    }
    for (const label of [...labels].slice(-4)) for (let i = 0; i < 5; i++) wire(frame(1, label, asks))
  },
  // Data for streams that are not there.
  stray: ({ wire, frame }) => { for (let i = 0; i < 400; i++) wire(frame(1, 999999, new Uint8Array(4000))) },
  // A channel that was not agreed on.
  channel: ({ open }) => open('mine')
}

const create = RTCPeerConnection.prototype.createDataChannel
const send = RTCDataChannel.prototype.send
window.dropped = 0
RTCPeerConnection.prototype.createDataChannel = function (name, options) {
  const channel = create.call(this, name, options)
  channel.labels = new Set()
  this[name] = channel
  channel.addEventListener('close', () => { window.dropped += 1 })
  if (name !== 'wire') return channel
  const open = label => create.call(this, label)
  // Again and again: some deeds need a stream that is open just then.
  channel.addEventListener('open', () => {
    const timer = setInterval(() => {
      if (channel.readyState !== 'open') return clearInterval(timer)
      const on = target => data => { try { send.call(target, data) } catch { /* dropped, or full */ } }
      deeds['@DEED@']({ wire: on(channel), control: on(this.control), labels: channel.labels, frame, open })
    }, 500)
  })
  return channel
}
RTCDataChannel.prototype.send = function (data) {
  if (this.label === 'wire') {
    for (const { type, label } of framesOf(data)) if (type === 0) this.labels.add(label)
  }
  return send.call(this, data)
}
""".replace("@FRAMES@", FRAMES)

MUTE = """
@FRAMES@
const send = RTCDataChannel.prototype.send
const mute = new Set()
RTCDataChannel.prototype.send = function (data) {
  if (this.label !== 'wire') return send.call(this, data)
  // Takes requests and sends no block: from the first long frame on, nothing more on that stream.
  for (const { type, label, payload } of framesOf(data)) {
    if (type === 1 && payload.length > 4000) mute.add(label)
    if (mute.has(label)) window.kept = (window.kept ?? 0) + 1
    else send.call(this, frame(type, label, payload))
  }
}
""".replace("@FRAMES@", FRAMES)


@pytest.mark.parametrize("deed", ["garbage", "huge", "claims", "streams", "requests", "stray", "channel"])
async def test_a_rude_peer_is_dropped_and_the_viewer_plays_on(
    live: Running, new_page: NewPage, deed: str
) -> None:
    rude = await new_page()
    await rude.add_init_script(RUDE.replace("@DEED@", deed))
    await watch(rude, live)
    victim = await watch(await new_page(), live)
    await until(rude, "window.dropped > 0", f"the victim dropping it ({deed})")
    at = await victim.evaluate("document.querySelector('video').currentTime")
    snapshot = await until(victim, f"s.peers === 0 && v.currentTime > {at} + 4", "playing on")
    assert snapshot["stalls"] == 0


async def test_a_peer_that_takes_requests_and_sends_nothing_costs_no_stall_and_is_dropped(
    live: Running, new_page: NewPage
) -> None:
    rude = await new_page()
    await rude.add_init_script(MUTE)
    await watch(rude, live)
    victim = await watch(await new_page(), live)
    await until(rude, "window.kept > 0", "being asked")
    await until(victim, "s.peers === 0 && played > 8", "dropping it")
    told = await stats(victim)
    assert told["stalls"] == 0
    assert told["bytesFromPeers"] == 0
