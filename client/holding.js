/**
 * The verified bytes of one segment, complete or growing: one buffer that the player's copy, the
 * BitTorrent wires and the origin's pieces all meet in. Only bytes that were hashed are ever marked.
 */

import { pieceRange } from './metainfo.js'
import { PieceSet } from './pieces.js'

export class Holding {
  /** @param {import('./metainfo.js').Metainfo} metainfo */
  constructor (metainfo) {
    this.metainfo = metainfo
    this.bytes = new Uint8Array(metainfo.length)
    this.have = new PieceSet(metainfo.hashes.length)
    /** Verified bytes by where they came from. */
    this.from = { peers: 0, origin: 0, seed: 0 }
    this.contentType = ''
    /** The origin, or a cache before it, gave bytes that did not match. */
    this.distrusted = false
    this.startedAt = performance.now()
    /** From then to the last verified byte, ms; 0: some are missing. */
    this.ms = 0
  }

  /**
   * Take a piece that was verified.
   * @param {number} index
   * @param {Uint8Array} bytes
   * @param {'peers' | 'origin' | 'seed'} source
   * @returns {boolean} whether it was new
   */
  put (index, bytes, source) {
    if (this.have.has(index)) return false
    this.bytes.set(bytes, pieceRange(this.metainfo, index)[0])
    this.have.add(index)
    this.from[source] += bytes.length
    if (this.have.complete) this.ms = performance.now() - this.startedAt
    return true
  }

  /** Verified bytes so far. */
  get filled () { return this.from.peers + this.from.origin + this.from.seed }

  /** @returns {import('./types.js').Source} */
  get source () {
    const { peers, origin, seed } = this.from
    if (origin === 0 && seed === 0) return 'peers'
    if (peers === 0) return seed > origin ? 'seed' : 'origin'
    return 'mixed'
  }
}

/**
 * A holding as webtorrent's chunk store (abstract-chunk-store). What webtorrent puts it has hashed.
 */
export class HoldingStore {
  /**
   * @param {Holding} holding
   * @param {(index: number, bytes: Uint8Array) => void} onPut
   */
  constructor (holding, onPut) {
    this.holding = holding
    this.onPut = onPut
    this.chunkLength = holding.metainfo.pieceLength
    this.length = holding.metainfo.length
  }

  /** @param {number} index @param {Uint8Array} bytes @param {(error: Error | null) => void} [done] */
  put (index, bytes, done = () => {}) {
    this.onPut(index, bytes)
    queueMicrotask(() => done(null))
  }

  /**
   * @param {number} index
   * @param {{ offset?: number, length?: number } | null | ((error: Error | null, bytes?: Uint8Array) => void)} range
   * @param {(error: Error | null, bytes?: Uint8Array) => void} [done]
   * @returns {void}
   */
  get (index, range, done = () => {}) {
    if (typeof range === 'function') return this.get(index, null, range)
    if (!this.holding.have.has(index)) return queueMicrotask(() => done(new Error('piece not held')))
    const [start, end] = pieceRange(this.holding.metainfo, index)
    const from = start + (range?.offset ?? 0)
    const bytes = this.holding.bytes.subarray(from, Math.min(end, from + (range?.length ?? end - start)))
    queueMicrotask(() => done(null, bytes))
  }

  /** @param {(error: Error | null) => void} [done] */
  close (done = () => {}) { queueMicrotask(() => done(null)) }

  /** @param {(error: Error | null) => void} [done] */
  destroy (done = () => {}) { this.close(done) }
}
