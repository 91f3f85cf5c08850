/**
 * Segments, or what is missing of them, on their way from the origin: each piece is hashed, and only what
 * matches the manifest is taken.
 */

import { LineRate } from './line-rate.js'
import { sha1 } from './metainfo.js'
import { OriginError, fetchRuns } from './origin.js'

/** No new piece for so long: the origin hangs or crawls, and peers are asked as well, ms. */
const QUIET = 1500

/**
 * @typedef {object} FetchEvents
 * @property {(bytes: number) => void} onBytes as they come in, wanted or not
 * @property {(id: string, index: number) => void} onPiece a verified piece, in the holding
 * @property {(id: string, silent: boolean) => void} onQuiet it does not get on; silent: not a byte came yet
 */

/**
 * @typedef {object} Outcome
 * @property {boolean} ok
 * @property {string} trouble for people; '' when all is well or it was aborted
 * @property {number} bytes
 * @property {number} firstByte ms
 * @property {number} ms
 */

export class OriginFetches {
  /** @param {FetchEvents} events */
  constructor (events) {
    this.events = events
    /** @type {Map<string, AbortController>} by id; the scheduler bounds how many */
    this.running = new Map()
    this.line = new LineRate()
  }

  /** @param {string} id */
  has (id) { return this.running.has(id) }

  /** Nobody needs it any more, or peers were faster. @param {string} id */
  abort (id) { this.running.get(id)?.abort() }

  close () { for (const abort of this.running.values()) abort.abort() }

  /**
   * @param {{ id: string } & import('./origin.js').Place} segment
   * @param {import('./holding.js').Holding} holding
   * @param {[number, number][]} runs first and last piece of each
   * @returns {Promise<Outcome>} never rejects
   */
  async fetch (segment, holding, runs) {
    const { id } = segment
    const { metainfo } = holding
    const abort = new AbortController()
    this.running.set(id, abort)
    /** @type {Promise<void>[]} */
    const checks = []
    let rejected = false
    let silent = true
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let quiet
    const listen = () => {
      clearTimeout(quiet)
      quiet = setTimeout(() => this.events.onQuiet(id, silent), QUIET)
    }
    listen()
    const sink = {
      onBytes: (/** @type {number} */ bytes) => {
        if (silent) this.line.begin(performance.now())
        else this.line.got(bytes)
        silent = false
        this.events.onBytes(bytes)
      },
      onPiece: (/** @type {number} */ index, /** @type {Uint8Array<ArrayBuffer>} */ bytes) => {
        listen()
        checks.push(sha1(bytes).then(hash => {
          if (hash !== metainfo.hashes[index]) rejected = true
          else if (holding.put(index, bytes, 'origin')) this.events.onPiece(id, index)
        }))
      }
    }
    try {
      const fetched = await fetchRuns(segment, metainfo, runs, sink, abort.signal, holding.distrusted ? 'reload' : 'default')
      await Promise.all(checks)
      holding.contentType ||= fetched.contentType
      // An encoder that began anew under old names: a cache may still hold the old bytes.
      holding.distrusted ||= rejected
      if (rejected) throw new OriginError('the origin sent bytes that do not match the manifest', 0)
      const { bytes, firstByte, ms } = fetched
      return { ok: true, trouble: '', bytes, firstByte, ms }
    } catch (error) {
      const trouble = error instanceof OriginError ? error.message : ''
      // Aborted because peers gave the rest: that is no failure of the origin.
      return { ok: holding.have.complete, trouble, bytes: 0, firstByte: 0, ms: 0 }
    } finally {
      clearTimeout(quiet)
      if (!silent) this.line.end(performance.now())
      this.running.delete(id)
    }
  }
}
