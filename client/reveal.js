/**
 * Which neighbour is told first of a piece that only we have, as BEP 16 has a seed do: each of them gets a share of the
 * segment from us and the rest from one another. Told everything at once they would all ask us for all of it, the
 * one line that has it already would carry every copy, and the others none. Pure.
 */

import { score } from './elect.js'

/** How long only one knows: for its request, the piece on an ordinary line, and word of it to the rest, ms and round trips. */
const PATIENCE = 250
const ROUND_TRIPS = 3

export class Reveal {
  /** @param {string} infohash */
  constructor (infohash) {
    this.infohash = infohash
    /** @type {Map<number, { peer: string, until: number }>} by piece: who is told of it, and until when alone */
    this.kept = new Map()
  }

  /**
   * A piece came from the origin.
   * @param {number} index
   * @param {readonly string[]} peers peer ids of those who may want it and would pass it on
   * @param {(peer: string) => number} rtt ms; 0: not known
   * @param {number} now ms
   */
  keep (index, peers, rtt, now) {
    if (peers.length < 2) return // nobody to pass it on to
    // Another neighbour begins with every segment; the same order whoever is asked, so nothing need be remembered.
    const order = [...peers].sort((a, b) => score(this.infohash, a) - score(this.infohash, b))
    const peer = order[index % order.length] ?? ''
    this.kept.set(index, { peer, until: now + PATIENCE + ROUND_TRIPS * rtt(peer) })
  }

  /** Whether a peer is not to be told yet. @param {number} index @param {string} peer */
  hides (index, peer) {
    const kept = this.kept.get(index)
    return kept !== undefined && kept.peer !== peer
  }

  /** Pieces that everybody may know of from now on. @param {number} now ms */
  due (now) {
    const due = [...this.kept].filter(([, { until }]) => until <= now).map(([index]) => index)
    for (const index of due) this.kept.delete(index)
    return due
  }

  /** When there are more, ms; Infinity: none are kept. */
  get next () { return Math.min(Infinity, ...[...this.kept.values()].map(({ until }) => until)) }
}
