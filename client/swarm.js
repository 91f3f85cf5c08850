/**
 * The segment torrents: unmodified webtorrent, fed with sub-streams of the mesh as peers and with
 * pieces from the origin. Tuned from outside, at run time, as measured (docs/design.md).
 */

import './hex.js'
import { Client as Tracker } from 'bittorrent-tracker'
import WebTorrent from 'webtorrent'
import { answerInTime } from './answering.js'
import { cancel, coming, keepPace, takeOverLate } from './asking.js'
import { askFairly } from './fair.js'
import { HoldingStore } from './holding.js'
import { torrentFile } from './metainfo.js'
import { isFar } from './near.js'
import { BLOCK, Pace } from './pace.js'
import { SegmentTorrent, isSeed } from './segment-torrent.js'

/** What a peer may have asked of us beyond ASK_FACTOR before we say so: a deep pipeline's blocks. */
const ASK_SLACK = 16 * BLOCK
/** A holding begun so lately may hold what nobody else has, ms. */
const FRESH = 1500
/** A wire that was asked and sends nothing for so long gives its blocks back, ms. */
const WIRE_STALL = 1500
const WATCH_INTERVAL = 500
/**
 * What a peer may ask of one segment: all of it, again after a lost link, and blocks it then took from others.
 * webtorrent answers at once into the wire's queue, so this bounds what we upload and what can queue up.
 */
const ASK_FACTOR = 3
/** Segments in a row of which a peer sent nothing that was asked of it, until it is not taken back. */
const MAX_STALLED = 5
/** Doubtful pieces (several contributors) a peer may have had a hand in before it is banned. */
const MAX_SUSPICIONS = 3
/** Suspects remembered; forgetting them only costs a few more doubtful pieces. */
const MAX_SUSPECTS = 256
/** A search for the seed that found nobody is begun anew after this, ms: its offers may have gone to others who search. */
const SEEK_AGAIN = 5000
/** Peers whose rate is remembered: more than there are links; who comes back after long is measured again. */
const MAX_PACES = 64

/**
 * @typedef {object} SwarmEvents
 * @property {(id: string, index: number) => void} onPiece a verified piece came from a peer or the seed
 * @property {(id: string, peer: string) => void} onBytes some bytes came in
 * @property {(bytes: number) => void} onUpload
 * @property {(id: string) => void} onReady peers can be added
 * @property {(peer: string, reason: string) => void} onAbuse
 * @property {() => boolean} sharing
 * @property {(peer: string) => number} rtt ms; 0: not known
 * @property {(peer: string) => number} burden what it uploads lately, bytes/s
 * @property {(id: string) => string[]} wanters peers that may want a segment and would pass it on
 * @property {(id: string, peers: number) => boolean} carries whether our line has room to send it to so many
 */

