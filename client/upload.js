/**
 * What a viewer's line carries upwards, as far as it was seen to: while something waits the line alone sets the pace.
 * Who sent much and never had anything wait has more than is asked of it. Pure.
 */

/** Before so much was sent, nothing waiting says nothing, bytes: a segment or two. */
const ENOUGH = 512 << 10
/** Weights of a run that was faster or slower than expected: one connection alone may be slower than the line. */
const FASTER = 1 / 2
const SLOWER = 1 / 8
/** So far, in doublings, from what was said before another is: all are to reckon with the same for long. */
const STRAY = 0.7
/** Said of a line that nothing ever waited for, bytes/s. */
const AMPLE = 2 ** 30

export class Upload {
  constructor () {
    this.total = 0
    /** bytes/ms; 0: nothing ever waited */
    this.rate = 0
    this.said = 0
  }

  /** @param {number} bytes */
  sent (bytes) { this.total += bytes }

  /** So much left within so long, while more waited. @param {number} bytes @param {number} ms */
  drained (bytes, ms) {
    const rate = Math.max(0.001, bytes / ms)
    const weight = this.rate === 0 ? 1 : rate > this.rate ? FASTER : SLOWER
    this.rate += weight * (rate - this.rate)
  }

  /** What it carries, bytes/s, a power of two; 0: not known. */
  get line () {
    if (this.rate === 0) return this.total < ENOUGH ? 0 : AMPLE
    const exact = Math.log2(1000 * this.rate)
    if (this.said === 0 || Math.abs(exact - Math.log2(this.said)) > STRAY) this.said = 2 ** Math.round(exact)
    return this.said
  }
}
