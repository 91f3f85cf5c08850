/**
 * What a viewer uploads lately: peers who could all send the same are asked in the order of it, so that nobody
 * carries the others only for having each segment first. Pure: the clock is passed in.
 */

/** The mean fades over this, s: a dozen segments, so that one burst of a puller is not taken for its share. */
const WINDOW = 30
/** Of who has just come the mean is taken over no less, s: two segments. */
const LEAST = 4

export class Burden {
  /** @param {number} now ms */
  constructor (now) {
    this.bornAt = now
    this.at = now
    this.total = 0
    /** Bytes, each fading. */
    this.sent = 0
  }

  /**
   * @param {number} total bytes sent since the beginning
   * @param {number} now ms
   * @returns {number} bytes/s
   */
  rate (total, now) {
    this.sent = this.sent * Math.exp((this.at - now) / 1000 / WINDOW) + total - this.total
    this.total = total
    this.at = now
    // What has not had the time to fade in: else newcomers would seem to have sent nothing for long.
    const age = Math.max(LEAST, (now - this.bornAt) / 1000)
    return Math.round(this.sent / (WINDOW * (1 - Math.exp(-age / WINDOW))))
  }
}

/**
 * What a peer's rate will be when it speaks of it again.
 * @param {number} said bytes/s, as it said last
 * @param {number} gave bytes it has sent us since
 */
export const since = (said, gave) => said + gave / WINDOW
