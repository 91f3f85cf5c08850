/**
 * What all links upload through: the page's cap, and whose turn it is when that is short.
 */

import { order } from './cap.js'
import { Drain } from './drain.js'

/** Requests and the like always pass, bytes: they are what we download by. They count all the same. */
const SMALL = 1024
/** What goes out in one turn, bytes: four of BitTorrent's blocks, so that none is cut in pieces between others' turns. */
const TURN = 64 << 10

/**
 * @typedef {object} Sender a link's wires
 * @property {string} peer
 * @property {number} gave bytes it sent us
 * @property {number} got bytes we sent it
 * @property {number} unsent bytes handed to its channel that have yet to leave; NaN: its channel is gone, and they with it
 * @property {() => void} pump send what there is, asking `may` before each message
 */

export class Outlet {
  /**
   * @param {import('./cap.js').Cap} cap
   * @param {(bytes: number, ms: number) => void} [onDrain] so much left within so long, while more waited all the time
   * @param {() => number} [now] ms
   */
  constructor (cap, onDrain = () => {}, now = () => performance.now()) {
    this.cap = cap
    this.now = now
    this.drain = new Drain(onDrain)
    /** @type {Set<Sender>} whose channels may have something left */
    this.senders = new Set()
    /** @type {Set<Sender>} as many as links */
    this.waiting = new Set()
    /** Bytes sent in all. */
    this.sent = 0
    this.turns = 0
    /** @type {Sender | null} */
    this.turn = null
    this.left = 0
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined
  }

  /**
   * Ask to send a message. Who may not is pumped again when it is its turn.
   * @param {Sender} sender
   * @param {number} bytes
   */
  may (sender, bytes) {
    const now = this.now()
    const free = this.turn === sender ? this.left > 0 : this.waiting.size === 0
    if (bytes > SMALL && !(free && this.cap.waitMs(now) === 0)) {
      this.waiting.add(sender)
      this.#later(now)
      return false
    }
    this.drain.look(this.#left(), now)
    this.drain.handed(bytes)
    this.senders.add(sender)
    this.cap.take(bytes, now)
    this.sent += bytes
    if (this.turn === sender) this.left -= bytes
    return true
  }

  /** It is gone, or has nothing more to say. @param {Sender} sender */
  leave (sender) { this.waiting.delete(sender) }

  close () {
    clearTimeout(this.timer)
    this.waiting.clear()
  }

  /** Bytes that were handed over and have yet to leave. */
  #left () {
    let left = 0
    for (const sender of this.senders) {
      const { unsent } = sender
      left += unsent // a run in which some of it vanished measures nothing: NaN ends it
      if (!(unsent > 0)) this.senders.delete(sender)
    }
    return left || 0
  }

  /** @param {number} now */
  #later (now) {
    this.timer ??= setTimeout(() => {
      this.timer = undefined
      this.#serve()
    }, Math.max(1, this.cap.waitMs(now)))
  }

  #serve () {
    const senders = new Map([...this.waiting].map(sender => [sender.peer, sender]))
    const [first = ''] = order([...senders.values()], this.turns++)
    const sender = senders.get(first)
    if (!sender) return
    this.waiting.delete(sender)
    this.turn = sender
    this.left = TURN
    sender.pump()
    this.turn = null
    if (this.waiting.size > 0) this.#later(this.now())
  }
}
