/** Who waits for which segment. A caller that aborts leaves alone; the others go on waiting. */

/**
 * @typedef {object} Waiter
 * @property {() => void} resolve
 * @property {(error: Error) => void} reject
 * @property {import('./types.js').Progress} [onProgress]
 * @property {() => void} detach
 */

export class Deliveries {
  constructor () {
    /** @type {Map<string, Set<Waiter>>} */
    this.waiters = new Map()
  }

  /** @param {string} id */
  waits (id) { return this.waiters.has(id) }

  /**
   * @param {string} id
   * @param {AbortSignal} [signal]
   * @param {import('./types.js').Progress} [onProgress]
   * @returns {Promise<void>} resolves when it is complete; rejects with AbortError or the failure
   */
  wait (id, signal, onProgress) {
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        this.#remove(id, waiter)
        reject(new DOMException('aborted', 'AbortError'))
      }
      /** @type {Waiter} */
      const waiter = { resolve, reject, onProgress, detach: () => signal?.removeEventListener('abort', onAbort) }
      signal?.addEventListener('abort', onAbort, { once: true })
      const waiters = this.waiters.get(id)
      if (waiters) waiters.add(waiter)
      else this.waiters.set(id, new Set([waiter]))
    })
  }

  /** @param {string} id @param {number} bytes @param {number} total @param {boolean} fetched from the origin, now */
  progress (id, bytes, total, fetched) {
    for (const waiter of this.waiters.get(id) ?? []) waiter.onProgress?.(bytes, total, fetched)
  }

  /** @param {string} id */
  done (id) { for (const waiter of this.#take(id)) waiter.resolve() }

  /** @param {string} id @param {Error} error */
  fail (id, error) { for (const waiter of this.#take(id)) waiter.reject(error) }

  close () {
    for (const id of [...this.waiters.keys()]) this.fail(id, new DOMException('closed', 'AbortError'))
  }

  /** @param {string} id */
  #take (id) {
    const waiters = this.waiters.get(id) ?? new Set()
    this.waiters.delete(id)
    for (const waiter of waiters) waiter.detach()
    return waiters
  }

  /** @param {string} id @param {Waiter} waiter */
  #remove (id, waiter) {
    const waiters = this.waiters.get(id)
    waiters?.delete(waiter)
    if (waiters?.size === 0) this.waiters.delete(id)
  }
}
