/**
 * The segment torrents of one simulated viewer: who asks whom for which piece, as swarm.js and webtorrent do it,
 * piece by piece instead of block by block. Tuned like swarm.js; `Swarm` of dialogue.js's parts.
 */

import { PieceSet } from '../../client/pieces.js'
import { PIECE } from './origin.js'

/** swarm.js's, in blocks of 16 KiB. */
const PIPELINE = 16
const PIPELINE_MIN = 4
const BLOCKS = 4
const BLOCK = PIECE / BLOCKS
const WIRE_STALL = 1500
const WATCH_INTERVAL = 500
const MAX_STALLED = 5

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

  /** @param {number} index */
  size (index) {
    const { length } = this.metainfo
    return Math.min(PIECE, length - index * PIECE)
  }
}

/** One peer on one segment's sub-stream. */
class Wire {
  /** @param {Entry} remote @param {number} now */
  constructor (remote, now) {
    this.remote = remote
    this.asked = 0
    this.lastAt = now
    /** Blocks come in until then, though the piece is not complete. */
    this.busyUntil = 0
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
    /** @type {Map<number, { link: SimLink, at: number }>} pieces asked for */
    this.asked = new Map()
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

  /** Ask whoever has room for what is missing, rarest first. @param {Entry} entry */
  ask (entry) {
    const { holding, asked, deselected } = entry
    const { have } = holding
    if (have.complete || entry.dropped || this.viewer.gone) { entry.hungry = false; return }
    const { now } = this.clock
    /** @type {number[]} */
    const missing = []
    for (let i = 0; i < have.size; i++) if (!have.has(i) && !asked.has(i) && !deselected[i]) missing.push(i)
    entry.hungry = true
    if (missing.length === 0) return
    const serving = [...entry.wires].filter(([link, { remote }]) =>
      remote.holding.have.count > 0 && link.other.mesh.self.sharing() && !link.down)
    if (serving.length === 0) return
    const copies = missing.map(i => {
      let count = 0
      for (const [link, { remote }] of serving) if ((remote.holding.at[i] ?? Infinity) + link.rtt / 2 <= now) count += 1
      return count
    })
    const { dice } = this.viewer.world
    const order = missing.map((piece, i) => ({ piece, copies: copies[i] ?? 0, tie: dice.next() }))
      .filter(({ copies }) => copies > 0)
      .sort((a, b) => a.copies - b.copies || a.tie - b.tie)
    for (const { piece } of order) {
      /** @type {[SimLink, Wire] | null} */
      let best = null
      let least = Infinity
      for (const candidate of serving) {
        const [link, wire] = candidate
        if ((wire.remote.holding.at[piece] ?? Infinity) + link.rtt / 2 > now) continue
        const room = Math.max(PIPELINE_MIN, PIPELINE / serving.length, 2 + 1000 * link.rate / BLOCK) / BLOCKS
        if (wire.asked >= Math.max(1, Math.floor(room))) continue
        // webtorrent fills wires in turn and knows no peer's rate; the fewest asked first comes closest.
        const load = wire.asked + dice.next()
        if (load < least) [best, least] = [candidate, load]
      }
      if (best) this.#request(entry, best[0], best[1], piece)
    }
  }

  /** @param {Entry} entry @param {SimLink} link @param {Wire} wire @param {number} piece */
  #request (entry, link, wire, piece) {
    const { now } = this.clock
    if (wire.asked === 0) wire.lastAt = now
    wire.asked += 1
    entry.asked.set(piece, { link, at: now })
    this.clock.after(link.rtt / 2, requested, { exchange: this, entry, link, wire, piece })
    if (!entry.watched) {
      entry.watched = true
      this.clock.after(WATCH_INTERVAL, watch, { exchange: this, entry })
    }
  }

  /** @param {Asked} asked */
  arrived ({ entry, link, wire, piece }) {
    const { holding } = entry
    const { now } = this.clock
    const bytes = holding.size(piece)
    const mine = entry.asked.get(piece)
    if (mine?.link === link) {
      entry.asked.delete(piece)
      wire.asked -= 1
      const took = now - Math.max(mine.at, wire.lastAt)
      link.rate += 0.4 * (bytes / Math.max(1, took) - link.rate)
    }
    wire.lastAt = now
    this.stalls.delete(link)
    if (this.viewer.gone || entry.dropped) return
    this.viewer.received(entry.id, link, bytes)
    if (holding.have.has(piece)) this.duplicates += bytes
    else this.viewer.took(entry.id, holding, piece, 'peers')
    this.ask(entry)
  }

  /** @param {Entry} entry */
  watch (entry) {
    entry.watched = false
    if (entry.dropped || this.viewer.gone || entry.asked.size === 0) return
    const { now } = this.clock
    for (const [link, wire] of [...entry.wires]) {
      if (wire.asked === 0 || now - Math.max(wire.lastAt, wire.busyUntil) <= WIRE_STALL) continue
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
    for (const [piece, { link: asked }] of entry.asked) if (asked === link) entry.asked.delete(piece)
    this.ask(entry)
  }
}

/** @typedef {{ exchange: Exchange, entry: Entry, link: SimLink, wire: Wire, piece: number }} Asked */

/** @param {{ exchange: Exchange, entry: Entry }} woken */
function wake ({ exchange, entry }) { if (entry.hungry) exchange.ask(entry) }
/** @param {{ exchange: Exchange, entry: Entry }} watched */
function watch ({ exchange, entry }) { exchange.watch(entry) }

/** The request is at the peer: it waits its turn there. @param {Asked} asked */
function requested (asked) {
  const { exchange, entry, link, wire, piece } = asked
  const server = link.other.mesh.viewer
  if (server.gone || link.down || wire.remote.dropped || !server.sharing) return
  server.uplink.ask(link.other, link.ceiling, {
    bytes: entry.holding.size(piece),
    wanted: () => !link.down && !entry.dropped && entry.asked.get(piece)?.link === link,
    sent: at => {
      // While blocks come often enough, the wire is not stalled.
      if ((at - exchange.clock.now) / BLOCKS < WIRE_STALL) wire.busyUntil = at + link.rtt / 2
      exchange.clock.after(at - exchange.clock.now + link.rtt / 2, landed, asked)
    }
  })
}

/** All of it is on the receiver's doorstep. @param {Asked} asked */
function landed (asked) {
  const { exchange, entry, link, piece } = asked
  if (link.down) return
  const { now } = exchange.clock
  const at = exchange.viewer.downlink.take(entry.holding.size(piece), now)
  if (at > now) exchange.clock.after(at - now, arrive, asked)
  else exchange.arrived(asked)
}

/** @param {Asked} asked */
function arrive (asked) { if (!asked.link.down) asked.exchange.arrived(asked) }
