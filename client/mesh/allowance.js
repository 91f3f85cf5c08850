/**
 * How much of something a peer may do: a burst at once, then so much a second (a token bucket). Pure: the
 * clock is passed in. Honest viewers stay far below; a flood is noticed by its first excess.
 */
export class Allowance {
  /**
   * @param {number} burst at most this much at once
   * @param {number} perSecond what comes back
   */
  constructor (burst, perSecond) {
    this.burst = burst
    this.perSecond = perSecond
    this.left = burst
    this.at = -Infinity
  }

  /**
   * @param {number} amount
   * @param {number} now ms
   * @returns {boolean} whether it was allowed; what was not costs nothing
   */
  take (amount, now) {
    const back = (now - this.at) / 1000 * this.perSecond
    this.left = Math.min(this.burst, this.left + Math.max(0, back))
    this.at = now
    if (amount > this.left) return false
    this.left -= amount
    return true
  }
}
