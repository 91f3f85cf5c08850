/**
 * What is said to peers and done at their word: who holds and pulls which segment, and the sub-streams on
 * which torrents exchange it.
 */

import { MAX_IDS } from './mesh/gossip.js'

/** What a peer may send on one segment's sub-stream: the segment, BitTorrent's overhead, some waste. */
const wireLimit = (/** @type {number} */ length) => 2 * length + (256 << 10)
/**
 * Telling peers of every piece would cost a message each; so often is soon enough, ms: who has a stream open to us
 * learns of pieces there, and the rest only want to know that somebody supplies the segment.
 */
const HAVE_INTERVAL = 250
/** Newest segments named to a peer that comes up. */
const KNOW_ON_UP = 8

/** @typedef {import('./mesh/link.js').Link} Link */
/** @typedef {import('./library.js').KnownSegment} KnownSegment */

/**
 * @typedef {object} Parts
 * @property {import('./library.js').Library} library
 * @property {import('./scheduler.js').Scheduler} scheduler
 * @property {import('./fetches.js').OriginFetches} fetches
 * @property {() => import('./mesh/mesh.js').Mesh | null} mesh
 * @property {() => import('./swarm.js').Swarm | null} swarm
 */

export class Dialogue {
  /** @param {Parts} parts */
  constructor (parts) {
    this.parts = parts
    /** @type {Set<string>} ids whose pieces changed since peers were told */
    this.changed = new Set()
    this.telling = setInterval(() => this.tellChanges(), HAVE_INTERVAL)
  }

  close () { clearInterval(this.telling) }

  /** A peer is here: tell it what there is, and ask it for what is missing. @param {Link} link */
  greet (link) {
    const { library, scheduler, fetches } = this.parts
    scheduler.peerUp(link.peer, link.peerBornAt)
    scheduler.peerShares(link.peer, link.peerShares)
    scheduler.peerLine(link.peer, link.peerLine, link.peerMean)
    for (const group of library.groups.values()) {
      const ids = [...group.ids].slice(-KNOW_ON_UP)
      if (ids.length > 0) link.send({ t: 'know', ids })
    }
    for (const segment of library.byId.values()) {
      const { holding } = segment
      if (!holding) continue
      if (holding.have.count > 0) link.send({ t: 'have', id: segment.id, pieces: holding.have })
      if (fetches.has(segment.id)) link.send({ t: 'pull', id: segment.id, on: true })
      this.parts.swarm()?.add(holding)
      if (!holding.have.complete) this.openWire(link, segment.id)
    }
  }

  /** A peer said something: note it. @param {Link} link @param {import('./mesh/gossip.js').Message} message */
  heard ({ peer }, message) {
    const { scheduler } = this.parts
    const now = performance.now()
    if (message.t === 'share') scheduler.peerShares(peer, message.share)
    else if (message.t === 'ping') scheduler.peerLine(peer, message.line ?? 0, message.mean ?? 0)
    else if (message.t === 'know') for (const id of message.ids) scheduler.peerSaid(peer, id, {}, now)
    else if (message.t === 'have') scheduler.peerSaid(peer, message.id, { pieces: message.pieces }, now)
    else if (message.t === 'pull') scheduler.peerSaid(peer, message.id, { pulls: message.on }, now)
    else if (message.t === 'lost') for (const id of message.ids) scheduler.peerLost(peer, id)
  }

  /** New segments are listed. Once there are torrents, opening their streams says so. @param {KnownSegment[]} segments */
  tellKnown (segments) {
    if (segments.length > 0 && !this.parts.swarm()) this.#broadcast({ t: 'know', ids: segments.slice(-KNOW_ON_UP).map(segment => segment.id) })
  }

  /** A piece of it was verified; a puller's first and everybody's last are told at once. @param {KnownSegment} segment */
  tellPiece ({ id, holding }) {
    this.changed.add(id)
    if (holding?.have.complete || (holding?.have.count === 1 && this.parts.fetches.has(id))) this.tellChanges()
  }

  /** Tell which pieces came in since the last time. */
  tellChanges () {
    if (this.changed.size === 0) return
    for (const id of this.changed) {
      const holding = this.parts.library.byId.get(id)?.holding
      if (holding) this.#broadcast({ t: 'have', id, pieces: holding.have })
    }
    this.changed.clear()
  }

  /** @param {string} id @param {boolean} on */
  tellPull (id, on) { this.#broadcast({ t: 'pull', id, on }) }

  /** @param {boolean} share */
  tellSharing (share) { this.#broadcast({ t: 'share', share }) }

  /** @param {string[]} ids no longer held */
  tellLost (ids) {
    for (const id of ids) this.changed.delete(id)
    if (ids.length === 0) return
    for (const link of this.parts.mesh()?.up ?? []) link.sendLater({ t: 'lost', ids: ids.slice(0, MAX_IDS) })
  }

  /** Open a segment's sub-stream to every peer. @param {string} id */
  openWires (id) {
    for (const link of this.parts.mesh()?.up ?? []) this.openWire(link, id)
  }

  /** A peer opened a segment's sub-stream: it has seen it listed. @param {Link} link @param {string} id */
  offered (link, id) {
    this.parts.scheduler.peerSaid(link.peer, id, {}, performance.now())
    this.openWire(link, id)
  }

  /**
   * Open a segment's sub-stream to one peer, if we have its torrent: because we need it, or because
   * the peer opened its side. Between two who both hold everything nothing is opened.
   * @param {Link} link @param {string} id
   */
  openWire (link, id) {
    const swarm = this.parts.swarm()
    const holding = this.parts.library.byId.get(id)?.holding
    if (!holding || !link.up || !swarm?.ready(id, link.peer)) return
    if (holding.have.complete && !link.wires.offered(id)) return
    const stream = link.wires.open(id, wireLimit(holding.metainfo.length))
    if (stream) swarm.addPeer(id, stream)
  }

  /** @param {import('./mesh/gossip.js').Message} message */
  #broadcast (message) { this.parts.mesh()?.broadcast(message) }
}
