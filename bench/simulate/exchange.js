/**
 * The segment torrents of one simulated viewer: who asks whom for which piece, as swarm.js and webtorrent do it,
 * piece by piece instead of block by block. Tuned like swarm.js; `Swarm` of dialogue.js's parts.
 */

import { BLOCK, overdue } from '../../client/pace.js'
import { PieceSet } from '../../client/pieces.js'
import { Reveal } from '../../client/reveal.js'
import { PIECE } from './origin.js'

const BLOCKS = PIECE / BLOCK
const WIRE_STALL = 1500
const WATCH_INTERVAL = 500
const MAX_STALLED = 5
/** swarm.js: whoever is nearer than this is told of pieces by turns whatever we carry, ms. */
const NEAR = 15
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
    /** @type {Map<number, Asked>} blocks asked for */
    this.asked = new Map()
    /** Blocks that are here, of pieces not complete. */
    this.blocks = new Uint8Array(Math.ceil(holding.metainfo.length / BLOCK))
    /** Left to the origin. */
    this.deselected = new Uint8Array(holding.have.size)
    /** @type {Set<SimLink>} */
    this.stalled = new Set()
    this.reveal = new Reveal(this.id)
    /** When a piece that was kept back was told to all, ms. */
    this.toldAt = new Float64Array(holding.have.size)
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
    for (const [first, last] of runs) {
      entry.deselected.fill(wanted ? 0 : 1, first, last + 1)
      for (let block = first * BLOCKS; !wanted && block < (last + 1) * BLOCKS; block++) this.#cancel(entry, block)
    }
    if (wanted) this.ask(entry)
  }

  /** @param {string} id @param {number} piece @returns {boolean} whether all that is missing of it was asked for lately */
  coming (id, piece) {
    const entry = this.entries.get(id)
    if (!entry) return false
    const { now } = this.clock
    for (let block = piece * BLOCKS; block < Math.min(entry.blocks.length, (piece + 1) * BLOCKS); block++) {
      if (entry.blocks[block]) continue
      const asked = entry.asked.get(block)
      if (!asked || overdue(asked.at, asked.link.rtt, now)) return false
    }
    return true
  }

  /** A piece was verified: tell it on the wires. @param {string} id @param {number} piece @param {boolean} fresh nobody else may have it */
  verified (id, piece, fresh) {
    const entry = this.entries.get(id)
    if (!entry) return
    if (fresh) {
      const { now } = this.clock
      const here = new Map([...entry.wires.keys()].map(link => [link.peer, link]))
      const wanters = this.viewer.scheduler.wanters(id, now).filter(peer => here.has(peer))
      const far = wanters.some(peer => (here.get(peer)?.rtt ?? 0) > NEAR)
      if (!far || !this.viewer.scheduler.carries(id, wanters.length)) {
        entry.reveal.keep(piece, wanters, peer => here.get(peer)?.rtt ?? 0, now)
      }
      if (entry.reveal.hides(piece, '')) this.clock.after(entry.reveal.next - now, reveal, { exchange: this, entry })
    }
    this.#tell(entry, link => !entry.reveal.hides(piece, link.peer))
  }

  /** @param {Entry} entry */
  revealed (entry) {
    const { now } = this.clock
    for (const piece of entry.reveal.due(now)) entry.toldAt[piece] = now
    this.#tell(entry, () => true)
  }

  /** @param {Entry} entry @param {(link: SimLink) => boolean} may */
  #tell (entry, may) {
    this.haves += entry.wires.size
    for (const [link, { remote }] of entry.wires) {
      if (!remote.hungry || remote.dropped || !may(link)) continue
      this.clock.after(link.rtt / 2, wake, { exchange: link.other.mesh.viewer.exchange, entry: remote })
    }
  }

  // ── asking ─────────────────────────────────────────────────────────────────────────────────────

  /** Ask whoever has room for what is missing, rarest piece first. @param {Entry} entry */
  ask (entry) {
    const { have } = entry.holding
    if (have.complete || entry.dropped || this.viewer.gone) { entry.hungry = false; return }
    entry.hungry = true
    const { dice } = this.viewer.world
    /** @type {{ link: SimLink, wire: Wire, turn: number }[]} */
    const idle = []
    for (const [link, wire] of entry.wires) {
      if (wire.remote.holding.have.count === 0 || link.down || !link.other.mesh.self.sharing()) continue
      if (this.#room(link) > 0) idle.push({ link, wire, turn: dice.next() })
    }
    if (idle.length === 0) return
    const order = this.#rarest(entry)
    // As webtorrent does it: one peer after the other, in any order, is asked for as much as it may be.
    idle.sort((a, b) => a.turn - b.turn)
    for (const { link, wire } of idle) this.#fill(entry, link, wire, order)
    for (const { link, wire } of idle) this.#takeOver(entry, link, wire)
  }

  /** Missing pieces that somebody has, the rarest first, then those begun. @param {Entry} entry */
  #rarest ({ holding, deselected, wires, blocks }) {
    const { have } = holding
    const { dice } = this.viewer.world
    /** @type {{ piece: number, rank: number }[]} */
    const known = []
    for (let piece = 0; piece < have.size; piece++) {
      if (have.has(piece) || deselected[piece]) continue
      let copies = 0
      for (const [link, wire] of wires) copies += this.#has(link, wire, piece) ? 1 : 0
      if (copies === 0) continue
      const begun = blocks.subarray(piece * BLOCKS, (piece + 1) * BLOCKS).includes(1)
      known.push({ piece, rank: copies + (begun ? 0 : 0.5) + dice.next() / 4 })
    }
    return known.sort((a, b) => a.rank - b.rank).map(({ piece }) => piece)
  }

  /** Blocks it may be asked for now, over all segments. @param {SimLink} link */
  #room ({ pace, rtt }) { return pace.depth(rtt, this.clock.now) - pace.open }

  /** Whether we know that a peer has a piece. @param {SimLink} link @param {Wire} wire @param {number} piece */
  #has (link, { remote }, piece) {
    const told = Math.max(remote.holding.at[piece] ?? Infinity, remote.toldAt[piece] ?? 0)
    return told + link.rtt / 2 <= this.clock.now && !remote.reveal.hides(piece, this.viewer.me)
  }

  /** @param {Entry} entry @param {SimLink} link @param {Wire} wire @param {number[]} order pieces */
  #fill (entry, link, wire, order) {
    let room = this.#room(link)
    for (const piece of order) {
      if (room <= 0) return
      if (!this.#has(link, wire, piece)) continue
      const last = Math.min(entry.blocks.length, (piece + 1) * BLOCKS)
      for (let block = piece * BLOCKS; block < last && room > 0; block++) {
        if (entry.blocks[block] || entry.asked.has(block)) continue
        this.#request(entry, link, wire, block)
        room -= 1
      }
    }
  }

  /** A peer with room takes over what others let us wait for too long. @param {Entry} entry @param {SimLink} link @param {Wire} wire */
  #takeOver (entry, link, wire) {
    const { now } = this.clock
    for (const [block, { link: slow, at }] of entry.asked) {
      if (this.#room(link) <= 0) return
      if (slow === link || !overdue(at, slow.rtt, now) || !this.#has(link, wire, Math.floor(block / BLOCKS))) continue
      this.#cancel(entry, block)
      this.#request(entry, link, wire, block)
    }
  }

  /** Not from this peer any more. @param {Entry} entry @param {number} block */
  #cancel (entry, block) {
    const asked = entry.asked.get(block)
    if (!asked) return
    entry.asked.delete(block)
    asked.wire.asked -= 1
    this.clock.after(asked.link.rtt / 2, takenBack, asked)
    asked.link.pace.lost(this.clock.now, asked.at, asked.link.rtt)
  }

  /** @param {Entry} entry @param {SimLink} link @param {Wire} wire @param {number} block */
  #request (entry, link, wire, block) {
    const { now } = this.clock
    if (wire.asked === 0) wire.lastAt = now
    wire.asked += 1
    link.pace.asked(now)
    /** @type {Asked} */
    const asked = { exchange: this, entry, link, wire, block, at: now, transfer: null }
    entry.asked.set(block, asked)
    this.clock.after(link.rtt / 2, requested, asked)
    if (!entry.watched) {
      entry.watched = true
      this.clock.after(WATCH_INTERVAL, watch, { exchange: this, entry })
    }
  }

  /** @param {Asked} asked */
  arrived (asked) {
    const { entry, link, wire, block } = asked
    const { holding, blocks } = entry
    const { now } = this.clock
    const bytes = holding.blockSize(block)
    if (entry.asked.get(block) === asked) {
      entry.asked.delete(block)
      wire.asked -= 1
      link.pace.got(bytes, now, asked.at, link.rtt)
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
    for (const [block, asked] of entry.asked) if (asked.link === link) this.#cancel(entry, block)
    this.ask(entry)
  }
}

