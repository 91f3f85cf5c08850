/** Counters in, frozen snapshot out. */

/** Segments listed in a snapshot: a few minutes, enough for a read-out. */
const MAX_RECORDS = 120

export class Stats {
  /** @param {(record: import('./types.js').SegmentRecord) => void} [onRecord] the page's: told on a turn of its own */
  constructor (onRecord) {
    this.onRecord = onRecord
    this.bytesFromPeers = 0
    this.bytesFromOrigin = 0
    this.bytesFromSeed = 0
    this.bytesToPeers = 0
    /** @type {import('./types.js').SegmentRecord[]} */
    this.segments = []
  }

  /** @param {import('./types.js').SegmentRecord} record */
  record (record) {
    this.segments.push(Object.freeze(record))
    if (this.segments.length > MAX_RECORDS) this.segments.shift()
    queueMicrotask(() => this.onRecord?.(record))
  }

  /**
   * @param {Pick<import('./types.js').Snapshot, 'peers' | 'connectionsMade' | 'mode' | 'sharing' | 'terms' | 'trouble'>} facts
   * @param {import('./types.js').PlayerState | null} player
   * @returns {import('./types.js').Snapshot}
   */
  snapshot (facts, player) {
    const { bytesFromPeers, bytesFromOrigin, bytesFromSeed, bytesToPeers } = this
    const all = bytesFromPeers + bytesFromOrigin + bytesFromSeed
    return Object.freeze({
      bytesFromPeers,
      bytesFromOrigin,
      bytesFromSeed,
      bytesToPeers,
      offload: all > 0 ? bytesFromPeers / all : 0,
      latencySeconds: player?.latencySeconds ?? null,
      bufferSeconds: player?.bufferSeconds ?? 0,
      stalls: player?.stalls ?? 0,
      segments: [...this.segments],
      ...facts
    })
  }
}
