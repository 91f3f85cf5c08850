/**
 * A viewer's mesh in the simulator: the real upkeep (mesh/upkeep.js) on simulated signalling. Connections, SDP and
 * sockets are left out, the time they take is not.
 */

import { Upkeep } from '../../client/mesh/upkeep.js'
import { SimLink, lengthOf } from './link.js'
import { INTERVAL, MIN_INTERVAL } from './tracker.js'

/** link.js's: an offer nobody answers, or a connection that does not come up, is given back, ms. */
const CONNECT_TIMEOUT = 12_000
/** rendezvous.js: on a younger connection we ask as often as the tracker lets us, ms. */
const YOUNG = 60_000
/** Upkeep is asked, pings and what they carry are exchanged so often, ms. */
const STEP = 1000
/** A description with its candidates is there after so long, ms. */
const GATHER = 60
/** Round trips from the answer to both data channels open and a hello: ICE, DTLS, SCTP, hello. */
const SET_UP = 4.5
/** A page that is left closes its connections in most cases; the rest is noticed by silence. */
const VANISH = 0.2
/** Pings and pongs, a second and direction each; bytes of both on the wire. */
const PING_BYTES = 2 * (77 + 35)

/** @typedef {import('../../client/mesh/gossip.js').Message} Message */

/**
 * @typedef {object} Net
 * @property {import('./clock.js').Clock} clock
 * @property {import('./dice.js').Dice} dice
 * @property {import('./tracker.js').Tracker} tracker
 * @property {(a: SimMesh, b: SimMesh) => number} rtt ms
 * @property {(a: SimMesh, b: SimMesh) => number} loss
 */

/**
 * @typedef {object} Self
 * @property {string} peer
 * @property {number} bornAt
 * @property {() => boolean} sharing
 * @property {boolean} connectable
 * @property {number} rtt to the tracker, ms
 */

/**
 * @typedef {object} MeshEvents
 * @property {(link: SimLink) => void} onUp
 * @property {(link: SimLink, reason: string) => void} onDown
 * @property {(link: SimLink, message: Message) => void} onMessage
 * @property {(link: SimLink, id: string) => void} onOffer
 * @property {(others: number) => void} onCount
 */

export class SimMesh {
  /** @param {Net} net @param {import('./viewer.js').SimViewer} viewer @param {Self} self @param {number} maxPeers @param {MeshEvents} events */
  constructor (net, viewer, self, maxPeers, events) {
    this.net = net
    this.viewer = viewer
    this.clock = net.clock
    this.self = self
    this.me = self.peer
    this.bornAt = self.bornAt
    this.upkeep = new Upkeep(self.peer, maxPeers)
    this.events = events
    this.closed = false
    /** Says nothing any more, and its peers have yet to notice. */
    this.vanished = false
    /** @type {Map<string, SimLink>} */
    this.links = new Map()
    /** @type {SimLink[]} those that are up */
    this.up = []
    this.connectionsMade = 0
    this.counts = { lines: 0, messages: 0, bytes: 0 }
    /** Of pings: link-milliseconds, ended links' and since when the others are up. */
    this.linkTime = 0
    /** @type {Map<SimLink, number>} */
    this.upSince = new Map()
    /** The message frozen last: a broadcast says the same to everybody. @type {{ of: Message | null, said: Message | null, length: number }} */
    this.last = { of: null, said: null, length: 0 }
    /** @type {import('./heap.js').Event | undefined} */
    this.timer = undefined
    this.timer = this.clock.after(2 * self.rtt, ask, this) // the WebSocket's handshake
    this.clock.after(STEP, step, this)
  }

  /** @param {Message} message */
  broadcast (message) {
    for (const link of [...this.up]) link.send(message)
  }

  /** @param {string} _peer @param {string} _reason */
  ban (_peer, _reason) {}

