/**
 * What carries bytes. Each viewer has one line: an uplink that serves its peers in turn, piece by piece, and a
 * downlink that all it receives shares. Only the two ends of a transfer are looked at, never the whole net.
 *
 * Served in turn stands for the fair shares that as many SCTP associations get of one uplink; a piece
 * takes what it would at the uplink's full rate and then leaves the place to the next. An association alone is
 * no faster than its window a round trip, or than its losses allow.
 */

import { Drain } from '../../client/mesh/drain.js'

/** Headers of UDP, DTLS, SCTP and the frames in them, or of TCP and TLS. */
export const OVERHEAD = 1.06
/** Bytes of data in a packet. */
const MSS = 1150
/** What one association has under way at most, bytes: mesh/flow.js hands over no more ahead. */
const WINDOW = 256 << 10
/** Of one link's blocks, those that a cancel comes too late for: two answered (answering.js), two with SCTP (mesh/flow.js). */
const HANDED = 4
/** What TCP lets a browser have under way, bytes, and how much it begins with after a pause. */
const TCP_WINDOW = 1 << 20
const TCP_INITIAL = 14_600

/**
 * Bytes per ms that loss and round trip leave to one connection (Mathis et al. 1997).
 * @param {number} rtt ms @param {number} loss share of the packets @param {number} window bytes
 */
function ceiling (rtt, loss, window) {
  const byWindow = window / Math.max(1, rtt)
  return loss > 0 ? Math.min(byWindow, 1.22 * MSS / (Math.max(1, rtt) * Math.sqrt(loss))) : byWindow
}

/** @param {number} rtt ms @param {number} loss */
export const associationRate = (rtt, loss) => ceiling(rtt, loss, WINDOW)
/** @param {number} rtt ms @param {number} loss */
export const tcpRate = (rtt, loss) => ceiling(rtt, loss, TCP_WINDOW)

/** Round trips that TCP's slow start spends waiting before so many bytes have left the server. @param {number} bytes */
export const slowStart = bytes => Math.floor(Math.log2(1 + bytes / TCP_INITIAL))

export class Downlink {
  /** @param {number} rate bytes per ms */
  constructor (rate) {
    this.rate = rate
    this.freeAt = 0
  }

  /** When something that begins to come in so that it could all be here `at` is here. @param {number} bytes @param {number} at */
  take (bytes, at) {
    const takes = bytes * OVERHEAD / this.rate
    this.freeAt = Math.max(at, this.freeAt + takes)
    return this.freeAt
  }
}

/**
 * @typedef {object} Transfer
 * @property {number} bytes
 * @property {() => boolean} wanted whether the asker still lacks it
 * @property {(at: number) => void} sent all of it has left, and this long the network takes no less: `at`, ms
 */

/** One peer's queue at an uplink. */
class Flow {
  /** @param {number} ceiling bytes per ms */
  constructor (ceiling) {
    this.ceiling = ceiling
    this.nextAt = 0
    /** @type {Transfer[]} */
    this.queue = []
  }
}

export class Uplink {
  /** @param {import('./clock.js').Clock} clock @param {number} rate bytes per ms @param {(bytes: number, ms: number) => void} [onDrain] see Drain */
  constructor (clock, rate, onDrain = () => {}) {
    this.clock = clock
    this.rate = rate
    this.drain = new Drain(onDrain)
    /** @type {Map<object, Flow>} by link, in the order they take turns */
    this.flows = new Map()
    this.busy = false
    /** When what is under way has left, ms. */
    this.freeAt = 0
    this.bytes = 0
    /** Bytes asked for and not sent. */
    this.backlog = 0
  }

  /** @param {object} link @param {number} ceiling @param {Transfer} transfer */
  ask (link, ceiling, transfer) {
    let flow = this.flows.get(link)
    if (!flow) this.flows.set(link, flow = new Flow(ceiling))
    flow.queue.push(transfer)
    this.drain.look(this.unsent, this.clock.now)
    this.drain.handed(transfer.bytes)
    this.backlog += transfer.bytes
    if (!this.busy) this.#serve()
  }

  /** What waits or is on its way out, bytes. */
  get unsent () { return this.backlog + Math.max(0, this.freeAt - this.clock.now) * this.rate / OVERHEAD }

  /** @param {object} link */
  drop (link) {
    for (const transfer of this.flows.get(link)?.queue ?? []) this.#forget(transfer)
    this.flows.delete(link)
  }

  /** A request is taken back: what was not handed over is not sent. @param {object} link @param {Transfer} transfer */
  takeBack (link, transfer) {
    const queue = this.flows.get(link)?.queue ?? []
    const at = queue.indexOf(transfer)
    if (at < HANDED) return
    queue.splice(at, 1)
    this.#forget(transfer)
  }

  /** It is not sent. @param {Transfer} transfer */
  #forget ({ bytes }) {
    this.backlog -= bytes
    this.drain.handed(-bytes)
  }

  #serve () {
    const { now } = this.clock
    let wake = Infinity
    for (const [link, flow] of this.flows) {
      while (flow.queue.length > 0 && !(/** @type {Transfer} */ (flow.queue[0]).wanted())) this.#forget(/** @type {Transfer} */ (flow.queue.shift()))
      if (flow.queue.length === 0) {
        if (flow.nextAt <= now) this.flows.delete(link)
        continue
      }
      if (flow.nextAt > now) { wake = Math.min(wake, flow.nextAt); continue }
      const transfer = /** @type {Transfer} */ (flow.queue.shift())
      const bytes = transfer.bytes * OVERHEAD
      this.backlog -= transfer.bytes
      this.flows.delete(link) // to the end of the round
      this.flows.set(link, flow)
      flow.nextAt = now + bytes / Math.min(flow.ceiling, this.rate)
      this.bytes += transfer.bytes
      transfer.sent(flow.nextAt)
      wake = this.freeAt = now + bytes / this.rate
      break
    }
    this.busy = wake < Infinity
    if (this.busy) this.clock.after(wake - now, serve, this)
  }

  /** The piece under way has left. */
  next () {
    this.busy = false
    this.#serve()
  }
}

/** @param {Uplink} uplink */
function serve (uplink) { uplink.next() }
