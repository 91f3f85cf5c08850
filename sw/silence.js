/**
 * Pages that did not answer, so that a page without our client waits for us once and not at every request.
 * Only a hint: the browser may stop the worker and forget it at any time. Pure: time is passed in.
 */

/** Then it is asked again: it may only have been busy, as one that has answered before surely is. */
const FORGET_MS = 10_000
const BUSY_MS = 1000
/** More than a browser has tabs of one site; the oldest goes. */
const MAX = 64

export class Silence {
  /** @type {Map<string, number>} client id → when to ask it again, ms */
  #until = new Map()
  /** @type {Set<string>} pages that answered */
  #answering = new Set()

  /** @param {string} id @param {number} now */
  note (id, now) {
    this.#until.delete(id)
    this.#until.set(id, now + (this.#answering.has(id) ? BUSY_MS : FORGET_MS))
    if (this.#until.size > MAX) this.#until.delete(this.#until.keys().next().value ?? '')
  }

  /** @param {string} id */
  heard (id) {
    this.#until.delete(id)
    this.#answering.delete(id)
    this.#answering.add(id)
    if (this.#answering.size > MAX) this.#answering.delete([...this.#answering][0] ?? '')
  }

  /** @param {string} id @param {number} now */
  has (id, now) {
    const until = this.#until.get(id)
    if (until === undefined) return false
    if (now < until) return true
    this.#until.delete(id)
    return false
  }
}
