/**
 * Mesh upkeep: how many connections to offer and when, which offers to take, which links to end. Decided here,
 * acted on by mesh.js.
 *
 * Pure: no clock, no dice, no network. Facts go in through the methods, each with its time in ms; `step(now)` gives
 * commands and the time to ask again.
 *
 * - 6 links in a small swarm, some more in a large one; up to `maxPeers` for those who come later.
 * - Who has too many drops those whose other end has too many as well: nobody stays a hub for having come first.
 * - A silent link is dead. One that carries little, is far or whose peer does not upload is exchanged for a
 *   stranger, more and more rarely as the mesh settles.
 * - A few links are kept whatever they carry, chosen by a hash that both ends agree on: a choice by rate alone
 *   would let the swarm fall apart into fast and slow, near and far.
 */

import { score } from '../elect.js'
import { Allowance } from './allowance.js'

/** Links to have: all there are, up to six; one more for each doubling of the swarm from 16 others on. */
const WANT = 6
/** Links above what we want, for newcomers who find nobody else: so much of `maxPeers` is not ours to fill. */
const SLACK = 3
/** Offers and connections being made at once: each costs the browser ports and CPU. */
const MAX_PENDING = 8
/**
 * Offers that led to no link are repeated after this, doubled each time, ms. Peers the tracker still counts but who
 * are gone, full or banned would otherwise cost connections every interval. Who is (nearly) alone is in a hurry.
 */
const RETRY = 15_000
const RETRY_ALONE = 3000
const RETRY_MAX = 600_000
const FEW = 2
/** Offers answered: a crowd that arrives together, then one every two seconds. Each costs a connection. */
const ANSWERS = [24, 0.5]
/** Banned peer ids remembered; a peer that reconnects under a new id starts anew anyway. */
const MAX_BANNED = 256

/** Peers ping every second; a vanished one shows in ICE only after 6–16 s, ms. */
const SILENCE = 5000
/** A peer silent for this long that offers again has lost us; else it was drawn twice by the tracker, ms. */
const DOUBTED = 2500
/** After our own sleep or a change of network each peer has so long to answer, ms: some round trips. */
const PROBE = 2500
/** A step that comes so much later than the last means that we slept, ms: hidden tabs' timers run once a second. */
const SLEPT = 10_000

/** A link is judged once it had this time to be of use, ms. */
const TRIAL = 20_000
/** Links are compared so often at first, each time half as rarely again, ms. */
const REVIEW = 30_000
const REVIEW_MAX = 300_000
/** Surplus is given back one link at a time, ms: the other end may do so at the same moment. */
const PRUNE = 5000
/** Bytes either way count half after this, ms: ten segments. */
const HALF_LIFE = 20_000
/** Of the median of all links: what carries less is slow. */
const SLOW = 0.1
/** Of the median round trip, and at least so many ms: what takes longer is far. */
const FAR = 4
const FAR_MIN = 400
/** Kept whatever they carry: three random links each keep any number of viewers one connected graph. */
const KEPT = 3

/**
 * @typedef {object} Tie what is known of a link
 * @property {string} peer
 * @property {boolean} up
 * @property {boolean} initiator we made the offer
 * @property {boolean} shares the peer uploads
 * @property {number} links the peer's own, as it says
 * @property {number} since when it came up, ms
 * @property {number} heardAt ms
 * @property {number} probedAt when it was asked for a sign of life after which it must answer soon; Infinity: not
 * @property {number} rtt ms; 0: unknown
 * @property {number} value bytes either way, decayed
 * @property {number} valuedAt ms
 */

/**
 * @typedef {{ type: 'close', peer: string, reason: string }
 *   | { type: 'probe', peer: string }
 *   | { type: 'announce' }} Command
 * close: end this link. probe: ping it now. announce: make `offers(now)` offers.
 */

export class Upkeep {
  /**
   * @param {string} me our peer id
   * @param {number} maxPeers links at most
   */
  constructor (me, maxPeers) {
    this.me = me
    this.maxPeers = Math.max(1, maxPeers)
    /** Others in the swarm, as the tracker says. */
    this.others = 0
    /** Viewers, us too, that there must be for a mesh to form; one that is there stays. */
    this.least = 1
    /** @type {Map<string, Tie>} by peer id: up, or being made; at most maxPeers */
    this.ties = new Map()
    /** Offers that nobody answered yet. */
    this.pending = 0
    /** @type {Set<string>} */
    this.banned = new Set()
    this.answers = new Allowance(ANSWERS[0], ANSWERS[1])
    /** Rounds of offers since a link last came up, when the next may be, and for how many others the last was. */
    this.fruitless = 0
    this.offerAt = 0
    this.offeredTo = 0
    this.steppedAt = NaN
    this.pruneAt = 0
    this.reviewAt = NaN
    this.reviewIn = REVIEW
  }

