/** Bytes by source, second by second, from the totals a snapshot gives. Pure: times are passed in. */

/** @typedef {{ peers: number, origin: number, seed: number }} Totals bytes */

/** The plot's width in seconds; also what bounds the memory. */
export const SECONDS = 60
/** Segments arrive in bursts some seconds apart; shown one by one, the plot would be a comb. */
const AVERAGE = 4

export class Series {
  /** @type {Totals[]} one per second, newest last, always SECONDS long */
  #buckets = Array.from({ length: SECONDS }, empty)
  #last = empty()
  #second = -Infinity

  /**
   * @param {Totals} totals bytes since the beginning
   * @param {number} now ms
   */
  add (totals, now) {
    this.#advance(Math.floor(now / 1000))
    const { peers, origin, seed } = this.#last
    const bucket = this.#buckets[SECONDS - 1]
    bucket.peers += Math.max(0, totals.peers - peers)
    bucket.origin += Math.max(0, totals.origin - origin)
    bucket.seed += Math.max(0, totals.seed - seed)
    this.#last = { ...totals }
  }

  /** Another stream: begin at zero, keep nothing. */
  reset () {
    this.#buckets = Array.from({ length: SECONDS }, empty)
    this.#last = empty()
  }

  /** @returns {Totals[]} bytes a second, oldest first, each the mean of the AVERAGE seconds up to it */
  get rates () {
    return this.#buckets.map((_, i) => {
      const mean = empty()
      for (const second of this.#buckets.slice(Math.max(0, i - AVERAGE + 1), i + 1)) {
        mean.peers += second.peers / AVERAGE
        mean.origin += second.origin / AVERAGE
        mean.seed += second.seed / AVERAGE
      }
      return mean
    })
  }

  /** @returns {number | null} share of peers in what is shown, 0..1; null: nothing arrived */
  get share () {
    let peers = 0
    let all = 0
    for (const bucket of this.#buckets) {
      peers += bucket.peers
      all += bucket.peers + bucket.origin + bucket.seed
    }
    return all === 0 ? null : peers / all
  }

  /** @param {number} second */
  #advance (second) {
    const steps = Math.min(SECONDS, second - this.#second)
    if (steps <= 0) return
    this.#second = second
    this.#buckets.splice(0, steps)
    this.#buckets.push(...Array.from({ length: steps }, empty))
  }
}

/** @returns {Totals} */
const empty = () => ({ peers: 0, origin: 0, seed: 0 })
