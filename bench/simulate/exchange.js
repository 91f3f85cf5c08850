/**
 * The segment torrents of one simulated viewer: who asks whom for which piece, as swarm.js and webtorrent do it,
 * piece by piece instead of block by block. Tuned like swarm.js; `Swarm` of dialogue.js's parts.
 */

import { BLOCK } from '../../client/pace.js'
import { PieceSet } from '../../client/pieces.js'
import { PIECE } from './origin.js'

const BLOCKS = PIECE / BLOCK
const WIRE_STALL = 1500
const WATCH_INTERVAL = 500
const MAX_STALLED = 5
/** webtorrent's hotswap: a wire without work takes over from one slower than this, bytes per ms, and half as fast. */
const SLOW = 3 * BLOCK / 1000
/** A block is taken over if the slow one would take so much longer, ms: less is not worth a block sent twice. */
const WORTH = 400

/** @typedef {import('./link.js').SimLink} SimLink */
/** @typedef {import('./viewer.js').SimViewer} SimViewer */

/** What a viewer has of one segment. */
export class SimHolding {
  /** @param {string} id @param {number} pieces @param {number} bytes @param {number} now */
  constructor (id, pieces, bytes, now) {
    this.metainfo = { infohash: id, length: bytes, hashes: { length: pieces } }
    this.have = new PieceSet(pieces)
    /** When each piece was verified, ms: peers know of it a one-way trip later. */
    this.at = new Float64Array(pieces).fill(Infinity)
    this.from = { peers: 0, origin: 0 }
    this.startedAt = now
  }

  /** Bytes of a piece. @param {number} index */
  size (index) { return Math.min(PIECE, this.metainfo.length - index * PIECE) }

  /** Bytes of a block. @param {number} block */
  blockSize (block) { return Math.min(BLOCK, this.metainfo.length - block * BLOCK) }
}

/** One peer on one segment's sub-stream. */
class Wire {
  /** @param {Entry} remote @param {number} now */
  constructor (remote, now) {
    this.remote = remote
    /** Blocks asked for. */
    this.asked = 0
    this.lastAt = now
  }
}

/** One segment's torrent. */
class Entry {
  /** @param {SimHolding} holding */
  constructor (holding) {
    this.id = holding.metainfo.infohash
    this.holding = holding
    /** @type {Map<SimLink, Wire>} */
    this.wires = new Map()
    /** @type {Map<number, { link: SimLink, at: number }>} blocks asked for */
    this.asked = new Map()
    /** Blocks that are here, of pieces not complete. */
    this.blocks = new Uint8Array(Math.ceil(holding.metainfo.length / BLOCK))
    /** Left to the origin. */
    this.deselected = new Uint8Array(holding.have.size)
    /** @type {Set<SimLink>} */
    this.stalled = new Set()
    /** Would ask for more if anybody had it. */
    this.hungry = true
    this.watched = false
    this.dropped = false
  }
}

export class Exchange {
  /** @param {SimViewer} viewer */
  constructor (viewer) {
    this.viewer = viewer
    this.clock = viewer.world.clock
    /** @type {Map<string, Entry>} */
    this.entries = new Map()
    /** @type {Map<SimLink, number>} */
    this.stalls = new Map()
    this.duplicates = 0
    this.haves = 0
  }

  // ── what dialogue.js asks of a swarm ───────────────────────────────────────────────────────────

  /** @param {SimHolding} holding */
  add (holding) {
    const { infohash } = holding.metainfo
    if (this.entries.has(infohash)) return
    this.entries.set(infohash, new Entry(holding))
    this.viewer.dialogue.openWires(infohash)
  }

  /** @param {string} id */
  ready (id) { return this.entries.has(id) }

  /** @param {string} id @param {{ link: SimLink }} stream */
  addPeer (id, { link }) { this.meet(id, link) }

  // ── wires ──────────────────────────────────────────────────────────────────────────────────────

  /** Both ends may have opened their side. @param {string} id @param {SimLink} link */
  meet (id, link) {
    const entry = this.entries.get(id)
    if (!entry || entry.wires.has(link) || entry.stalled.has(link) || !link.wires.both(id)) return
    const remote = link.other.mesh.viewer.exchange.entries.get(id)
    if (!remote) return
    entry.wires.set(link, new Wire(remote, this.clock.now))
    this.ask(entry)
  }

  /** @param {SimLink} link */
  lost (link) {
    for (const entry of this.entries.values()) {
      if (entry.wires.delete(link)) this.#giveBack(entry, link)
    }
    this.viewer.uplink.drop(link)
    this.stalls.delete(link)
  }

  /** @param {string} id */
  drop (id) {
    const entry = this.entries.get(id)
    if (!entry) return
    entry.dropped = true
    this.entries.delete(id)
    for (const link of this.viewer.mesh?.up ?? []) link.wires.close(id)
  }

