/**
 * What the line to the origin carries: bytes ÷ the time in which some were on their way, over the latest fetches.
 * Fetches at the same time share the line, so that the rate of one alone would say too little. Pure.
 */

/** Fetches looked at: three of video where audio is fetched beside it. The player smooths by itself. */
const LATEST = 6
/**
 * Less than this says nothing: what is in two packets is there at once. hls.js's bound, too. Where only audio is fetched,
 * the rest comes from peers, more of the latest are looked at, until they took so long together; ms.
 */
const LEAST = 50

export class LineRate {
  #running = 0
  /** @type {{ bytes: number, ms: number }[]} up to the end of a fetch each; the last is still growing */
  #spans = []
  #since = 0

  /**
   * A fetch has its first bytes. What it waited before is no matter of the rate, nor are they: nobody knows how long they
   * were on their way.
   * @param {number} now ms
   */
  begin (now) {
    if (this.#running === 0) {
      this.#since = now
      this.#spans.push({ bytes: 0, ms: 0 })
    }
    this.#running += 1
  }

  /** @param {number} bytes of any of them, after its first */
  got (bytes) {
    const span = this.#spans.at(-1)
    if (span) span.bytes += bytes
  }

  /** A fetch that had begun is over, done or not. @param {number} now ms */
  end (now) {
    const span = this.#spans.at(-1)
    if (span) span.ms = Math.max(1, now - this.#since)
    while (this.#spans.length > LATEST && took(this.#spans.slice(1)) >= LEAST) this.#spans.shift()
    this.#running -= 1
    this.#since = now
    if (this.#running > 0) this.#spans.push({ bytes: 0, ms: 0 })
  }

  /** bytes per ms; 0: not known yet */
  get rate () {
    const ended = this.#spans.filter(span => span.ms > 0)
    const ms = took(ended)
    return ms < LEAST ? 0 : ended.reduce((sum, span) => sum + span.bytes, 0) / ms
  }
}

/** @param {{ ms: number }[]} spans */
const took = spans => spans.reduce((sum, { ms }) => sum + ms, 0)
