/**
 * A simulated viewer: engine.js's part, played on simulated lines. Library, scheduler, dialogue, hints and what is
 * kept are the client's own; here is only what engine.js does at their word.
 */

import { Dialogue } from '../../client/dialogue.js'
import { Hints } from '../../client/hints.js'
import { toDrop } from '../../client/keep.js'
import { Library } from '../../client/library.js'
import { Scheduler } from '../../client/scheduler.js'
import { Exchange, SimHolding } from './exchange.js'
import { Fetching, SERVER } from './fetching.js'
import { Downlink, Uplink } from './lines.js'
import { SimMesh } from './mesh.js'
import { SimPlayer } from './player.js'

/** A decision waits for what else happens in the same turns of the event loop, ms. */
const TURN = 4
/** Bytes of a playlist with its tags, gzipped. */
const PLAYLIST = 4000
/** player.js looks at the playback rate so often, ms. */
const ADJUST = 1000

/** @typedef {import('./world.js').World} World */
/** @typedef {import('./link.js').SimLink} SimLink */
/** @typedef {import('./origin.js').Reason} Reason */

/**
 * @typedef {object} Traits
 * @property {number} up bytes per ms
 * @property {number} down bytes per ms
 * @property {number} access ms of round trip on its own line
 * @property {number} place where it lives, 0…1 on a ring
 * @property {number} loss share of the packets
 * @property {boolean} sharing
 * @property {boolean} connectable
 * @property {number} variant
 */

