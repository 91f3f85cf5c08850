/**
 * The sub-streams of one link: duplex streams, one per segment torrent, that webtorrent takes as peers
 * (`torrent.addPeer(stream)`). Frames from all of them share the link's `wire` channel fairly, and a
 * stream's writer waits while the channel's buffer is full.
 */

import { Duplex } from 'streamx'
import { hex } from '../metainfo.js'
import { Allowance } from './allowance.js'
import { CLOSE, DATA, HEADER, MAX_FRAME, OPEN, frame, readFrame } from './frames.js'

/** Bytes handed to SCTP ahead of the network: about RTT 100 ms × 20 Mbit/s. */
const BUFFER_HIGH = 256 << 10
const BUFFER_LOW = 128 << 10
/** A peer may open a segment before we have seen it listed: its handshake waits here, a window's worth. */
const MAX_EARLY_STREAMS = 64
const MAX_EARLY_BYTES = 4096
/** Streams a peer may open: all that both may hold at once, then what three variants of 1 s segments need, a second. */
const OPENS = [128, 8]
/** Bytes for streams that are gone here: what was under way when they closed; then a flood, bytes (a second). */
const STRAY = [4 << 20, 256 << 10]
/** Small and empty frames cost us no less than this many bytes would. */
const FRAME_COST = 64

/** One sub-stream. webtorrent needs `.id` (it also de-duplicates) and `.connected`. */
export class Substream extends Duplex {
  /**
   * @param {Wires} wires @param {string} infohash @param {number} label @param {string} peer
   * @param {number} limit bytes the peer may send in all: a segment, its overhead and some waste
   */
  constructor (wires, infohash, label, peer, limit) {
    super()
    this.id = peer
    this.connected = true
    this.wires = wires
    this.infohash = infohash
    this.label = label
    this.limit = limit
    /** @type {{ bytes: Uint8Array, done: (error?: Error | null) => void, at: number } | null} */
    this.writing = null
    this.on('error', () => {}) // a link that goes down is no news here: 'close' follows
  }

  /** @param {Uint8Array} bytes @param {(error?: Error | null) => void} done */
  _write (bytes, done) {
    this.writing = { bytes, done, at: 0 }
    this.wires.pump()
  }

  /** @param {() => void} done */
  _destroy (done) {
    this.writing = null
    this.connected = false
    this.wires.closed(this)
    done()
  }
}

