/**
 * How much of what a link has to say is handed to SCTP ahead, and in messages of what size. Pure: the clock and what
 * the channel has not sent yet (RTCDataChannel's `bufferedAmount`) are passed in.
 *
 * What was handed over is sent even if the peer takes its request back (BEP 3's cancel), so it is what the line takes
 * in a moment and no more. SCTP answers each send, and each acknowledgement, with a burst of four packets at most (RFC
 * 9260 §6.1 D), so a message is one burst, for the rest of a longer one would wait a round trip. Where so much is under
 * way that acknowledgements come all the time, it is a block: in Chromium each message costs hops between threads on
 * both sides, a fifth of all the CPU that a segment takes there.
 */

import { isNear } from '../near.js'

/** A block of BitTorrent's with its header and a frame's, bytes. */
const BLOCK = (16 << 10) + 64
/** Four packets, bytes: a message of 4640 takes a round trip longer. */
const BURST = 4608
/** Where round trips are short, bytes: eight bursts arrive sooner than a block is missed. */
const NEAR_MESSAGE = 32 << 10
/** Until it is known, ms. */
const RTT = 60
/** Under way, bytes: with 16 or 32 KiB a burst of 64 to 128 KiB took 70 to 140 ms longer at RTT 100 ms, with this none. */
const FLYING = 48 << 10
/** Handed over ahead, ms at the line's rate: a busy page may come round half as late to hand over more. */
const AHEAD = 100
/** At least two blocks, so that one follows the other; at most RTT 100 ms × 20 Mbit/s. Bytes. */
const LEAST = 2 * BLOCK
const MOST = 256 << 10
/** Until it is known, bytes per ms: 5 Mbit/s. */
const RATE = 625

export class Flow {
  constructor () {
    /** What the channel takes while something waits in it, bytes per ms. */
    this.rate = RATE
    /** What waited in it when last seen, and when, ms. */
    this.waiting = 0
    this.at = 0
    /** Handed over within the last round trip, about, bytes. */
    this.flying = 0
  }

  /** How much may wait in the channel, bytes. */
  get most () { return Math.min(MOST, Math.max(LEAST, AHEAD * this.rate)) }

  /** See what is left of what was handed over. @param {number} buffered bytes @param {number} rtt ms; 0: not known @param {number} now ms */
  look (buffered, rtt, now) {
    const ms = now - this.at
    const fade = Math.exp(-ms / (rtt || RTT))
    this.flying *= fade
    if (buffered > 0) this.rate += (1 - fade) * ((this.waiting - buffered) / (ms || 1) - this.rate)
    // All is gone, since when is not known. What we kept back it had to wait for.
    else if (this.waiting >= this.most) this.rate = Math.min(1.5 * this.rate, MOST / AHEAD)
    // What is still there does not wait for a hop between threads.
    if (buffered > BLOCK) this.flying = Math.max(this.flying, FLYING)
    this.waiting = buffered
    this.at = now
  }

  /** A message was handed over. @param {number} bytes */
  handed (bytes) {
    this.waiting += bytes
    this.flying += bytes
  }

  /** How long the next message may be, bytes; 0: it has to wait. @param {number} rtt ms; 0: not known */
  message (rtt) {
    if (this.waiting >= this.most) return 0
    if (isNear(rtt)) return NEAR_MESSAGE
    return this.flying < FLYING ? BURST : BLOCK
  }
}