/** @typedef {{ exchange: Exchange, entry: Entry, link: SimLink, wire: Wire, block: number, at: number, transfer: import('./lines.js').Transfer | null }} Asked a block, and when; transfer: at the peer's line */

/** @param {{ exchange: Exchange, entry: Entry }} woken */
function wake ({ exchange, entry }) { if (entry.hungry) exchange.ask(entry) }
/** @param {{ exchange: Exchange, entry: Entry }} due */
function reveal ({ exchange, entry }) { if (!entry.dropped) exchange.revealed(entry) }
/** @param {{ exchange: Exchange, entry: Entry }} watched */
function watch ({ exchange, entry }) { exchange.watch(entry) }

/** The request is at the peer: it waits its turn there. @param {Asked} asked */
function requested (asked) {
  const { exchange, entry, link, wire, block } = asked
  const server = link.other.mesh.viewer
  if (server.gone || link.down || wire.remote.dropped || !server.sharing) return
  asked.transfer = {
    bytes: entry.holding.blockSize(block),
    wanted: () => !link.down && !wire.remote.dropped,
    sent: at => exchange.clock.after(at - exchange.clock.now + link.rtt / 2, landed, asked)
  }
  server.uplink.ask(link.other, link.ceiling, asked.transfer)
}

/** The cancel is at the peer, too. @param {Asked} asked */
function takenBack ({ link, transfer }) {
  if (transfer) link.other.mesh.viewer.uplink.takeBack(link.other, transfer)
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