export class Wires {
  /**
   * @param {RTCDataChannel} channel
   * @param {string} peer
   * @param {(infohash: string) => void} onOffer the peer opened a stream we have not
   * @param {(reason: string) => void} onAbuse
   */
  constructor (channel, peer, onOffer, onAbuse) {
    this.channel = channel
    this.peer = peer
    this.onOffer = onOffer
    this.onAbuse = onAbuse
    this.nextLabel = 1
    /** @type {Map<string, Substream>} by infohash, in the order they take turns */
    this.streams = new Map()
    /** @type {Map<number, string>} the peer's labels */
    this.labels = new Map()
    /** @type {Map<string, Uint8Array[]>} opened by the peer, not by us yet */
    this.early = new Map()
    this.opens = new Allowance(OPENS[0], OPENS[1])
    this.stray = new Allowance(STRAY[0], STRAY[1])
    channel.binaryType = 'arraybuffer'
    channel.bufferedAmountLowThreshold = BUFFER_LOW
    channel.addEventListener('bufferedamountlow', () => this.pump())
    channel.addEventListener('message', event => this.#onMessage(event.data))
  }

  /**
   * Open our side of a segment's stream.
   * @param {string} infohash
   * @param {number} limit see Substream
   * @returns {Substream | null} null when it is open already or the channel is not
   */
  open (infohash, limit) {
    if (this.streams.has(infohash) || this.channel.readyState !== 'open') return null
    const stream = new Substream(this, infohash, this.nextLabel++, this.peer, limit)
    this.streams.set(infohash, stream)
    this.#send(frame(OPEN, stream.label, fromHex(infohash)))
    const early = this.early.get(infohash)
    this.early.delete(infohash)
    // After webtorrent has attached its listeners.
    if (early?.length) queueMicrotask(() => { for (const bytes of early) if (!stream.destroyed) stream.push(bytes) })
    return stream
  }

  /** @param {string} infohash */
  offered (infohash) { return this.early.has(infohash) }

  /** @param {Substream} stream */
  closed (stream) {
    if (this.streams.get(stream.infohash) !== stream) return
    this.streams.delete(stream.infohash)
    this.#send(frame(CLOSE, stream.label))
  }

  close () {
    for (const stream of [...this.streams.values()]) stream.destroy()
    this.early.clear()
    this.labels.clear()
  }

  /** Hand frames to the channel, a frame of each stream in turn, until its buffer is full. */
  pump () {
    const { channel } = this
    let idle = 0
    while (idle < this.streams.size && channel.readyState === 'open' && channel.bufferedAmount < BUFFER_HIGH) {
      const [infohash, stream] = /** @type {[string, Substream]} */ (this.streams.entries().next().value)
      this.streams.delete(infohash) // to the end of the round
      this.streams.set(infohash, stream)
      const { writing } = stream
      if (!writing) { idle += 1; continue }
      idle = 0
      const end = Math.min(writing.bytes.length, writing.at + MAX_FRAME - HEADER)
      this.#send(frame(DATA, stream.label, writing.bytes.subarray(writing.at, end)))
      writing.at = end
      if (end === writing.bytes.length) {
        stream.writing = null
        writing.done(null)
      }
    }
  }

  /** @param {Uint8Array<ArrayBuffer>} bytes */
  #send (bytes) {
    if (this.channel.readyState !== 'open') return
    try { this.channel.send(bytes) } catch { /* closing: the link's own events tell */ }
  }

  /** @param {unknown} message */
  #onMessage (message) {
    const read = message instanceof ArrayBuffer ? readFrame(message) : null
    if (!read || !(message instanceof ArrayBuffer)) return this.onAbuse('sent something that is no frame')
    const { type, label, payload } = read
    const now = performance.now()
    if (type === OPEN) {
      const infohash = hex(payload)
      if (!this.opens.take(1, now)) return this.onAbuse('opens streams without end')
      this.labels.set(label, infohash)
      if (this.labels.size > 4 * MAX_EARLY_STREAMS) return this.onAbuse('opened too many streams')
      if (this.streams.has(infohash)) return
      this.early.set(infohash, [])
      for (const old of this.early.keys()) {
        if (this.early.size <= MAX_EARLY_STREAMS) break
        this.early.delete(old)
      }
      return this.onOffer(infohash)
    }
    const infohash = this.labels.get(label)
    const cost = Math.max(FRAME_COST, message.byteLength)
    const stream = infohash === undefined ? undefined : this.streams.get(infohash)
    if (!stream && !this.stray.take(cost, now)) return this.onAbuse('sends what nobody asked for')
    if (infohash === undefined) return // its stream is gone on our side
    if (type === CLOSE) {
      this.labels.delete(label)
      this.early.delete(infohash)
      stream?.destroy()
    } else if (stream) {
      stream.limit -= cost
      if (stream.limit < 0) this.onAbuse('sent more than a segment')
      else stream.push(payload)
    } else {
      const early = this.early.get(infohash)
      if (!early || payload.length === 0) return
      early.push(payload)
      if (early.reduce((sum, bytes) => sum + bytes.length, 0) > MAX_EARLY_BYTES) this.onAbuse('sent data for a stream that is not open')
    }
  }
}

/** @param {string} text */
function fromHex (text) {
  return Uint8Array.from({ length: text.length / 2 }, (_, i) => Number.parseInt(text.slice(2 * i, 2 * i + 2), 16))
}
