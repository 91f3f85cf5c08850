"""What is put into a page before ours, so that its viewer misbehaves towards others; each is JavaScript."""

from __future__ import annotations

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
RTCPeerConnection.prototype.createDataChannel = function (name, options) {
  const channel = create.call(this, name, options)
  channel.labels = new Set()
  this[name] = channel
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

TAMPER = """
@FRAMES@
const send = RTCDataChannel.prototype.send
// The last byte of each block is inverted; all else of the wire protocol (BEP 3) is as it should be.
const spoil = (stream, bytes) => {
  for (let i = 0; i < bytes.length; i++) {
    if (stream.left > 0) {
      if (--stream.left === 0 && stream.block) {
        bytes[i] ^= 255
        window.tampered = (window.tampered ?? 0) + 1
      }
      continue
    }
    stream.head.push(bytes[i])
    if (stream.head.length === 4 && stream.head.every(byte => byte === 0)) stream.head = []
    if (stream.head.length < 5) continue
    const [a, b, c, d, id] = stream.head
    Object.assign(stream, { left: ((a << 24) | (b << 16) | (c << 8) | d) - 1, block: id === 7, head: [] })
  }
}
RTCDataChannel.prototype.send = function (data) {
  if (this.label !== 'wire') return send.call(this, data)
  this.streams ??= new Map()
  data = data.slice()
  for (const { type, label, payload } of framesOf(data)) {
    if (type === 0) this.streams.set(label, { left: 68, block: false, head: [] })
    else if (type === 1) spoil(this.streams.get(label), payload)
  }
  return send.call(this, data)
}
""".replace("@FRAMES@", FRAMES)

SLOW = """
// @RATE@ KB/s on the wire channel, as a full uplink looks to its sender: what is not sent yet is buffered.
const send = RTCDataChannel.prototype.send
const buffered = Object.getOwnPropertyDescriptor(RTCDataChannel.prototype, 'bufferedAmount').get
Object.defineProperty(RTCDataChannel.prototype, 'bufferedAmount', {
  get () { return buffered.call(this) + (this.backlog ?? 0) }
})
RTCDataChannel.prototype.send = function (data) {
  if (this.label !== 'wire') return send.call(this, data)
  this.backlog = (this.backlog ?? 0) + data.byteLength
  const bytes = data.slice()
  this.turn = (this.turn ?? Promise.resolve()).then(async () => {
    await new Promise(resolve => setTimeout(resolve, bytes.byteLength / @RATE@))
    window.trickled = (window.trickled ?? 0) + bytes.byteLength
    this.backlog -= bytes.byteLength
    if (this.readyState === 'open') send.call(this, bytes)
    this.dispatchEvent(new Event('bufferedamountlow'))
  })
}
"""
