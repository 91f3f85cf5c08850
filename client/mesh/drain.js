/**
 * How fast our line takes what we have for it: measured while something waits, for then the line alone sets the pace.
 * Pure: the clock is passed in.
 */

/** Shorter runs measure the event loop and the packets already granted, ms. */
const LEAST = 100
/** Longer ones are told in parts, so that a change shows, ms. */
const ENOUGH = 500

export class Drain {
  /** @param {(bytes: number, ms: number) => void} onRun so much left within so long, while more waited all the time */
  constructor (onRun) {
    this.onRun = onRun
    /** Bytes that waited when we last looked or handed more over; 0: a run is yet to begin. */
    this.left = 0
    this.at = 0
    this.bytes = 0
    this.ms = 0
  }

  /**
   * Before more is handed over.
   * @param {number} left bytes that wait, over all links
   * @param {number} now ms
   */
  look (left, now) {
    // Nothing was added since: if some is left, the line was busy all the while.
    if (this.left > 0 && left > 0) {
      this.bytes += Math.max(0, this.left - left)
      this.ms += now - this.at
    }
    if (this.ms >= (left > 0 ? ENOUGH : LEAST)) this.onRun(this.bytes, this.ms)
    if (left === 0 || this.ms >= ENOUGH) this.bytes = this.ms = 0
    this.left = left
    this.at = now
  }

  /** @param {number} bytes */
  handed (bytes) { this.left += bytes }
}
