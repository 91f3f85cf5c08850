/**
 * How much a viewer can upload, as far as it was seen to: the most that went out within a second, fading, so that one
 * good second long ago says little. Pure: the clock is passed in.
 */

/** Shorter than a segment: what peers ask for at its arrival is what the line can carry, ms. */
const WINDOW = 1000
/** The best second counts half after this, ms. */
const HALF_LIFE = 60_000
/** Before so much was sent nothing is known, bytes: a segment or two. */
const ENOUGH = 512 << 10
/** The best second of a viewer who passes on as much as it takes, in the stream's rate: it sends in bursts. */
const USUAL = 3
/** A viewer carries at most so many others' share of the pulling, or so little of one's. */
const MOST = 4
const LEAST = 1 / 4

export class Upload {
  constructor () {
    this.total = 0
    this.best = 0
    this.bestAt = 0
    this.since = -Infinity
    this.bytes = 0
  }

  /** @param {number} bytes @param {number} now */
  sent (bytes, now) {
    this.total += bytes
    if (now - this.since >= WINDOW) {
      this.since = now
      this.bytes = 0
    }
    this.bytes += bytes
    const rate = this.bytes / WINDOW
    if (rate < this.#faded(now)) return
    this.best = rate
    this.bestAt = now
  }

  /**
   * How large a share of the pulling suits it; 1: as large as anybody's.
   * @param {number} rate the stream's, bytes per ms
   * @param {number} now
   */
  weight (rate, now) {
    // Nothing better within that long: nobody asked.
    if (this.total < ENOUGH || now - this.bestAt > 2 * HALF_LIFE) return 1
    return Math.min(MOST, Math.max(LEAST, this.#faded(now) / (USUAL * rate)))
  }

  /** Whether it was seen to send so much. @param {number} rate bytes per ms @param {number} now */
  carries (rate, now) { return this.total >= ENOUGH && this.#faded(now) >= rate }

  /** @param {number} now */
  #faded (now) { return this.best * 2 ** ((this.bestAt - now) / HALF_LIFE) }
}