  /** There are not viewers enough to begin with. */
  get few () { return this.ties.size === 0 && this.others + 1 < this.least }

  /** Links wanted: what we make offers for. */
  get want () {
    if (this.few) return 0
    const sized = Math.ceil(WANT + Math.log2(Math.max(1, this.others / 16)))
    return Math.min(this.others, sized, Math.max(1, this.maxPeers - SLACK, Math.min(WANT, this.maxPeers)))
  }

  // ── the tracker ────────────────────────────────────────────────────────────────────────────────

  /** The tracker said how many others there are. @param {number} others */
  counted (others) { this.others = others }

  /**
   * How many offers to make now. Each is told of again: `offerEnded` when it failed or nobody took it, else `answered`.
   * @param {number} now
   */
  offers (now) {
    const count = this.#lack()
    if (count <= 0 || (now < this.offerAt && this.others <= this.offeredTo)) return 0
    const first = this.ties.size < FEW ? RETRY_ALONE : RETRY
    this.offerAt = now + Math.min(RETRY_MAX, first * 2 ** this.fruitless++)
    this.offeredTo = this.others
    this.pending += count
    return count
  }

  offerEnded () { this.pending -= 1 }

  /**
   * An offer came in. When taken, the link counts as being made; `closes` names those to end for it.
   * @param {string} peer @param {number} now
   * @returns {{ take: boolean, closes: { peer: string, reason: string }[] }}
   */
  invited (peer, now) {
    const before = this.ties.get(peer)
    const stays = before && (before.up
      ? now - before.heardAt < DOUBTED
      // Both offered at once: the one made by the lower peer id stays, on both sides.
      : !before.initiator || this.me < peer)
    const spared = before || this.ties.size < this.maxPeers ? undefined : this.#surplus(now)
    const room = before || spared || this.ties.size < this.maxPeers
    const welcome = !this.few && !this.banned.has(peer) && !stays && room
    if (!welcome || !this.answers.take(1, now)) return { take: false, closes: [] }
    const closes = []
    if (before) closes.push({ peer, reason: before.up ? 'it connects anew' : 'both offered' })
    if (spared) closes.push({ peer: spared.peer, reason: 'room for a newcomer' })
    for (const { peer } of closes) this.ties.delete(peer)
    this.#tie(peer, false, now)
    return { take: true, closes }
  }

  /**
   * An offer of ours was answered. When taken, the link counts as being made; `closes` names those to end for it.
   * @param {string} peer @param {number} now
   * @returns {{ take: boolean, closes: { peer: string, reason: string }[] }}
   */
  answered (peer, now) {
    this.pending -= 1
    const before = this.ties.get(peer)
    const stays = before && (before.up || before.initiator || peer < this.me)
    const full = !before && this.ties.size >= this.maxPeers
    if (this.banned.has(peer) || stays || full) return { take: false, closes: [] }
    const closes = before ? [{ peer, reason: 'both offered' }] : []
    this.#tie(peer, true, now)
    return { take: true, closes }
  }

  // ── links ──────────────────────────────────────────────────────────────────────────────────────

  /** The peer said hello. @param {string} peer @param {{ shares: boolean, links?: number }} said @param {number} now */
  up (peer, said, now) {
    const tie = this.ties.get(peer)
    if (!tie) return
    Object.assign(tie, { up: true, since: now, heardAt: now, valuedAt: now })
    this.fruitless = 0
    this.said(peer, said)
  }

  /** The link is over. @param {string} peer @param {number} now */
  down (peer, now) {
    // Who lost a link may offer at once; one that never came up tells nothing new.
    if (this.ties.get(peer)?.up) this.offerAt = Math.min(this.offerAt, now)
    this.ties.delete(peer)
  }

  /** Never take it (back). @param {string} peer */
  ban (peer) {
    if (this.banned.size >= MAX_BANNED) this.banned.clear()
    this.banned.add(peer)
  }

  /** Something came from the peer, the last at this time. @param {string} peer @param {number} at ms */
  heard (peer, at) {
    const tie = this.ties.get(peer)
    if (!tie) return
    tie.heardAt = at
    if (at >= tie.probedAt) tie.probedAt = Infinity
  }

  /** Useful bytes went over the link, either way. @param {string} peer @param {number} bytes @param {number} now */
  carried (peer, bytes, now) {
    const tie = this.ties.get(peer)
    if (!tie) return
    tie.value = valueOf(tie, now) + bytes
    tie.valuedAt = now
  }

  /** @param {string} peer @param {number} ms */
  roundTrip (peer, ms) {
    const tie = this.ties.get(peer)
    if (tie) tie.rtt = ms
  }

