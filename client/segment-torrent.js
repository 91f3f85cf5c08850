/** One segment's torrent (webtorrent's), and what is known of its pieces: who sent them, and who is told of them. */

import { Reveal } from './reveal.js'

/** First bytes of libtorrent's peer ids (`-LT`): the server's own seed. */
const LIBTORRENT = '2d4c54'

/** @param {any} wire */
export const isSeed = wire => String(wire.peerId).startsWith(LIBTORRENT)

export class SegmentTorrent {
  /** @param {import('./holding.js').Holding} holding @param {any} torrent */
  constructor (holding, torrent) {
    this.holding = holding
    this.torrent = torrent
    /** @type {any} */
    this.tracker = null
    /** When the seed was last looked for, ms. */
    this.soughtAt = -Infinity
    /** @type {Map<number, Set<string>>} peer ids by piece, until it is verified */
    this.contributors = new Map()
    /** @type {Set<number>} pieces the server's seed had a hand in */
    this.seeded = new Set()
    /** @type {Map<string, number>} bytes asked for, by peer id; as many as links */
    this.asked = new Map()
    /** @type {Set<string>} peers that were asked and sent nothing */
    this.stalled = new Set()
    /** @type {WeakMap<object, number>} by wire: when it last sent anything, ms */
    this.lastBytes = new WeakMap()
    this.reveal = new Reveal(holding.metainfo.infohash)
    /** @type {ReturnType<typeof setTimeout> | undefined} until more may be revealed */
    this.revealing = undefined
  }

  /** @param {number} index @param {string} peer @param {boolean} seed */
  contributed (index, peer, seed) {
    if (seed) this.seeded.add(index)
    const peers = this.contributors.get(index)
    if (peers) peers.add(peer)
    else this.contributors.set(index, new Set([peer]))
  }

  /** @param {number} index @returns {'peers' | 'seed'} */
  sourceOf (index) {
    this.contributors.delete(index)
    return this.seeded.has(index) ? 'seed' : 'peers'
  }

  /** Tell webtorrent, and every wire that may know, that we hold a piece. @param {number} index */
  mark (index) {
    const { torrent } = this
    if (torrent.destroyed || torrent.bitfield.get(index)) return
    torrent._markVerified(index)
    this.#tell(index)
    torrent._checkDone()
    this.#revealLater()
  }

  /** @param {number} index */
  #tell (index) {
    for (const wire of this.torrent.wires) {
      if (!wire.peerPieces.get(index) && !this.reveal.hides(index, wire.peerId)) wire.have(index)
    }
  }

  #revealLater () {
    clearTimeout(this.revealing)
    const { next } = this.reveal
    if (next === Infinity) return
    this.revealing = setTimeout(() => {
      if (this.torrent.destroyed) return
      for (const index of this.reveal.due(performance.now())) this.#tell(index)
      this.#revealLater()
    }, Math.max(0, next - performance.now()) + 1)
  }

  /**
   * @param {Uint8Array} bits BEP 3's bitfield
   * @param {string} peer
   * @returns {Uint8Array} without what this peer is not to be told of yet
   */
  shown (bits, peer) {
    const shown = bits.slice()
    for (const index of this.reveal.kept.keys()) {
      if (this.reveal.hides(index, peer)) shown[index >> 3] = (shown[index >> 3] ?? 0) & ~(0x80 >> (index & 7))
    }
    return shown
  }

  /** All is there: each connection that was made for this one segment costs the browser and the server. */
  leaveSeed () {
    this.stopTracker()
    for (const wire of [...(this.torrent.wires ?? [])]) if (isSeed(wire)) wire.destroy()
  }

  stopTracker () {
    if (!this.tracker) return
    this.tracker.stop()
    this.tracker.destroy()
    this.tracker = null
  }
}
