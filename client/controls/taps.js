/** Taps on the picture: one shows or hides the controls, two at a side jump, each further one again. Pure. */

/** Taps closer together than this belong together, ms. */
const TOGETHER = 320
/** How much of the picture's width is a side. */
const SIDE = 0.36
const JUMP = 10

export class Taps {
  #at = -Infinity
  #side = 0
  #jumping = false

  /**
   * @param {number} x 0 to 1 of the picture's width
   * @param {number} now ms
   * @returns {{ does: 'show' } | { does: 'seek', by: number }}
   */
  tap (x, now) {
    const side = x < SIDE ? -1 : x > 1 - SIDE ? 1 : 0
    const again = now - this.#at < TOGETHER && side === this.#side && side !== 0
    this.#at = now
    this.#side = side
    this.#jumping = again
    return again ? { does: 'seek', by: side * JUMP } : { does: 'show' }
  }

  get jumping () { return this.#jumping }
}