  /** What the peer says of itself. @param {string} peer @param {{ shares?: boolean, links?: number }} said */
  said (peer, { shares, links }) {
    const tie = this.ties.get(peer)
    if (!tie) return
    if (shares !== undefined) tie.shares = shares
    if (links !== undefined) tie.links = links
  }

  /**
   * We slept, or the network is another: a peer has to show that it is there.
   * @param {number} now @param {string} [peer] all of them without it
   */
  doubt (now, peer) {
    for (const tie of this.ties.values()) {
      if (tie.up && (peer === undefined || tie.peer === peer)) tie.probedAt = Math.min(tie.probedAt, now)
    }
  }

  // ── deciding ───────────────────────────────────────────────────────────────────────────────────

  /**
   * To be called about every second, and when something changed.
   * @param {number} now
   * @returns {Command[]}
   */
  step (now) {
    /** @type {Command[]} */
    const commands = []
    const slept = now - this.steppedAt > SLEPT
    this.steppedAt = now
    for (const { peer, up, heardAt, probedAt } of this.ties.values()) {
      if (!up) continue
      const silent = now - heardAt > SILENCE
      // Nobody could be heard while we slept: ask before judging.
      if (slept && silent && probedAt === Infinity) this.doubt(now, peer)
      else if (probedAt === Infinity ? silent : now - probedAt >= PROBE) {
        commands.push({ type: 'close', peer, reason: 'the peer is silent' })
        continue
      }
      if (this.ties.get(peer)?.probedAt !== Infinity) commands.push({ type: 'probe', peer })
    }
    if (commands.every(({ type }) => type !== 'close')) commands.push(...this.#exchange(now))
    if (this.#lack() > 0 && now >= this.offerAt) commands.push({ type: 'announce' })
    return commands
  }

  #lack () { return Math.min(this.want - this.ties.size, MAX_PENDING) - this.pending }

  /** @param {string} peer @param {boolean} initiator @param {number} now */
  #tie (peer, initiator, now) {
    const said = { up: false, shares: true, links: 0, rtt: 0, value: 0 }
    this.ties.set(peer, { peer, initiator, ...said, since: now, heardAt: now, valuedAt: now, probedAt: Infinity })
  }

  /** One link fewer, because there are too many or one is of little use. @param {number} now @returns {Command[]} */
  #exchange (now) {
    if (this.ties.size > this.want + 1 && now >= this.pruneAt) {
      this.pruneAt = now + PRUNE
      const surplus = this.#surplus(now)
      if (surplus) return [{ type: 'close', peer: surplus.peer, reason: 'both have links enough' }]
    }
    if (Number.isNaN(this.reviewAt)) this.reviewAt = now + this.reviewIn
    if (now < this.reviewAt) return []
    this.reviewIn = Math.min(REVIEW_MAX, 1.5 * this.reviewIn)
    this.reviewAt = now + this.reviewIn
    const useless = this.#useless(now)
    return useless ? [{ type: 'close', peer: useless.peer, reason: 'another may be of more use' }] : []
  }

  /** The least useful link that neither end would miss. @param {number} now */
  #surplus (now) {
    return this.#judged(now)
      .filter(tie => tie.links > this.want + 1)
      .sort((a, b) => Number(a.shares) - Number(b.shares) || valueOf(a, now) - valueOf(b, now) || b.links - a.links)[0]
  }

  /** A link worth exchanging for a stranger, while there are strangers. @param {number} now */
  #useless (now) {
    const all = [...this.ties.values()].filter(tie => tie.up)
    if (this.others <= this.ties.size || all.length < this.want) return undefined
    const givers = all.filter(tie => tie.shares).length
    const typical = median(all.map(tie => valueOf(tie, now)))
    const near = median(all.map(tie => tie.rtt))
    return this.#judged(now)
      .filter(tie => (!tie.shares && givers < all.length / 2) ||
        valueOf(tie, now) < SLOW * typical || tie.rtt > Math.max(FAR_MIN, FAR * near))
      .sort((a, b) => Number(a.shares) - Number(b.shares) || valueOf(a, now) - valueOf(b, now))[0]
  }

  /** Links that had their trial and are not kept for variety. @param {number} now */
  #judged (now) {
    const up = [...this.ties.values()].filter(tie => tie.up)
    const lot = (/** @type {Tie} */ { peer }) => (this.me < peer ? score(this.me, peer) : score(peer, this.me))
    const kept = new Set(up.sort((a, b) => lot(a) - lot(b)).slice(0, KEPT))
    return up.filter(tie => !kept.has(tie) && now - tie.since >= TRIAL)
  }
}

/** @param {Tie} tie @param {number} now */
function valueOf ({ value, valuedAt }, now) {
  return value * 2 ** ((valuedAt - now) / HALF_LIFE)
}

/** @param {number[]} values */
function median (values) {
  return values.sort((a, b) => a - b)[values.length >> 1] ?? 0
}
