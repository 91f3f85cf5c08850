/**
 * Who gives which segment, and when to stop waiting: decided here, acted on by engine.js.
 *
 * Pure: no clock, no timers, no network. Facts go in through the methods, each with its time in ms;
 * `step(now, player)` returns commands and the time at which to ask again. One viewer, one stream.
 *
 * - Alone, a wanted segment is fetched from the origin at once.
 * - With peers, one viewer is elected to pull a new segment (elect.js); the next in rank takes over
 *   when nobody supplies it in time. Everyone else waits for peers.
 * - A wanted segment whose deadline (minus the expected HTTP time, minus a margin) has come is fetched
 *   from the origin: the missing pieces only.
 * - Where HTTP fails, or may not be used at all (p2p-only), the server's seed takes the origin's place.
 */

import { Claims } from './claims.js'
import { meetBy } from './meeting.js'
import { OriginTime } from './origin-time.js'
import { Pending } from './pending.js'
import { PieceSet } from './pieces.js'
import { missingRuns } from './runs.js'
import { DEFAULTS } from './scheduling.js'
import { Turns } from './turns.js'

export { DEFAULTS, missingRuns }

/**
 * @typedef {import('./scheduling.js').Settings} Settings
 * @typedef {import('./scheduling.js').SegmentFacts} SegmentFacts
 * @typedef {import('./scheduling.js').Command} Command
 * @typedef {import('./scheduling.js').PlayerFacts} PlayerFacts
 * @typedef {import('./scheduling.js').Why} Why
 */

/** Of a segment that a neighbour takes from us who have it first; the rest it has of others. */
const SHARE = 1 / 3
/** Segments between two viewers who play the same part of a recording: about what one of them keeps. */
const NEAR = 32

export class Scheduler {
  /**
   * @param {string} me our peer id
   * @param {number} bornAt when we joined the mesh, ms
   * @param {Partial<Settings>} [settings]
   */
  constructor (me, bornAt, settings = {}) {
    this.me = me
    this.bornAt = bornAt
    this.settings = { ...DEFAULTS, ...settings }
    /** What a fetch from the origin takes. */
    this.origin = new OriginTime(this.settings)
    /** @type {Map<string, Pending>} */
    this.segments = new Map()
    /** @type {Map<string, Claims>} */
    this.peers = new Map()
    /** When it is ours to pull. */
    this.turns = new Turns(me, bornAt, this.settings)
    /** @type {number | null} others in the swarm; null: the tracker was asked and has not answered yet */
    this.others = 0
    /** @type {Set<string>} groups to reload, told at the next step */
    this.reloads = new Set()
  }

  // ── the manifest and the player ────────────────────────────────────────────────────────────────

  /** @param {SegmentFacts} facts @param {number} now */
  list (facts, now) {
    if (this.segments.has(facts.id)) return
    const segment = new Pending(facts, now)
    this.segments.set(facts.id, segment)
    if (this.#supply(segment, now).any) this.#heard(segment, now)
  }

  /** The first news of somebody who supplies it. @param {Pending} segment @param {number} now */
  #heard (segment, now) {
    if (!segment.unheard) return
    segment.unheard = false
    if (segment.facts.follow) this.turns.news.add(now - segment.listedAt)
  }

  /** @param {string} id */
  forget (id) { this.segments.delete(id) }

  /** @param {string} id @param {boolean} wanted */
  want (id, wanted) {
    const segment = this.segments.get(id)
    if (!segment) return
    if (wanted && !segment.wanted) segment.failures = 0
    segment.wanted = wanted
  }

  /** A late segment or a stall: keep more in hand. */
  late () { this.origin.late() }

  /** The player left this playlist (it switched variants): pull nothing more of it for others. @param {string} group */
  unfollow (group) {
    for (const { facts } of this.segments.values()) if (facts.group === group) facts.follow = false
  }

  // ── bytes ──────────────────────────────────────────────────────────────────────────────────────

  /** Some bytes of it came from a peer. @param {string} id @param {string} peer @param {number} now */
  received (id, peer, now) {
    this.peers.get(peer)?.kept()
    const segment = this.segments.get(id)
    if (segment) segment.lastBytesAt = now
  }

