/**
 * Has segments supplied: the scheduler decides, from what became of it so far, and here it is done.
 */

import { OriginFetches } from './fetches.js'
import { Handed } from './handed.js'
import { Holding } from './holding.js'
import { toDrop } from './keep.js'
import { IntegrityError } from './origin.js'
import { leaveOut } from './runs.js'
import { missingRuns } from './scheduler.js'

/** @typedef {import('./library.js').KnownSegment} KnownSegment */

/**
 * @typedef {object} Parts
 * @property {import('./library.js').Library} library
 * @property {import('./scheduler.js').Scheduler} scheduler
 * @property {import('./deliveries.js').Deliveries} deliveries
 * @property {import('./hints.js').Hints} hints
 * @property {import('./stats.js').Stats} stats
 * @property {() => import('./company.js').Company} company
 */

/**
 * @typedef {object} Facts
 * @property {boolean} p2pOnly
 * @property {() => boolean} uploads whether we upload now
 * @property {() => number} buffer seconds, as the player says
 * @property {(line: string) => void} log
 */

export class Supply {
  /** @param {Parts} parts @param {Facts} facts */
  constructor (parts, facts) {
    this.parts = parts
    this.facts = facts
    this.closed = false
    this.handed = new Handed()
    /** @type {number | null} when a segment was first complete, ms; null: not since somebody looked */
    this.fedAt = null
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.wake = undefined
    this.poked = false
    this.fetches = new OriginFetches({
      onBytes: bytes => { parts.stats.bytesFromOrigin += bytes },
      onPiece: (id, index) => {
        this.#swarm?.put(id, index)
        this.#verified(id, index)
      },
      onQuiet: (id, silent) => {
        this.#askPeers(id)
        if (silent) parts.scheduler.silent(id)
        this.poke()
      }
    })
  }

  get #swarm () { return this.parts.company().swarm }

  close () {
    this.closed = true
    clearTimeout(this.wake)
    this.fetches.close()
  }

  /** Hold a segment's (possibly still missing) bytes. @param {KnownSegment} segment @returns {Promise<Holding>} */
  async hold (segment) {
    const metainfo = await segment.metainfo()
    if (!segment.holding && !this.closed) {
      segment.holding = new Holding(metainfo)
      segment.usedAt = performance.now()
      this.parts.scheduler.list({
        id: segment.id, group: segment.group, msn: segment.msn, pieces: metainfo.hashes.length,
        bytes: metainfo.length, duration: segment.duration, follow: segment.follow
      }, performance.now())
      this.poke()
    }
    if (!segment.holding) throw new Error('closed')
    return segment.holding
  }

  /** All of it, for the player. Rejects with AbortError or the failure. @param {KnownSegment} segment @param {import('./types.js').WaitOptions} options */
  async complete (segment, { signal, onProgress }) {
    const { deliveries, scheduler } = this.parts
    const holding = await this.hold(segment)
    segment.usedAt = performance.now()
    this.handed.asked(segment.group, segment.msn)
    if (!holding.have.complete) {
      onProgress?.(holding.filled, holding.metainfo.length, false)
      const waiting = deliveries.wait(segment.id, signal, onProgress)
      scheduler.want(segment.id, true)
      this.poke()
      try {
        await waiting
      } finally {
        if (!deliveries.waits(segment.id)) this.#unwant(segment)
      }
    }
    this.parts.company().settle()
    this.handed.gave(segment, this.facts.buffer(), performance.now())
    return holding
  }

  /** Let go of what is out of date. */
  dropOld () {
    const { library, deliveries, scheduler, company } = this.parts
    const held = [...library.byId.values()].filter(segment => segment.holding).map(segment => ({
      id: segment.id,
      group: segment.group,
      msn: segment.msn,
      bytes: segment.holding?.bytes.length ?? 0,
      busy: deliveries.waits(segment.id) || this.fetches.has(segment.id),
      usedAt: segment.usedAt
    }))
    const drop = toDrop(held, library.groups)
    for (const id of drop) {
      const segment = library.byId.get(id)
      if (segment) segment.holding = null
      this.#swarm?.drop(id)
      scheduler.forget(id)
    }
    company().dialogue.tellLost(drop)
  }

