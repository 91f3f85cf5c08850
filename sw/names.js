/**
 * What pages know though its address does not look like it, `…/chunk?id=7`: asked for all the same. Only a hint: the
 * browser may stop the worker and forget it; the next reload of the playlist tells again.
 */

/** Several live windows' worth; the oldest goes. */
const MAX = 512

export class Names {
  /** @type {Map<string, import('./protocol.js').Kind>} */
  #kinds = new Map()

  /** @param {[string, import('./protocol.js').Kind][]} names */
  note (names) {
    for (const [url, kind] of names) {
      this.#kinds.delete(url)
      this.#kinds.set(url, kind)
      if (this.#kinds.size > MAX) this.#kinds.delete(this.#kinds.keys().next().value ?? '')
    }
  }

  /** @param {string} url */
  get (url) { return this.#kinds.get(url) }
}
