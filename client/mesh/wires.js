/**
 * The sub-streams of one link: duplex streams, one per segment torrent, that webtorrent takes as peers
 * (`torrent.addPeer(stream)`). They share the link's `wire` channel fairly: what
 * they have to say in one turn goes into as few messages as hold it.
 */

import { Duplex } from 'streamx'
import { fromHex, hex } from '../bytes.js'
import { Allowance } from './allowance.js'
import { Flow } from './flow.js'
import { CLOSE, DATA, HEADER, Message, OPEN, readFrames } from './frames.js'
import { soon } from './soon.js'

/** A piece's `have` waits so long for others, ms: a tenth of what relaying a segment takes. */
const LATER = 25
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
    /** @type {Uint8Array[]} unsent, in order; `unsent` bytes, bounded by who writes (answering.js) */
    this.queue = []
    this.unsent = 0
    /** Bytes taken of it so far, and who wants to know when that are more. */
    this.taken = 0
    this.onTaken = () => {}
    this.on('error', () => {}) // a link that goes down is no news here: 'close' follows
  }

  /** @param {Uint8Array} bytes @param {(error?: Error | null) => void} done */
  _write (bytes, done) {
    if (bytes.length > 0) this.queue.push(bytes)
    this.unsent += bytes.length
    done(null)
    if (isHave(bytes)) this.wires.pumpLater()
    else this.wires.pumpSoon()
  }

  /**
   * What is to be sent next.
   * @param {number} most bytes
   */
  take (most) {
    const parts = []
    let length = 0
    for (let first = this.queue[0]; first && length < most; first = this.queue[0]) {
      const part = first.subarray(0, most - length)
      if (part.length === first.length) this.queue.shift()
      else this.queue[0] = first.subarray(part.length)
      parts.push(part)
      length += part.length
    }
    this.unsent -= length
    this.taken += length
    this.onTaken()
    return parts
  }

  /** @param {() => void} done */
  _destroy (done) {
    this.queue = []
    this.unsent = 0
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
   * @param {() => number} rtt ms; 0 when not known
   * @param {import('./outlet.js').Outlet} outlet
   */
  constructor (channel, peer, onOffer, onAbuse, rtt, outlet) {
    this.channel = channel
    this.peer = peer
    this.rtt = rtt
    this.outlet = outlet
    /** Bytes of torrents the peer sent, and was sent. */
    this.gave = 0
    this.got = 0
    this.onOffer = onOffer
    this.onAbuse = onAbuse
    this.nextLabel = 1
    this.gone = false
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.later = undefined
    /** @type {{ type: number, label: number, payload: Uint8Array[] }[]} unsent openings and closings: a few per stream */
    this.notes = []
    /** @type {Map<string, Substream>} by infohash, in the order they take turns */
    this.streams = new Map()
    /** @type {Map<number, string>} the peer's labels */
    this.labels = new Map()
    /** @type {Map<string, Uint8Array[]>} opened by the peer, not by us yet */
    this.early = new Map()
    this.flow = new Flow()
    this.opens = new Allowance(OPENS[0], OPENS[1])
    this.stray = new Allowance(STRAY[0], STRAY[1])
    channel.binaryType = 'arraybuffer'
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
    this.#note(OPEN, stream.label, fromHex(infohash))
    const early = this.early.get(infohash)
    this.early.delete(infohash)
    // After webtorrent has attached its listeners.
    if (early?.length) queueMicrotask(() => { for (const bytes of early) if (!stream.destroyed) stream.push(bytes) })
    return stream
  }

  /** Bytes handed to SCTP that have yet to leave; NaN: they never will. */
  get unsent () { return this.gone ? NaN : this.channel.bufferedAmount }

  /** @param {string} infohash */
  offered (infohash) { return this.early.has(infohash) }

  /** @param {Substream} stream */
  closed (stream) {
    if (this.streams.get(stream.infohash) !== stream) return
    this.streams.delete(stream.infohash)
    this.#note(CLOSE, stream.label)
  }

  close () {
    this.gone = true
    clearTimeout(this.later)
    this.outlet.leave(this)
    for (const stream of [...this.streams.values()]) stream.destroy()
    this.early.clear()
    this.labels.clear()
  }

  /** Send what is there once this turn of the event loop has said it all. */
  pumpSoon () { soon(this, () => this.pump()) }

  /** Send what is there with the next message, or a little later: pieces come in quick succession. */
  pumpLater () {
    this.later ??= setTimeout(() => this.pump(), LATER)
  }

  /** Hand messages to the channel, each stream in its turn, as far ahead as its line needs. */
  pump () {
    const { channel, flow } = this
    const rtt = this.rtt()
    clearTimeout(this.later)
    this.later = undefined
    flow.look(channel.bufferedAmount, rtt, performance.now())
    channel.bufferedAmountLowThreshold = flow.most / 2
    for (let most = flow.message(rtt); channel.readyState === 'open' && most > 0; most = flow.message(rtt)) {
      const size = Math.min(most, this.#waiting())
      if (size === 0) return this.outlet.leave(this)
      if (!this.outlet.may(this, size)) return
      const message = this.#next(size)
      this.got += message.length
      flow.handed(message.length)
      try { channel.send(message) } catch { return /* closing: the link's own events tell */ }
    }
  }

  /** How much there is to say, frames and all, bytes. */
  #waiting () {
    let size = (HEADER + 20) * this.notes.length
    for (const stream of this.streams.values()) if (stream.unsent > 0) size += HEADER + stream.unsent
    return size
  }

  /** @param {number} size bytes at most @returns {Uint8Array<ArrayBuffer>} */
  #next (size) {
    const message = new Message(size)
    while (message.room >= 20) {
      const note = this.notes.shift()
      if (!note) break
      message.add(note.type, note.label, ...note.payload)
    }
    if (this.notes.length > 0) return message.filled // what an opening announces may not come before it
    for (const [infohash, stream] of [...this.streams]) {
      if (message.room < 1) break
      if (stream.unsent === 0) continue
      this.streams.delete(infohash) // to the end of the round
      this.streams.set(infohash, stream)
      message.add(DATA, stream.label, ...stream.take(message.room))
    }
    return message.filled
  }

  /** @param {number} type @param {number} label @param {Uint8Array[]} payload */
  #note (type, label, ...payload) {
    if (this.gone) return
    this.notes.push({ type, label, payload })
    this.pumpSoon()
  }

  /** @param {unknown} message */
  #onMessage (message) {
    const frames = message instanceof ArrayBuffer ? readFrames(message) : null
    if (!frames) return this.onAbuse('sent something that is no frame')
    for (const frame of frames) {
      if (this.gone) return
      this.#onFrame(frame)
    }
  }

  /** @param {import('./frames.js').Frame} frame */
  #onFrame ({ type, label, payload }) {
    const now = performance.now()
    if (type === OPEN) return this.#onOpen(label, hex(payload), now)
    const infohash = this.labels.get(label)
    const cost = Math.max(FRAME_COST, HEADER + payload.length)
    const stream = infohash === undefined ? undefined : this.streams.get(infohash)
    if (!stream && !this.stray.take(cost, now)) return this.onAbuse('sends what nobody asked for')
    if (infohash === undefined) return // its stream is gone on our side
    if (type === CLOSE) {
      this.labels.delete(label)
      this.early.delete(infohash)
      stream?.destroy()
    } else if (stream) {
      stream.limit -= cost
      this.gave += payload.length
      if (stream.limit < 0) this.onAbuse('sent more than a segment')
      else if (payload.length > 0) stream.push(payload)
    } else {
      const early = this.early.get(infohash)
      if (!early || payload.length === 0) return
      early.push(payload)
      if (early.reduce((sum, bytes) => sum + bytes.length, 0) > MAX_EARLY_BYTES) this.onAbuse('sent data for a stream that is not open')
    }
  }

  /** @param {number} label @param {string} infohash @param {number} now */
  #onOpen (label, infohash, now) {
    if (!this.opens.take(1, now)) return this.onAbuse('opens streams without end')
    this.labels.set(label, infohash)
    if (this.labels.size > 4 * MAX_EARLY_STREAMS) return this.onAbuse('opened too many streams')
    if (this.streams.has(infohash)) return
    this.early.set(infohash, [])
    for (const old of this.early.keys()) {
      if (this.early.size <= MAX_EARLY_STREAMS) break
      this.early.delete(old)
    }
    this.onOffer(infohash)
  }
}

/** BEP 3's `have`: length 5, id 4, index. @param {Uint8Array} bytes one message of webtorrent's */
function isHave (bytes) {
  return bytes.length === 9 && bytes[3] === 5 && bytes[4] === 4
}