/** Why `any`: webtorrent has no types; what is used of it is listed in modules.d.ts. */
export class Swarm {
  /**
   * @param {string} me peer id, 40 hex digits
   * @param {SwarmEvents} events
   * @param {(line: string) => void} log
   */
  constructor (me, events, log) {
    this.me = me
    this.events = events
    this.log = log
    this.client = new WebTorrent({
      peerId: me, tracker: false, dht: false, lsd: false, utPex: false, webSeeds: false, natUpnp: false, natPmp: false
    })
    this.client.on('error', (/** @type {Error} */ error) => log(`webtorrent: ${error.message}`))
    /** @type {Map<string, SegmentTorrent>} by infohash */
    this.entries = new Map()
    /** @type {Map<string, number>} by peer id */
    this.suspicions = new Map()
    /** @type {Map<string, number>} segments in a row that a peer stalled at, by peer id */
    this.stalled = new Map()
    /** @type {Map<string, Pace>} by peer id, the latest met last */
    this.paces = new Map()
    this.watch = setInterval(() => this.#watch(), WATCH_INTERVAL)
  }

  /** We have another peer id; no peer is here that knows the former. @param {string} me 40 hex digits */
  rename (me) { this.me = this.client.peerId = me }

  /** Hold a torrent for a segment. @param {import('./holding.js').Holding} holding */
  add (holding) {
    const id = holding.metainfo.infohash
    if (this.entries.has(id)) return
    const store = new HoldingStore(holding, (index, bytes) => {
      if (!this.entries.has(id) || !holding.put(index, bytes, entry.sourceOf(index))) return
      this.events.onPiece(id, index)
    })
    const torrent = this.client.add(torrentFile(holding.metainfo), {
      announce: [], preloadedStore: store, storeCacheSlots: 0, destroyStoreOnDestroy: true,
      strategy: 'rarest', uploads: 100, alwaysChokeSeeders: false
    })
    const entry = new SegmentTorrent(holding, torrent)
    this.entries.set(id, entry)
    takeOverLate(torrent, this.events.rtt)
    askFairly(torrent, { rtt: this.events.rtt, burden: this.events.burden, pace: peer => this.#paceOf(peer) })
    torrent.on('error', (/** @type {Error} */ error) => {
      this.log(`torrent ${id.slice(0, 8)}: ${error.message}`)
      this.entries.delete(id)
    })
    torrent.on('warning', (/** @type {Error} */ error) => this.#onWarning(entry, error))
    torrent.on('wire', (/** @type {any} */ wire) => this.#tune(entry, wire))
    torrent.on('ready', () => {
      // What was fetched while webtorrent got ready is as new as what comes after.
      const fresh = performance.now() - holding.startedAt < FRESH
      for (let i = 0; i < holding.have.size; i++) if (holding.have.has(i)) this.#mark(entry, i, fresh)
      this.events.onReady(id)
    })
  }

  /**
   * Whether a peer's stream would be taken. Else none is to be opened: the peer answers it with one of its own, which
   * would be taken for another request, without end.
   * @param {string} id @param {string} peer
   */
  ready (id, peer) {
    const entry = this.entries.get(id)
    if (!entry || !entry.torrent.ready || entry.torrent.destroyed) return false
    return !entry.stalled.has(peer) && !entry.torrent._peers.has(peer)
  }

  /** @param {string} id @param {import('./mesh/wires.js').Substream} stream */
  addPeer (id, stream) {
    const torrent = this.entries.get(id)?.torrent
    // Not again for this segment, or a peer that sends nothing would hold our requests time after time.
    if (!torrent || torrent.destroyed || this.entries.get(id)?.stalled.has(stream.id)) stream.destroy()
    else torrent.addPeer(stream)
  }

  /** A piece came from elsewhere, verified and put in the holding: serve it. @param {string} id @param {number} index */
  put (id, index) {
    const entry = this.entries.get(id)
    if (entry?.torrent.ready) this.#mark(entry, index, true)
  }

  /** Leave these pieces to the origin, or take them back. @param {string} id @param {[number, number][]} runs @param {boolean} wanted */
  select (id, runs, wanted) {
    const torrent = this.entries.get(id)?.torrent
    if (!torrent?.ready || torrent.destroyed) return
    for (const [first, last] of runs) {
      if (wanted) torrent.select(first, last, 0)
      else torrent.deselect(first, last)
      if (!wanted) cancel(torrent, first, last)
    }
  }

  /**
   * Whether all that is missing of a piece was asked of peers, and so lately that it is about to come.
   * @param {string} id @param {number} index
   */
  coming (id, index) {
    const torrent = this.entries.get(id)?.torrent
    return torrent?.ready && !torrent.destroyed ? coming(torrent, index, this.events.rtt) : false
  }

  /**
   * HTTP fails: find the server's own seed (or anybody) through the tracker.
   * @param {string} id @param {string} url tracker @param {RTCConfiguration} rtcConfig
   */
  seekSeed (id, url, rtcConfig) {
    const entry = this.entries.get(id)
    const now = performance.now()
    if (!entry || entry.torrent.destroyed || now - entry.soughtAt < SEEK_AGAIN) return
    entry.stopTracker()
    entry.soughtAt = now
    const tracker = new Tracker({
      infoHash: id, peerId: this.me, announce: [url], rtcConfig,
      getAnnounceOpts: () => ({ numwant: 2, uploaded: 0, downloaded: 0, left: entry.holding.metainfo.length })
    })
    entry.tracker = tracker
    tracker.on('error', () => {})
    tracker.on('warning', () => {})
    tracker.on('peer', (/** @type {any} */ peer) => {
      if (entry.torrent.destroyed) peer.destroy()
      else entry.torrent.addPeer(peer, 'tracker')
    })
    tracker.start()
  }

  /** @param {string} id */
  drop (id) {
    const entry = this.entries.get(id)
    if (!entry) return
    this.entries.delete(id)
    clearTimeout(entry.revealing)
    entry.stopTracker()
    if (!entry.torrent.destroyed) entry.torrent.destroy({ destroyStore: true }, () => {})
  }

  /** Apply the user's switch to every wire. */
  updateSharing () {
    for (const { torrent } of this.entries.values()) {
      for (const wire of torrent.wires ?? []) {
        if (this.events.sharing()) wire.unchoke()
        else wire.choke()
      }
    }
  }

  /** Idempotent. */
  close () {
    clearInterval(this.watch)
    for (const id of [...this.entries.keys()]) this.drop(id)
    if (!this.client.destroyed) this.client.destroy(() => {})
  }

  /** @param {SegmentTorrent} entry @param {number} index @param {boolean} fresh nobody else may have it */
  #mark (entry, index, fresh) {
    if (fresh) {
      // Who has not opened a stream has not seen the segment listed, and may not for a while.
      const here = new Set(entry.torrent.wires.map((/** @type {any} */ wire) => wire.peerId))
      const { infohash } = entry.holding.metainfo
      const wanters = this.events.wanters(infohash).filter(peer => here.has(peer))
      // Near by it costs next to nothing that peers have from one another what we could send them all. Farther, in
      // simulated swarms of unequal lines, a strong puller that kept pieces back cost 10 points of offload.
      const far = wanters.some(peer => isFar(this.events.rtt(peer)))
      if (!far || !this.events.carries(infohash, wanters.length)) {
        entry.reveal.keep(index, wanters, this.events.rtt, performance.now())
      }
    }
    entry.mark(index)
  }

  /** @param {SegmentTorrent} entry @param {any} wire */
  #tune (entry, wire) {
    const { torrent } = entry
    const seed = isSeed(wire)

    keepPace(wire, this.#paceOf(wire.peerId), this.events.rtt)
    answerInTime(torrent, wire)

    // What it is not to be told of yet is left out at the handshake, too.
    const haveAll = wire.haveAll.bind(wire)
    const bitfield = wire.bitfield.bind(wire)
    wire.bitfield = (/** @type {any} */ bits) => bitfield(entry.shown(bits.buffer ?? bits, wire.peerId))
    wire.haveAll = () => {
      if (entry.reveal.next === Infinity) haveAll()
      else wire.bitfield(torrent.bitfield)
    }

    const unchoke = wire.unchoke.bind(wire)
    wire.unchoke = () => { if (this.events.sharing()) unchoke() }
    // Unchoke at the handshake instead of a round trip later; after webtorrent has sent its bitfield,
    // which BEP 3 wants first.
    const greet = () => queueMicrotask(() => queueMicrotask(() => {
      if (wire.destroyed) return
      wire.unchoke()
      // What came with the peer's handshake, in one message, webtorrent did not hear yet.
      if (!wire.peerChoking) torrent._update()
    }))
    if (torrent.ready) greet()
    else torrent.once('ready', greet)

    entry.lastBytes.set(wire, performance.now())
    wire.on('piece', (/** @type {number} */ index) => {
      entry.lastBytes.set(wire, performance.now())
      this.stalled.delete(wire.peerId)
      entry.contributed(index, wire.peerId, seed)
      this.events.onBytes(entry.holding.metainfo.infohash, wire.peerId)
    })
    wire.on('upload', (/** @type {number} */ bytes) => this.events.onUpload(bytes))
    wire.on('request', (/** @type {number} */ index, /** @type {number} */ offset, /** @type {number} */ length) => {
      // Counted even if the request is refused: a message of 17 bytes that asks for nothing still costs us one.
      const asked = (entry.asked.get(wire.peerId) ?? 0) + Math.max(BLOCK, length)
      entry.asked.set(wire.peerId, asked)
      if (asked > ASK_FACTOR * entry.holding.metainfo.length + ASK_SLACK) this.events.onAbuse(wire.peerId, 'asked for too much at once')
    })
  }

  /** @param {SegmentTorrent} entry @param {Error} error */
  #onWarning (entry, error) {
    const index = Number(/^Piece (\d+) failed verification/.exec(error.message)?.[1] ?? NaN)
    if (Number.isNaN(index)) return this.log(`torrent: ${error.message}`)
    if (entry.holding.have.has(index)) entry.torrent.pieces[index] = null // it came from the origin meanwhile
    const peers = entry.contributors.get(index) ?? new Set()
    if (this.suspicions.size > MAX_SUSPECTS) this.suspicions.clear()
    entry.contributors.delete(index)
    for (const peer of peers) {
      const count = (this.suspicions.get(peer) ?? 0) + (peers.size === 1 ? MAX_SUSPICIONS : 1)
      this.suspicions.set(peer, count)
      if (count >= MAX_SUSPICIONS) {
        this.events.onAbuse(peer, 'sent a piece that does not match its hash')
        entry.torrent.removePeer?.(peer)
      }
    }
  }

  /** @param {string} peer */
  #paceOf (peer) {
    const known = this.paces.get(peer)
    const pace = known ?? new Pace()
    this.paces.delete(peer)
    this.paces.set(peer, pace)
    if (this.paces.size > MAX_PACES) this.paces.delete(this.paces.keys().next().value ?? '')
    return pace
  }

  #watch () {
    const now = performance.now()
    for (const entry of this.entries.values()) {
      const { torrent, lastBytes } = entry
      if (entry.tracker && entry.holding.have.complete) entry.leaveSeed()
      // A peer with a long queue may be asked again, a block overdue be taken over: no event says when.
      if (torrent.ready && !entry.holding.have.complete) torrent._update()
      for (const wire of [...(torrent.wires ?? [])]) {
        if (wire.requests.length === 0) lastBytes.set(wire, now)
        else if (now - (lastBytes.get(wire) ?? now) > WIRE_STALL) this.#giveUp(entry, wire)
      }
    }
  }

  /** It was asked and sent nothing. @param {SegmentTorrent} entry @param {any} wire */
  #giveUp (entry, wire) {
    const peer = wire.peerId
    wire.destroy()
    entry.stalled.add(peer)
    if (this.stalled.size > MAX_SUSPECTS) this.stalled.clear()
    const count = (this.stalled.get(peer) ?? 0) + 1
    this.stalled.set(peer, count)
    if (count >= MAX_STALLED) this.events.onAbuse(peer, 'offers segments and sends nothing')
  }
}
