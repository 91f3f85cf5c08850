/** What the scheduler knows of one segment. Mutable, no I/O. */

import { PieceSet } from './pieces.js'

export class Pending {
  /** @param {import('./scheduling.js').SegmentFacts} facts @param {number} now ms */
  constructor (facts, now) {
    this.facts = facts
    this.have = new PieceSet(facts.pieces)
    this.wanted = false
    this.joined = false
    this.fetching = false
    /** p2p-only: until when the seed may bring the next piece; its turn is what a fetch is otherwise. */
    this.seekUntil = Infinity
    this.failures = 0
    this.retryAt = 0
    /** The origin took our request for it and says nothing. */
    this.silent = false
    this.listedAt = now
    /** No peer has said that it pulls or holds any of it. */
    this.unheard = true
    /** Since when nobody is known to supply it. */
    this.unsuppliedSince = now
    this.lastBytesAt = now
  }
}
