/**
 * What reached the player past the engine (the worker's or hls.js's own fallback, plain HTTP mode), so that
 * `stats()` tells the whole truth. No I/O, no clock.
 */

/** @typedef {import('./types.js').Snapshot} Snapshot */
/** @typedef {import('./types.js').SegmentRecord} SegmentRecord */

/** As many records as the engine's read-out roughly shows; the player asks within seconds. */
const MAX = 64

export class Direct {
  #bytes = 0
  /** @type {Map<string, number>} URL → bytes, until the player says which segment it was */
  #pending = new Map()
  /** @type {SegmentRecord[]} */
  #records = []

  /** @param {(record: SegmentRecord) => void} [onRecord] */
  constructor (onRecord) { this.onRecord = onRecord }

  /** @param {string} url @param {number} bytes */
  fetched (url, bytes) {
    this.#bytes += bytes
    this.#pending.set(url, bytes)
    if (this.#pending.size > MAX) this.#pending.delete(this.#pending.keys().next().value ?? '')
  }

  /**
   * The player has loaded a segment, from wherever.
   * @param {string} url @param {number} msn @param {number} ms @param {number} at
   */
  loaded (url, msn, ms, at) {
    const bytes = this.#pending.get(url)
    if (bytes === undefined) return
    this.#pending.delete(url)
    /** @type {SegmentRecord} */
    const record = { msn, source: 'origin', ms, bytes, fromPeers: 0, at }
    this.#records.push(record)
    if (this.#records.length > MAX) this.#records.shift()
    queueMicrotask(() => this.onRecord?.(record))
  }

  /**
   * @param {Snapshot} snapshot the engine's
   * @returns {Snapshot} with what went past it
   */
  addTo (snapshot) {
    if (this.#bytes === 0) return snapshot
    const bytesFromOrigin = snapshot.bytesFromOrigin + this.#bytes
    const all = snapshot.bytesFromPeers + bytesFromOrigin + snapshot.bytesFromSeed
    const segments = [...snapshot.segments, ...this.#records].sort((a, b) => a.at - b.at)
    return Object.freeze({ ...snapshot, bytesFromOrigin, offload: snapshot.bytesFromPeers / all, segments })
  }
}