  /** Something changed: decide again, once this turn's events are all in. */
  poke () {
    if (this.poked || this.closed) return
    this.poked = true
    queueMicrotask(() => {
      this.poked = false
      if (!this.closed) this.#step()
    })
  }

  #step () {
    const { scheduler, hints, library, deliveries } = this.parts
    const { uploads, p2pOnly, buffer } = this.facts
    const company = this.parts.company()
    const now = performance.now()
    scheduler.swarmSize(company.mesh ? company.mesh.others : 0)
    const bufferSeconds = this.handed.ahead(buffer(), now)
    const { commands, wakeAt } = scheduler.step(now, { bufferSeconds, sharing: uploads(), p2pOnly })
    for (const command of commands) {
      if (command.type === 'reload') hints.reload(command.group)
      else {
        const segment = library.byId.get(command.id)
        if (!segment?.holding) continue
        if (command.type === 'join') company.serve(segment)
        else if (command.type === 'fetch') this.#fetch(segment, segment.holding, command.runs)
        else if (command.type === 'seek-seed') company.seekSeed(segment, p2pOnly)
        else if (command.type === 'fail') deliveries.fail(segment.id, failure(segment.holding))
      }
    }
    clearTimeout(this.wake)
    if (wakeAt < Infinity) this.wake = setTimeout(() => this.#step(), Math.max(10, wakeAt - now))
  }

  /**
   * @param {KnownSegment} segment
   * @param {Holding} holding
   * @param {[number, number][]} runs
   */
  async #fetch (segment, holding, runs) {
    const { id } = segment
    const { dialogue } = this.parts.company()
    const left = leaveOut(runs, index => this.#swarm?.coming(id, index) === true)
    dialogue.tellPull(id, true)
    this.#swarm?.select(id, left, false)
    const outcome = await this.fetches.fetch(segment, holding, left)
    if (outcome.trouble) this.facts.log(`segment ${segment.msn}: ${outcome.trouble}`)
    if (this.closed) return
    if (!outcome.ok) this.#askPeers(id)
    dialogue.tellPull(id, false)
    this.parts.scheduler.fetched(id, outcome, performance.now())
    this.poke()
  }

  /** The origin does not get on with it: what is missing may come from peers, too. @param {string} id */
  #askPeers (id) {
    const holding = this.parts.library.byId.get(id)?.holding
    if (holding) this.#swarm?.select(id, missingRuns(holding.have), true)
  }

  /** Nobody waits for it any more. @param {KnownSegment} segment */
  #unwant (segment) {
    this.parts.scheduler.want(segment.id, false)
    if (!segment.follow && !segment.holding?.have.complete) this.fetches.abort(segment.id)
    this.poke()
  }

  /** A piece came from a peer or the seed, verified by webtorrent. @param {string} id @param {number} index */
  got (id, index) {
    const holding = this.parts.library.byId.get(id)?.holding
    if (!holding) return
    this.#verified(id, index)
    if (holding.have.complete) this.fetches.abort(id) // peers were faster
  }

  /** @param {string} id @param {number} index */
  #verified (id, index) {
    const { library, scheduler, deliveries, stats, company } = this.parts
    const now = performance.now()
    const segment = library.byId.get(id)
    const holding = segment?.holding
    if (!segment || !holding) return
    scheduler.verified(id, index, now)
    company().dialogue.tellPiece(segment)
    deliveries.progress(id, holding.filled, holding.metainfo.length, this.fetches.has(id))
    if (!holding.have.complete) return
    stats.bytesFromPeers += holding.from.peers
    stats.bytesFromSeed += holding.from.seed
    stats.record({
      msn: segment.msn, source: holding.source, ms: holding.ms,
      bytes: holding.metainfo.length, fromPeers: holding.from.peers, at: now
    })
    deliveries.done(id)
    this.fedAt ??= now
    this.poke()
  }
}

/** @param {Holding} holding */
function failure (holding) {
  return holding.distrusted ? new IntegrityError() : new Error('neither peers nor the origin could give the segment')
}