  /** @param {Extract<Message, { t: 'have' }>} message @returns {Message} as it is now */
  frozen (message) {
    const { last } = this
    if (last.of !== message || last.said === null) {
      const pieces = Object.assign(Object.create(Object.getPrototypeOf(message.pieces)), message.pieces)
      pieces.bits = message.pieces.bits.slice()
      last.of = message
      last.said = { t: 'have', id: message.id, pieces }
      last.length = lengthOf(last.said)
    }
    return last.said
  }

  /** @param {Message} message */
  length (message) {
    if (this.last.said === message) return this.last.length
    // Only `have` depends on more than its kind and count.
    return message.t === 'know' || message.t === 'lost' ? 18 + 43 * message.ids.length : 65
  }

  /** Pings and pongs sent so far: messages and bytes. */
  pings () {
    let time = this.linkTime
    for (const since of this.upSince.values()) time += this.clock.now - since
    return { messages: 2 * time / 1000, bytes: PING_BYTES * time / 1000 }
  }

  /** Leave; a page that vanishes says nothing. */
  close () {
    if (this.closed) return
    this.closed = true
    this.clock.cancel(this.timer)
    this.net.tracker.leave(this)
    this.vanished = this.net.dice.next() < VANISH
    for (const link of [...this.links.values()]) {
      if (!this.vanished) this.clock.after(link.rtt / 2, goDown, link.other)
      this.drop(link)
    }
  }

  // ── signalling ─────────────────────────────────────────────────────────────────────────────────

  announce () {
    if (this.closed) return
    const others = this.net.tracker.announce(this)
    this.clock.after(this.self.rtt, reply, { mesh: this, others })
  }

  /** @param {number} others */
  replied (others) {
    if (this.closed) return
    const { clock } = this
    this.events.onCount(others)
    const seconds = clock.now - this.bornAt < YOUNG ? MIN_INTERVAL : INTERVAL
    this.later(1000 * seconds * (0.9 + 0.2 * this.net.dice.next()))
    this.upkeep.counted(others)
    this.#offer()
  }