  /** @param {string} id @param {number} index @param {number} now */
  verified (id, index, now) {
    const segment = this.segments.get(id)
    if (!segment?.have.add(index)) return
    segment.lastBytesAt = now
    if (segment.seekUntil < Infinity) segment.seekUntil = now + this.settings.seekStall
    if (!segment.have.complete) return
    this.origin.inTime()
    if (segment.facts.follow) this.turns.inTime()
  }

  /**
   * @param {string} id
   * @param {{ ok: boolean, bytes: number, firstByte: number, ms: number }} outcome
   * @param {number} now
   */
  fetched (id, { ok, bytes, firstByte, ms }, now) {
    if (ok && ms > 0) this.origin.took({ bytes, firstByte, ms })
    const segment = this.segments.get(id)
    if (!segment) return
    segment.fetching = false
    segment.unsuppliedSince = now
    if (ok) segment.failures = 0
    else {
      segment.failures += 1
      segment.retryAt = now + Math.min(4000, 150 * 2 ** segment.failures)
    }
  }

  /** The origin took a fetch and sends nothing at all: the seed may be quicker. @param {string} id */
  silent (id) {
    const segment = this.segments.get(id)
    if (segment) segment.silent = true
  }

  // ── peers ──────────────────────────────────────────────────────────────────────────────────────

  /** @param {string} peer @param {number} bornAt when it joined the mesh, ms on our clock */
  peerUp (peer, bornAt) { this.peers.set(peer, new Claims(bornAt)) }

  /** How many others there are, as the tracker says; null: it has not answered yet. @param {number | null} others */
  swarmSize (others) {
    this.others = others
    this.turns.others = others ?? 0
  }

  /** Bytes went out to a peer. @param {number} bytes */
  uploaded (bytes) { this.turns.upload.sent(bytes) }

  /** So much left within so long, while more waited. @param {number} bytes @param {number} ms */
  drained (bytes, ms) { this.turns.upload.drained(bytes, ms) }

  /** What our line carries upwards, bytes/s; 0: not known. */
  get line () { return this.turns.upload.line }

  /** @param {string} peer */
  peerDown (peer) { this.peers.delete(peer) }

  /** @param {string} peer @param {boolean} shares */
  peerShares (peer, shares) {
    const known = this.peers.get(peer)
    if (known) known.shares = shares
  }

  /**
   * What a peer says of its line.
   * @param {string} peer @param {number} line what it carries upwards, bytes/s; 0: not known @param {number} mean of those around it
   */
  peerLine (peer, line, mean) {
    const known = this.peers.get(peer)
    if (known) Object.assign(known, { line, mean })
  }

  /**
   * What a peer says of a segment: that it exists (`pieces` null), what it holds, whether it pulls.
   * @param {string} peer
   * @param {string} id
   * @param {{ pieces?: PieceSet | null, pulls?: boolean }} statement
   * @param {number} now
   */
  peerSaid (peer, id, statement, now) {
    const first = this.peers.get(peer)?.say(id, statement, now)
    const segment = this.segments.get(id)
    if (first && !segment) this.#consider(peer, id, now)
    if (segment && (statement.pulls || statement.pieces?.count)) this.#heard(segment, now)
  }

  /** @param {string} peer @param {string} id */
  peerLost (peer, id) { this.peers.get(peer)?.lose(id) }

  /**
   * A peer knows a segment we have not seen listed. Playlists are reloaded at different moments; if it
   * is ours to pull, waiting for our own reload would delay everybody.
   * @param {string} peer @param {string} id @param {number} now
   */
  #consider (peer, id, now) {
    /** @type {Map<string, SegmentFacts>} */
    const groups = new Map()
    for (const { facts } of this.segments.values()) if (facts.follow) groups.set(facts.group, facts)
    for (const [group, facts] of groups) {
      const followers = this.#followers(group, now)
      if (!followers.includes(peer)) continue
      const wait = this.turns.wait({ ...facts, id }, this.#candidates(followers, now), this.peers.size, now)
      if (wait === 0) this.reloads.add(group)
    }
  }

  /** Peers that may want a segment and would pass it on. @param {string} id @param {number} now */
  wanters (id, now) {
    const group = this.segments.get(id)?.facts.group
    return group === undefined ? [] : this.#followers(group, now)
  }