  /** @param {string} id @param {readonly (readonly [number, number])[]} runs @param {boolean} wanted */
  select (id, runs, wanted) {
    const entry = this.entries.get(id)
    if (!entry) return
    for (const [first, last] of runs) entry.deselected.fill(wanted ? 0 : 1, first, last + 1)
    if (wanted) this.ask(entry)
  }

  /** A piece was verified, from wherever: tell it on the wires. @param {string} id */
  verified (id) {
    const entry = this.entries.get(id)
    if (!entry) return
    this.haves += entry.wires.size
    for (const [link, { remote }] of entry.wires) {
      if (!remote.hungry || remote.dropped) continue
      this.clock.after(link.rtt / 2, wake, { exchange: link.other.mesh.viewer.exchange, entry: remote })
    }
  }

  // ── asking ─────────────────────────────────────────────────────────────────────────────────────

  /** Ask whoever has room for what is missing, rarest piece first. @param {Entry} entry */
  ask (entry) {
    const { have } = entry.holding
    if (have.complete || entry.dropped || this.viewer.gone) { entry.hungry = false; return }
    entry.hungry = true
    const { now } = this.clock
    /** @type {[SimLink, Wire][]} */
    const idle = []
    for (const pair of entry.wires) {
      const [link, { remote, asked }] = pair
      if (remote.holding.have.count === 0 || link.down || !link.other.mesh.self.sharing()) continue
      if (asked < room(link)) idle.push(pair)
    }
    if (idle.length === 0) return
    const order = this.#rarest(entry)
    for (const piece of order) {
      const last = Math.min(entry.blocks.length, (piece + 1) * BLOCKS)
      for (let block = piece * BLOCKS; block < last; block++) {
        if (entry.blocks[block] || entry.asked.has(block)) continue
        const best = this.#leastAsked(idle, piece, now)
        if (!best) break
        this.#request(entry, best[0], best[1], block)
      }
    }
    this.#swap(entry, idle)
  }

