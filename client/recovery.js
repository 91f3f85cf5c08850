/** What to do about an error hls.js could not get over by itself. Pure: times are passed in. */

/** Errors closer together than this belong to one trouble, ms. */
const SAME_TROUBLE_MS = 10_000
/** hls.js has retried for a while by then; the origin may be restarting. ms */
const FIRST_DELAY_MS = 500
/** A stream that comes back after hours is still found, and a dead one costs next to nothing. ms */
const MAX_DELAY_MS = 8000

/** @typedef {{ action: 'reload' | 'recover-media' | 'swap-audio' | 'rebuild', delayMs: number }} Step */

export class Recovery {
  #network = 0
  #media = 0
  #lastMedia = -Infinity

  /** Something was played or loaded: the next error is a new trouble. */
  well () { this.#network = 0 }

  /**
   * @param {'network' | 'media' | 'other'} kind
   * @param {number} now ms
   * @returns {Step} `reload` loads the playlist again, `rebuild` begins with a new hls.js
   */
  next (kind, now) {
    if (kind === 'network') {
      const delayMs = Math.min(FIRST_DELAY_MS * 2 ** this.#network, MAX_DELAY_MS)
      this.#network += 1
      return { action: 'reload', delayMs }
    }
    if (now - this.#lastMedia > SAME_TROUBLE_MS) this.#media = 0
    this.#lastMedia = now
    this.#media += 1
    if (kind === 'media' && this.#media === 1) return { action: 'recover-media', delayMs: 0 }
    if (kind === 'media' && this.#media === 2) return { action: 'swap-audio', delayMs: 0 }
    // Whatever it is lasts: begin anew, ever less often.
    return { action: 'rebuild', delayMs: Math.min(FIRST_DELAY_MS * 2 ** this.#media, MAX_DELAY_MS) }
  }
}