  /**
   * Whether our line is known to carry a segment to so many peers.
   * @param {string} id @param {number} peers
   */
  carries (id, peers) {
    const facts = this.segments.get(id)?.facts
    return facts !== undefined && this.line * facts.duration >= SHARE * peers * facts.bytes
  }

  /** Peers to count on that lately spoke of a segment of this group, near `msn`. @param {string} group @param {number} now */
  #followers (group, now, msn = NaN) {
    /** @type {string[]} */
    const ids = []
    for (const { facts } of this.segments.values()) {
      if (facts.group === group && !(Math.abs(facts.msn - msn) > NEAR)) ids.push(facts.id)
    }
    ids.reverse() // the newest is what most speak of
    /** @type {string[]} */
    const names = []
    for (const [name, peer] of this.peers) if (peer.counts(now) && ids.some(id => peer.said.has(id))) names.push(name)
    return names
  }

  // ── the decision ───────────────────────────────────────────────────────────────────────────────

  /**
   * @param {number} now
   * @param {PlayerFacts} player
   * @returns {{ commands: Command[], wakeAt: number }}
   */
  step (now, player) {
    const { p2pOnly = false } = player
    /** @type {Command[]} */
    const commands = [...this.reloads].map(group => ({ type: 'reload', group }))
    this.reloads.clear()
    let wakeAt = Infinity
    let fetches = 0
    for (const segment of this.segments.values()) {
      if (segment.seekUntil <= now || segment.have.complete) this.#sought(segment, now)
      fetches += segment.fetching ? 1 : 0
    }

    // Missing segments in playing order: each is due when what comes before it has been played.
    /** @type {Map<string, number>} by group: audio of its own plays beside the picture, not after it */
    const deadlines = new Map()
    const missing = [...this.segments.values()]
      .filter(s => !s.have.complete && (s.wanted || s.facts.follow))
      .sort((a, b) => Number(b.wanted) - Number(a.wanted) || a.facts.msn - b.facts.msn)

    /** @type {Map<string, string[]>} by group */
    const followers = new Map()
    for (const segment of missing) {
      const { id, group } = segment.facts
      const deadline = deadlines.get(group) ?? now + 1000 * player.bufferSeconds
      if (!segment.joined && (this.peers.size > 0 || segment.wanted)) {
        segment.joined = true
        segment.lastBytesAt = now
        commands.push({ type: 'join', id })
      }
      if (segment.wanted && segment.failures >= this.settings.attempts) {
        segment.wanted = false
        commands.push({ type: 'fail', id })
        continue
      }
      if (!segment.fetching) {
        // Who is elsewhere in a recording, or at the edge that our viewer left, will not pull what we play.
        const old = !segment.facts.follow
        const known = (old ? null : followers.get(group)) ?? this.#followers(group, now, old ? segment.facts.msn : NaN)
        if (!old) followers.set(group, known)
        const turn = this.#fetchAt(segment, known, deadline, now, player)
        const at = Math.max(segment.retryAt, turn.at)
        if (at <= now && fetches < this.settings.fetches) {
          segment.fetching = true
          fetches += 1
          this.#blame(segment, now)
          // Who has just begun to play is late by itself.
          if (turn.why === 'deadline' && segment.facts.follow) this.turns.tooLate()
          if (p2pOnly) segment.seekUntil = now + this.settings.seekStall
          if (p2pOnly || segment.failures > 0) commands.push({ type: 'seek-seed', id })
          if (!p2pOnly) commands.push({ type: 'fetch', id, runs: missingRuns(segment.have), why: turn.why })
        } else wakeAt = Math.min(wakeAt, Math.max(at, now + 20))
      } else if (segment.silent && segment.wanted) {
        segment.silent = false
        commands.push({ type: 'seek-seed', id })
      }
      wakeAt = Math.min(wakeAt, segment.seekUntil)
      if (segment.wanted) deadlines.set(group, deadline + 1000 * segment.facts.duration)
    }
    return { commands, wakeAt }
  }

  /**
   * When to turn to the origin for what is missing; Infinity: not before something changes.
   * @param {Pending} segment
   * @param {string[]} followers
   * @param {number} deadline
   * @param {number} now
   * @param {PlayerFacts} player
   * @returns {{ at: number, why: Why }}
   */
  #fetchAt (segment, followers, deadline, now, player) {
    const supply = this.#supply(segment, now)
    const { facts, have } = segment
    const left = facts.bytes * (1 - have.count / facts.pieces)
    const due = segment.wanted ? deadline - this.origin.expected(left) - this.origin.margin : Infinity
    if (followers.length === 0 && !supply.any) {
      // Finding the seed takes round trips that a request to the origin does not: begun when it is listed.
      if (!segment.wanted) return { at: player.p2pOnly ? now : Infinity, why: 'alone' }
      return { at: player.p2pOnly ? now : Math.min(due, this.#metBy(now)), why: 'alone' }
    }
    // A supply that ended before its time (the puller gave up) is missed from now on.
    segment.unsuppliedSince = supply.enough ? supply.until : Math.min(segment.unsuppliedSince, now)
    const turn = this.#turn(segment, followers, now, player)
    return due < turn ? { at: due, why: 'deadline' } : { at: turn, why: 'pull' }
  }

  /** Until when the first links, and what the first peers say, may be waited for. @param {number} now */
  #metBy (now) {
    const met = [...this.peers.values()].some(peer => peer.said.size > 0)
    return meetBy({ bornAt: this.bornAt, others: this.others, met }, this.settings, now)
  }

  /**
   * When it is our turn to pull, counted from the moment nobody supplies it.
   * @param {Pending} segment @param {string[]} followers @param {number} now @param {PlayerFacts} player
   */
  #turn (segment, followers, now, player) {
    // Who does not share would pull for itself alone: it comes last, and only when the player asks.
    if (!player.sharing && !segment.wanted) return Infinity
    // Whose fetch failed lets the others try first: their way to the origin may be better.
    const first = player.sharing && segment.failures === 0
    const wait = first
      ? this.turns.wait(segment.facts, this.#candidates(followers, now), this.peers.size, now)
      : followers.length * this.settings.takeover
    return segment.unsuppliedSince + wait
  }

  /** @param {string[]} followers @param {number} now */
  #candidates (followers, now) {
    return followers.map(peer => {
      const { bornAt = now, line = 0, mean = 0 } = this.peers.get(peer) ?? {}
      return { peer, age: now - bornAt, line, mean }
    })
  }

  /**
   * Whether peers hold or pull all that is missing, and until when that may be believed.
   * @param {Pending} segment @param {number} now
   */
  #supply (segment, now) {
    const { pullStall, supplyStall } = this.settings
    const held = new PieceSet(segment.facts.pieces)
    // Who pulls it, or has some of it and ever more, passes on what it gets.
    let relayedUntil = 0
    let saidAt = 0
    let any = false
    for (const peer of this.peers.values()) {
      const said = peer.said.get(segment.facts.id)
      if (!said || !peer.counts(now)) continue
      if (said.pulls || said.pieces?.count) relayedUntil = Math.max(relayedUntil, said.at + pullStall)
      if (said.pieces?.size === held.size) {
        for (let i = 0; i < held.size; i++) if (said.pieces.has(i)) held.add(i)
        saidAt = Math.max(saidAt, said.at)
      }
      any ||= said.pulls || (said.pieces?.count ?? 0) > 0
    }
    let covered = true
    for (let i = 0; i < held.size && covered; i++) covered = segment.have.has(i) || held.has(i)
    const until = covered ? Math.max(segment.lastBytesAt, saidAt) + supplyStall : relayedUntil
    return { any, enough: until > now, until }
  }

  /** A turn at the seed is over: all came, or nothing for too long. @param {Pending} segment @param {number} now */
  #sought (segment, now) {
    if (segment.seekUntil === Infinity) return
    segment.seekUntil = Infinity
    this.fetched(segment.facts.id, { ok: segment.have.complete, bytes: 0, firstByte: 0, ms: 0 }, now)
  }

  /** It must be fetched though peers promised it and nothing at all came. @param {Pending} segment @param {number} now */
  #blame ({ facts, lastBytesAt }, now) {
    const { supplyStall } = this.settings
    if (now - lastBytesAt < supplyStall) return
    for (const peer of this.peers.values()) peer.reliedInVain(facts.id, supplyStall, now)
  }
}
