/**
 * How fast one peer sends while it is asked, and how many blocks (BEP 3: 16 KiB) to have requested of it at a time, over
 * all segments: what is on the way in a round trip and a half at its rate. Fewer would leave its line idle; more would
 * keep blocks from other peers who could send them sooner, and load the first one to have a segment with all of it.
 *
 * Blocks that take much longer than a round trip queue at the peer's uplink, behind what others asked: such a peer is
 * asked for less, down to a block now and then, so that those with room are asked instead. As LEDBAT (RFC 6817)
 * does it: towards a queueing delay, up by a block a round, down by as much as the delay exceeds it. Pure.
 */

export const BLOCK = 16384
/** Until it is known, bytes per ms: 20 Mbit/s. */
const RATE = 2500
/** A round trip takes at least as long as two busy pages' event loops, ms. */
const RTT_MIN = 10
/** Until it is known, ms. */
const RTT = 60
const DEPTH_MIN = 3
/** A segment of a second at 4 Mbit/s: a peer that vanishes takes no more with it. */
const DEPTH_MAX = 32
/** How much makes a sample: shorter ones measure the event loop, bytes. */
const SAMPLE = 4 * BLOCK
/** Queueing to aim at, ms: with half of it uplinks ran idle in simulated swarms, with twice as much they were no busier. */
const QUEUE = 200
/** Of a peer nothing is known of, blocks: with one more good answer, what its rate allows. */
const WINDOW = 4
/** A block in eight rounds: who is that slow is asked only to find out when it is faster. */
const WINDOW_MIN = 1 / 8

export class Pace {
  constructor () {
    /** bytes per ms */
    this.rate = RATE
    /** Blocks asked for and neither here nor given up. */
    this.open = 0
    this.at = 0
    this.bytes = 0
    this.ms = 0
    /** Blocks that the peer's queue leaves room for; less than one: a block in so many rounds. */
    this.window = WINDOW
    this.askedAt = -Infinity
    /** What was asked before this has had its effect on the window, ms. */
    this.cutAt = -Infinity
  }

  /** A block was requested. @param {number} now ms */
  asked (now) {
    if (this.open === 0) this.at = now
    this.open += 1
    this.askedAt = now
  }

  /** One came. @param {number} bytes @param {number} now ms @param {number} askedAt ms @param {number} rtt ms; 0: not known */
  got (bytes, now, askedAt, rtt) {
    if (this.open === 0) return // not asked for, or after it was given up
    this.open -= 1
    this.#took(now, askedAt, rtt)
    this.bytes += bytes
    this.ms += now - this.at
    this.at = now
    if (this.bytes < SAMPLE) return
    this.rate += 0.3 * (this.bytes / Math.max(1, this.ms) - this.rate)
    this.bytes = this.ms = 0
  }

  /** One will not come any more, or is not waited for. @param {number} now ms @param {number} askedAt ms @param {number} rtt ms; 0: not known */
  lost (now, askedAt, rtt) {
    this.open = Math.max(0, this.open - 1)
    // It would have taken longer still; of one given up early nothing is known.
    if (now - askedAt > turn(rtt) + QUEUE) this.#took(now, askedAt, rtt)
  }

  /** @param {number} now @param {number} askedAt @param {number} rtt */
  #took (now, askedAt, rtt) {
    const queue = now - askedAt - turn(rtt)
    if (queue <= QUEUE) {
      this.window = Math.min(DEPTH_MAX, this.window + (1 - queue / QUEUE) / Math.max(1, this.window))
    } else if (askedAt >= this.cutAt) {
      this.window = Math.max(WINDOW_MIN, this.window * Math.max(1 / 2, QUEUE / queue))
      this.cutAt = now
    }
  }

  /** Blocks to have in flight, over all segments. @param {number} rtt ms; 0: not known @param {number} now ms */
  depth (rtt, now) {
    if (this.window < 1) return now - this.askedAt >= (turn(rtt) + QUEUE) / this.window ? 1 : 0
    const most = Math.max(DEPTH_MIN, Math.ceil(1.5 * this.rate * turn(rtt) / BLOCK) + 1)
    return Math.min(DEPTH_MAX, most, Math.round(this.window))
  }
}

/** Whether a block has taken so long that another peer may well send it sooner. @param {number} askedAt ms @param {number} rtt ms; 0: not known @param {number} now ms */
export const overdue = (askedAt, rtt, now) => now - askedAt > turn(rtt) + 2 * QUEUE

/** @param {number} rtt ms; 0: not known */
function turn (rtt) { return Math.max(RTT_MIN, rtt || RTT) }
