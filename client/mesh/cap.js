/**
 * How much a viewer uploads, and to whom first. Pure: the clock is passed in. The sender keeps the cap.
 */

/** Unless the page says otherwise, bytes/s: more than most lines at home can send, so that there the line is the limit. */
export const DEFAULT_UPLOAD = 5_000_000
/** What may go out at once, s: a segment for one peer at a player's start. */
const BURST = 0.5
/** Less is not worth a message, bytes: four of BitTorrent's blocks. */
const LEAST = 64 << 10
/** Every so many turns, those who gave nothing come first. */
const OPTIMISTIC = 4

export class Cap {
  /** @param {number} [perSecond] bytes */
  constructor (perSecond = DEFAULT_UPLOAD) {
    this.left = this.perSecond = this.burst = 0
    this.at = -Infinity
    this.limit(perSecond)
    this.left = this.burst
  }

  /** From now on. @param {number} perSecond bytes */
  limit (perSecond) {
    this.perSecond = Math.max(1, perSecond)
    this.burst = Math.max(LEAST, BURST * this.perSecond)
  }

  /**
   * Ask to send so much; what is allowed is counted as sent.
   * @param {number} bytes
   * @param {number} now ms
   * @returns {number} bytes allowed, 0 to `bytes`
   */
  take (bytes, now) {
    this.#refill(now)
    const allowed = Math.floor(Math.min(bytes, this.left))
    this.left -= allowed
    return allowed
  }

  /** How long until it is worth asking again, ms; 0: now. @param {number} now ms */
  waitMs (now) {
    this.#refill(now)
    return Math.ceil(Math.max(0, Math.min(LEAST, this.burst) - this.left) / this.perSecond * 1000)
  }

  /** @param {number} now */
  #refill (now) {
    this.left = Math.min(this.burst, this.left + Math.max(0, now - this.at) / 1000 * this.perSecond)
    this.at = now
  }
}

/**
 * @typedef {object} Asker
 * @property {string} peer
 * @property {number} gave bytes it sent us lately
 * @property {number} got bytes we sent it lately
 */

/**
 * Whom to serve first when the cap is short: who gives most for what it gets. Every fourth turn those who gave
 * nothing come first, the least served of them before the others: newcomers have nothing yet to give, and who
 * cannot upload gets what is over.
 * @param {readonly Asker[]} askers
 * @param {number} turn counts up, one for each time something is served
 * @returns {string[]} peer ids
 */
export function order (askers, turn) {
  const optimistic = turn % OPTIMISTIC === OPTIMISTIC - 1
  const newFirst = (/** @type {Asker} */ { gave }) => Number(optimistic && gave === 0)
  const worth = (/** @type {Asker} */ { gave, got }) => gave / (got + LEAST)
  return [...askers]
    .sort((a, b) => newFirst(b) - newFirst(a) || worth(b) - worth(a) || a.got - b.got)
    .map(({ peer }) => peer)
}
