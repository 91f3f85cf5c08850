/**
 * How fast one peer sends while it is asked, and how many blocks (BEP 3: 16 KiB) to have requested of it at a time:
 * what is on the way in a round trip and a half at its rate. Fewer would leave its line idle; more would keep blocks
 * from other peers who could send them sooner, and load the first one to have a segment with all of it. Pure.
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

export class Pace {
  constructor () {
    /** bytes per ms */
    this.rate = RATE
    /** Blocks asked for and neither here nor given up. */
    this.open = 0
    this.at = 0
    this.bytes = 0
    this.ms = 0
  }

  /** A block was requested. @param {number} now ms */
  asked (now) {
    if (this.open === 0) this.at = now
    this.open += 1
  }

  /** One came. @param {number} bytes @param {number} now ms */
  got (bytes, now) {
    if (this.open === 0) return // not asked for, or after it was given up
    this.open -= 1
    this.bytes += bytes
    this.ms += now - this.at
    this.at = now
    if (this.bytes < SAMPLE) return
    this.rate += 0.3 * (this.bytes / Math.max(1, this.ms) - this.rate)
    this.bytes = this.ms = 0
  }

  /** So many will not come any more. @param {number} blocks */
  lost (blocks) { this.open = Math.max(0, this.open - blocks) }

  /** Blocks to have in flight. @param {number} rtt ms; 0: not known */
  depth (rtt) {
    const turn = Math.max(RTT_MIN, rtt || RTT)
    return Math.min(DEPTH_MAX, Math.max(DEPTH_MIN, Math.ceil(1.5 * this.rate * turn / BLOCK) + 1))
  }
}