export class SimViewer {
  /** @param {World} world @param {Traits} traits */
  constructor (world, traits) {
    this.world = world
    this.traits = traits
    this.variant = traits.variant
    this.sharing = traits.sharing
    this.gone = false
    this.me = world.dice.id()
    this.bornAt = world.clock.now
    this.rtt = world.rttToOrigin(traits)
    this.uplink = new Uplink(world.clock, traits.up, (bytes, ms) => this.scheduler.drained(bytes, ms))
    this.downlink = new Downlink(traits.down)
    this.library = new Library()
    this.scheduler = new Scheduler(this.me, this.bornAt)
    this.exchange = new Exchange(this)
    /** @type {Map<string, Fetching>} */
    this.fetching = new Map()
    /** @type {SimMesh | null} */
    this.mesh = null
    this.dialogue = new Dialogue(/** @type {any} */ ({
      library: this.library,
      scheduler: this.scheduler,
      fetches: this.fetching,
      mesh: () => this.mesh,
      swarm: () => this.exchange
    }))
    this.hints = new Hints(url => this.#hinted(url))
    this.player = new SimPlayer(this)
    this.poked = false
    this.wakeAt = Infinity
    /** @type {import('./heap.js').Event | undefined} */
    this.wake = undefined
    /** The player's loads of playlists: only the last counts. */
    this.reloads = 0
    /** @type {import('./heap.js').Event | undefined} */
    this.nextReload = undefined
    this.counts = { delivered: 0, peers: 0, origin: 0, pulled: 0, sent: 0, reloads: 0, segments: 0 }
    // The page and the multivariant playlist: a connection's handshakes and two answers.
    world.clock.after(5 * this.rtt + SERVER, reload, this)
    world.clock.after(ADJUST, adjust, this)
  }

  leave () {
    this.gone = true
    this.dialogue.close()
    this.hints.close()
    this.world.clock.cancel(this.wake)
    for (const fetch of this.fetching.values()) fetch.aborted = true
    this.mesh?.close()
  }

  // ── playlists ──────────────────────────────────────────────────────────────────────────────────

  /** The player's own reload. */
  reload () {
    if (this.gone) return
    const turn = ++this.reloads
    const { clock, origin } = this.world
    clock.cancel(this.nextReload)
    const asked = clock.now
    const before = this.player.last
    this.#load(this.variant, true, () => {
      if (turn !== this.reloads) return // the player changed to another playlist meanwhile
      // RFC 8216bis §6.3.4, as hls.js does it: after a target duration, or half of it when nothing is new.
      const news = this.player.last > before
      const interval = 1000 * origin.duration * (news ? 1 : 0.5)
      this.nextReload = clock.after(Math.max(0, asked + interval - clock.now), reload, this)
    })
  }

  /** @param {string} url @returns {any} */
  #hinted (url) {
    const variant = this.world.origin.variants.findIndex(known => known.url === url)
    let done = () => {}
    this.#load(variant, false, () => done())
    return { finally: (/** @type {() => void} */ then) => { done = then } }
  }

  /** @param {number} variant @param {boolean} played @param {() => void} done */
  #load (variant, played, done) {
    const { clock, origin } = this.world
    this.counts.reloads += 1
    origin.playlists += 1
    clock.after(this.rtt / 2 + SERVER, () => {
      const playlist = origin.playlist(variant, clock.now)
      clock.after(this.rtt / 2 + PLAYLIST / this.traits.down, () => {
        if (!this.gone) this.#learn(variant, playlist, played)
        done()
      }, undefined)
    }, undefined)
  }

  /** @param {number} variant @param {import('../../client/playlist.js').MediaPlaylist} playlist @param {boolean} played */
  #learn (variant, playlist, played) {
    const { clock, origin } = this.world
    const url = origin.variants[variant]?.url ?? ''
    const fresh = this.library.learn(url, playlist, clock.now, played)
    this.hints.loaded(url, fresh.length > 0)
    this.#join()
    for (const segment of fresh) this.#hold(segment.id)
    this.dialogue.tellKnown(fresh)
    for (const group of this.library.left(clock.now)) this.scheduler.unfollow(group.url)
    this.#dropOld()
    if (played && variant === this.variant) this.player.listed(playlist)
  }

  #join () {
    if (this.mesh || !this.world.options.peers) return
    const self = {
      peer: this.me,
      bornAt: this.bornAt,
      sharing: () => this.sharing,
      connectable: this.traits.connectable,
      rtt: this.rtt
    }
    this.mesh = new SimMesh(this.world.net, this, self, this.world.options.maxPeers, {
      onUp: link => {
        this.dialogue.greet(/** @type {any} */ (link))
        this.#poke()
      },
      onDown: link => {
        this.scheduler.peerDown(link.peer)
        this.exchange.lost(link)
        this.#poke()
      },
      onMessage: (link, message) => {
        this.dialogue.heard(/** @type {any} */ (link), message)
        this.#poke()
      },
      onOffer: (link, id) => {
        this.dialogue.offered(/** @type {any} */ (link), id)
        this.exchange.meet(id, link)
      },
      onCount: others => this.scheduler.swarmSize(others)
    })
  }

  /** @param {string} id @returns {SimHolding | undefined} */
  #hold (id) {
    const segment = this.library.byId.get(id)
    if (!segment) return undefined
    if (!segment.holding) {
      const { clock, origin } = this.world
      const variant = /** @type {import('./origin.js').Variant} */ (origin.variants.find(v => v.url === segment.group))
      const holding = new SimHolding(id, variant.pieces, variant.bytes, clock.now)
      segment.holding = /** @type {any} */ (holding)
      segment.usedAt = clock.now
      this.scheduler.list({
        id, group: segment.group, msn: segment.msn, pieces: variant.pieces, bytes: variant.bytes,
        duration: segment.duration, follow: segment.follow
      }, clock.now)
      this.#poke()
    }
    return /** @type {any} */ (segment.holding)
  }

  #dropOld () {
    const held = []
    for (const segment of this.library.byId.values()) {
      const holding = /** @type {SimHolding | null} */ (/** @type {any} */ (segment.holding))
      if (!holding) continue
      held.push({
        id: segment.id, group: segment.group, msn: segment.msn, bytes: holding.metainfo.length,
        busy: this.player.loading === segment.id || this.fetching.has(segment.id), usedAt: segment.usedAt
      })
    }
    const drop = toDrop(held, this.library.groups)
    for (const id of drop) {
      const segment = this.library.byId.get(id)
      if (segment) segment.holding = null
      this.exchange.drop(id)
      this.scheduler.forget(id)
    }
    this.dialogue.tellLost(drop)
  }

  // ── deciding and acting ────────────────────────────────────────────────────────────────────────

  /** Whether a playlist that was loaded lists it. @param {string} id */
  knows (id) { return this.library.byId.has(id) }

  /** The player asks for a segment. @param {string} id */
  want (id) {
    const holding = this.#hold(id)
    const segment = this.library.byId.get(id)
    if (!holding || !segment) return
    segment.usedAt = this.world.clock.now
    if (holding.have.complete) return this.#deliver(id, holding)
    this.scheduler.want(id, true)
    this.#poke()
  }

  /** @param {string} id @param {SimHolding} holding */
  #deliver (id, holding) {
    this.counts.delivered += holding.metainfo.length
    this.world.clock.after(0, delivered, { viewer: this, id, ok: true })
  }

  #poke () {
    if (this.poked || this.gone) return
    this.poked = true
    this.world.clock.after(TURN, step, this)
  }

  step () {
    this.poked = false
    if (this.gone) return
    const { clock } = this.world
    const { bufferSeconds } = this.player
    const { commands, wakeAt } = this.scheduler.step(clock.now, { bufferSeconds, sharing: this.sharing })
    for (const command of commands) {
      if (command.type === 'reload') { this.hints.reload(command.group); continue }
      const holding = /** @type {SimHolding | null | undefined} */ (/** @type {any} */ (this.library.byId.get(command.id)?.holding))
      if (!holding) continue
      if (command.type === 'join') { if (this.mesh && this.mesh.up.length > 0) this.exchange.add(holding) }
      else if (command.type === 'fetch') this.#fetch(command.id, holding, command.runs, command.why)
      else if (command.type === 'fail') delivered({ viewer: this, id: command.id, ok: false })
    }
    this.#sleep(wakeAt)
  }

  /** A wake that is too early is let happen: cheaper than to take it back. @param {number} at */
  #sleep (at) {
    const { clock } = this.world
    this.wakeAt = at
    if (at === Infinity || (this.wake?.run && this.wake.at <= at)) return
    clock.cancel(this.wake)
    this.wake = clock.after(Math.max(10, at - clock.now), woken, this)
  }

  woken () {
    if (this.gone) return
    if (this.world.clock.now < this.wakeAt) this.#sleep(this.wakeAt)
    else this.step()
  }

  /** @param {string} id @param {SimHolding} holding @param {[number, number][]} missing @param {Reason} why */
  #fetch (id, holding, missing, why) {
    const fetching = new Fetching(this, id, holding, missing, Number.isNaN(this.player.startedAt) ? 'start' : why)
    this.fetching.set(id, fetching)
    this.dialogue.tellPull(id, true)
    this.exchange.select(id, fetching.runs, false)
    fetching.begin()
  }

  /** So much came from the origin. @param {Fetching} fetching @param {number} bytes */
  fetched ({ id, why }, bytes) {
    this.counts.origin += bytes
    if (why === 'pull') this.counts.pulled += bytes
    this.world.origin.sent(id, bytes, why)
  }

  /** @param {string} id @param {{ ok: boolean, bytes: number, firstByte: number, ms: number }} outcome */
  fetchEnded (id, outcome) {
    this.fetching.delete(id)
    this.dialogue.tellPull(id, false)
    this.scheduler.fetched(id, outcome, this.world.clock.now)
    this.#poke()
  }

  // ── bytes ──────────────────────────────────────────────────────────────────────────────────────

  /** A block came from a peer. @param {string} id @param {SimLink} link @param {number} bytes */
  received (id, link, bytes) {
    this.scheduler.received(id, link.peer, this.world.clock.now)
    link.other.mesh.viewer.counts.sent += bytes
    link.other.mesh.viewer.scheduler.uploaded(bytes)
    link.mesh.upkeep.carried(link.peer, bytes, this.world.clock.now)
    link.other.mesh.upkeep.carried(link.other.peer, bytes, this.world.clock.now)
  }

  /** A piece is here, verified. @param {string} id @param {SimHolding} holding @param {number} piece @param {'peers' | 'origin'} source */
  took (id, holding, piece, source) {
    const { now } = this.world.clock
    holding.have.add(piece)
    holding.at[piece] = now
    holding.from[source] += holding.size(piece)
    this.exchange.verified(id, piece, source === 'origin')
    this.scheduler.verified(id, piece, now)
    const segment = this.library.byId.get(id)
    if (segment) this.dialogue.tellPiece(segment)
    if (source === 'peers') this.counts.peers += holding.size(piece)
    if (!holding.have.complete) return
    const fetch = this.fetching.get(id)
    if (fetch && source === 'peers') fetch.aborted = true
    this.counts.segments += 1
    this.world.completed(this, id)
    if (this.player.loading === id) {
      this.scheduler.want(id, false)
      this.#deliver(id, holding)
    }
    this.#poke()
  }

  /** @param {SimLink} link */
  banned (link) {
    this.mesh?.drop(link)
    link.other.mesh.drop(link.other)
  }
}

/** @param {SimViewer} viewer */
function reload (viewer) { viewer.reload() }
/** @param {SimViewer} viewer */
function step (viewer) { viewer.step() }
/** @param {SimViewer} viewer */
function woken (viewer) { viewer.woken() }
/** @param {{ viewer: SimViewer, id: string, ok: boolean }} delivery */
function delivered ({ viewer, id, ok }) { if (!viewer.gone) viewer.player.loaded(id, ok) }
/** @param {SimViewer} viewer */
function adjust (viewer) {
  if (viewer.gone) return
  viewer.player.adjust()
  viewer.world.clock.after(ADJUST, adjust, viewer)
}