  /** Missing pieces that somebody has, the rarest first, then those begun. @param {Entry} entry */
  #rarest ({ holding, deselected, wires, blocks }) {
    const { have } = holding
    const { now } = this.clock
    const { dice } = this.viewer.world
    /** @type {{ piece: number, rank: number }[]} */
    const known = []
    for (let piece = 0; piece < have.size; piece++) {
      if (have.has(piece) || deselected[piece]) continue
      let copies = 0
      for (const [link, { remote }] of wires) {
        if ((remote.holding.at[piece] ?? Infinity) + link.rtt / 2 <= now) copies += 1
      }
      if (copies === 0) continue
      const begun = blocks.subarray(piece * BLOCKS, (piece + 1) * BLOCKS).includes(1)
      known.push({ piece, rank: copies + (begun ? 0 : 0.5) + dice.next() / 4 })
    }
    return known.sort((a, b) => a.rank - b.rank).map(({ piece }) => piece)
  }

  /**
   * Who of those with room has a piece and will have sent a block of it first.
   * @param {[SimLink, Wire][]} idle @param {number} piece @param {number} now
   */
  #leastAsked (idle, piece, now) {
    /** @type {[SimLink, Wire] | null} */
    let best = null
    let least = Infinity
    for (const candidate of idle) {
      const [link, wire] = candidate
      if ((wire.remote.holding.at[piece] ?? Infinity) + link.rtt / 2 > now) continue
      if (wire.asked >= room(link)) continue
      const takes = link.rtt + (wire.asked + this.viewer.world.dice.next()) * BLOCK / link.pace.rate
      if (this.#busy(link)) continue
      if (takes < least) [best, least] = [candidate, takes]
    }
    return best
  }

  /** What if a peer said how much waits in its queue? @param {SimLink} link */
  #busy (link) {
    const { tolerates } = this.viewer.world.options
    const { uplink } = link.other.mesh.viewer
    return uplink.backlog > tolerates * uplink.rate
  }

  /** A wire without work takes blocks over from slow ones. @param {Entry} entry @param {[SimLink, Wire][]} idle */
  #swap (entry, idle) {
    const { now } = this.clock
    for (const [link, wire] of idle) {
      if (wire.asked >= room(link) || this.#busy(link)) continue
      const here = link.rtt + (wire.asked + 1) * BLOCK / link.pace.rate
      for (const [block, { link: slow, at }] of entry.asked) {
        if (slow === link) continue
        // A block that is overdue says as much of the rate as one that came.
        const waited = now - at - slow.rtt
        const rate = waited > 0 ? Math.min(slow.pace.rate, BLOCK / waited) : slow.pace.rate
        const there = (entry.wires.get(slow)?.asked ?? 1) * BLOCK / rate - Math.max(0, waited)
        if (rate > SLOW || there < here + WORTH) continue
        const piece = Math.floor(block / BLOCKS)
        if ((wire.remote.holding.at[piece] ?? Infinity) + link.rtt / 2 > now) continue
        entry.asked.delete(block)
        const slower = entry.wires.get(slow)
        if (slower) slower.asked -= 1
        slow.pace.lost(1)
        this.#request(entry, link, wire, block)
        break
      }
    }
  }

  /** @param {Entry} entry @param {SimLink} link @param {Wire} wire @param {number} block */
  #request (entry, link, wire, block) {
    const { now } = this.clock
    if (wire.asked === 0) wire.lastAt = now
    wire.asked += 1
    link.pace.asked(now)
    entry.asked.set(block, { link, at: now })
    this.clock.after(link.rtt / 2, requested, { exchange: this, entry, link, wire, block })
    if (!entry.watched) {
      entry.watched = true
      this.clock.after(WATCH_INTERVAL, watch, { exchange: this, entry })
    }
  }

  /** @param {Asked} asked */
  arrived ({ entry, link, wire, block }) {
    const { holding, blocks } = entry
    const { now } = this.clock
    const bytes = holding.blockSize(block)
    const mine = entry.asked.get(block)
    if (mine?.link === link) {
      entry.asked.delete(block)
      wire.asked -= 1
      link.pace.got(bytes, now)
    }
    wire.lastAt = now
    this.stalls.delete(link)
    if (this.viewer.gone || entry.dropped) return
    this.viewer.received(entry.id, link, bytes)
    const piece = Math.floor(block / BLOCKS)
    if (blocks[block] || holding.have.has(piece)) this.duplicates += bytes
    blocks[block] = 1
    const first = piece * BLOCKS
    if (!holding.have.has(piece) && !blocks.subarray(first, first + BLOCKS).includes(0)) {
      this.viewer.took(entry.id, holding, piece, 'peers')
    }
    this.ask(entry)
  }

  /** @param {Entry} entry */
  watch (entry) {
    entry.watched = false
    if (entry.dropped || this.viewer.gone || entry.asked.size === 0) return
    const { now } = this.clock
    for (const [link, wire] of [...entry.wires]) {
      if (wire.asked === 0 || now - wire.lastAt <= WIRE_STALL) continue
      entry.wires.delete(link)
      entry.stalled.add(link)
      this.#giveBack(entry, link)
      const count = (this.stalls.get(link) ?? 0) + 1
      this.stalls.set(link, count)
      if (count >= MAX_STALLED) this.viewer.banned(link)
    }
    this.ask(entry)
    if (entry.asked.size > 0) {
      entry.watched = true
      this.clock.after(WATCH_INTERVAL, watch, { exchange: this, entry })
    }
  }

  /** @param {Entry} entry @param {SimLink} link */
  #giveBack (entry, link) {
    for (const [block, { link: asked }] of entry.asked) {
      if (asked !== link) continue
      entry.asked.delete(block)
      link.pace.lost(1)
    }
    this.ask(entry)
  }
}

/** @typedef {{ exchange: Exchange, entry: Entry, link: SimLink, wire: Wire, block: number }} Asked */

/** @param {{ exchange: Exchange, entry: Entry }} woken */
function wake ({ exchange, entry }) { if (entry.hungry) exchange.ask(entry) }
/** @param {{ exchange: Exchange, entry: Entry }} watched */
function watch ({ exchange, entry }) { exchange.watch(entry) }

/** Blocks that may be under way from a peer for one segment. @param {SimLink} link */
function room ({ pace, rtt }) { return pace.depth(rtt) }

/** The request is at the peer: it waits its turn there. @param {Asked} asked */
function requested (asked) {
  const { exchange, entry, link, wire, block } = asked
  const server = link.other.mesh.viewer
  if (server.gone || link.down || wire.remote.dropped || !server.sharing) return
  server.uplink.ask(link.other, link.ceiling, {
    bytes: entry.holding.blockSize(block),
    wanted: () => !link.down && !entry.dropped && entry.asked.get(block)?.link === link,
    sent: at => exchange.clock.after(at - exchange.clock.now + link.rtt / 2, landed, asked)
  })
}

/** All of it is on the receiver's doorstep. @param {Asked} asked */
function landed (asked) {
  const { exchange, entry, link, block } = asked
  if (link.down) return
  const { now } = exchange.clock
  const at = exchange.viewer.downlink.take(entry.holding.blockSize(block), now)
  if (at > now) exchange.clock.after(at - now, arrive, asked)
  else exchange.arrived(asked)
}

/** @param {Asked} asked */
function arrive (asked) { if (!asked.link.down) asked.exchange.arrived(asked) }