  #offer () {
    const { clock } = this
    const room = this.upkeep.offers(clock.now)
    if (room === 0) return
    this.connectionsMade += room
    const takers = this.net.tracker.sample(this, room)
    for (let i = 0; i < room; i++) {
      const offer = { from: this, answered: false }
      clock.after(CONNECT_TIMEOUT, expire, offer)
      const taker = takers[i]
      if (taker) clock.after(GATHER + (this.self.rtt + taker.self.rtt) / 2, offerTo, { offer, taker })
    }
  }

  /** @param {number} ms */
  later (ms) {
    this.clock.cancel(this.timer)
    this.timer = this.clock.after(ms, ask, this)
  }

  /** @param {{ from: SimMesh, answered: boolean }} offer */
  considered (offer) {
    const { from } = offer
    if (this.closed) return
    const { take, closes } = this.upkeep.invited(from.me, this.clock.now)
    if (!take) return
    this.#end(closes)
    this.connectionsMade += 1
    this.net.tracker.messages += 2
    // The place is taken from now on, also if no connection comes of it.
    const [mine, theirs] = pair(this, from, this.net)
    this.links.set(from.me, mine)
    this.clock.after(GATHER + (this.self.rtt + from.self.rtt) / 2, answer, { offer, mine, theirs })
  }

  /** @param {{ offer: { answered: boolean }, mine: SimLink, theirs: SimLink }} answered ours is `theirs` */
  answered ({ offer, mine, theirs }) {
    if (offer.answered) { // it was given up meanwhile
      this.clock.after(CONNECT_TIMEOUT, goDown, mine)
      return
    }
    offer.answered = true
    const { take, closes } = this.upkeep.answered(theirs.peer, this.clock.now)
    if (!take || this.closed) {
      this.clock.after(theirs.rtt / 2, goDown, mine)
      return
    }
    this.#end(closes)
    this.links.set(theirs.peer, theirs)
    const works = this.self.connectable && theirs.other.mesh.self.connectable
    if (works) this.clock.after(SET_UP * theirs.rtt, comeUp, theirs)
    else for (const end of [mine, theirs]) this.clock.after(CONNECT_TIMEOUT, goDown, end)
  }

  /** @param {SimLink} link */
  cameUp (link) {
    if (link.down || link.other.down || this.closed) return
    link.up = true
    this.up.push(link)
    this.upSince.set(link, this.clock.now)
    this.upkeep.up(link.peer, { shares: link.peerShares, links: link.other.mesh.up.length }, this.clock.now)
    this.upkeep.roundTrip(link.peer, link.rtt)
    this.events.onUp(link)
  }

  /** @param {SimLink} link */
  drop (link) {
    if (link.down) return
    const { up } = link
    link.down = true
    link.up = false
    if (this.links.get(link.peer) === link) {
      this.links.delete(link.peer)
      this.upkeep.down(link.peer, this.clock.now)
    }
    if (!up) {
      if (!link.other.down) this.clock.after(CONNECT_TIMEOUT, goDown, link.other)
      return
    }
    this.up = this.up.filter(other => other !== link)
    this.linkTime += this.clock.now - (this.upSince.get(link) ?? this.clock.now)
    this.upSince.delete(link)
    this.events.onDown(link, 'gone')
  }

  /** End links here and, once they hear of it, there. @param {{ peer: string }[]} closes */
  #end (closes) {
    for (const { peer } of closes) {
      const link = this.links.get(peer)
      if (!link) continue
      this.clock.after(link.rtt / 2, goDown, link.other)
      this.drop(link)
    }
  }

  /** A second has passed: peers were heard, or not. */
  step () {
    if (this.closed) return
    const { now } = this.clock
    for (const link of this.up) {
      const other = link.other.mesh
      if (other.vanished) continue
      this.upkeep.heard(link.peer, now - link.rtt / 2)
      this.upkeep.said(link.peer, { links: other.up.length })
      const { line, turns } = other.viewer.scheduler
      this.viewer.scheduler.peerLine(link.peer, other.self.sharing() ? line : 0, turns.mean)
    }
    for (const command of this.upkeep.step(now)) {
      if (command.type === 'close') this.#end([command])
      // What rendezvous.js calls a hurry.
      else if (command.type === 'announce' && (!this.timer?.run || this.timer.at > now + 1500)) this.later(500 + 1000 * this.net.dice.next())
    }
    this.clock.after(STEP, step, this)
  }
}

/** @param {SimMesh} a @param {SimMesh} b @param {Net} net */
function pair (a, b, net) {
  const rtt = net.rtt(a, b)
  const loss = net.loss(a, b)
  const mine = new SimLink(a, b, rtt, loss)
  const theirs = new SimLink(b, a, rtt, loss)
  mine.other = theirs
  theirs.other = mine
  return /** @type {const} */ ([mine, theirs])
}

/** @param {SimMesh} mesh */
function step (mesh) { mesh.step() }
/** @param {SimMesh} mesh */
function ask (mesh) { mesh.announce() }
/** @param {{ mesh: SimMesh, others: number }} reply */
function reply ({ mesh, others }) { mesh.replied(others) }
/** @param {{ offer: { from: SimMesh, answered: boolean }, taker: SimMesh }} offered */
function offerTo ({ offer, taker }) { taker.considered(offer) }
/** @param {{ offer: { from: SimMesh, answered: boolean }, mine: SimLink, theirs: SimLink }} answered */
function answer (answered) { answered.offer.from.answered(answered) }
/** @param {{ from: SimMesh, answered: boolean }} offer */
function expire (offer) {
  if (offer.answered) return
  offer.answered = true
  offer.from.upkeep.offerEnded()
}
/** @param {SimLink} link the initiator's end: its hello is the first to be heard */
function comeUp (link) {
  if (link.down || link.other.down) return
  link.other.mesh.cameUp(link.other)
  link.mesh.cameUp(link)
}
/** @param {SimLink} link */
function goDown (link) { link.mesh.drop(link) }
