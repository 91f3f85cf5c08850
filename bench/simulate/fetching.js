/** A segment, or what is missing of it, on its way from the origin to one simulated viewer, piece by piece (fetches.js's part). */

import { leaveOut, missingRuns } from '../../client/runs.js'
import { OVERHEAD, slowStart, tcpRate } from './lines.js'

/** fetches.js: no new piece for so long, and peers are asked as well, ms. */
const QUIET = 1500
/** The origin's own time for an answer, ms. */
export const SERVER = 5

/** @typedef {import('./viewer.js').SimViewer} SimViewer */
/** @typedef {import('./exchange.js').SimHolding} SimHolding */
/** @typedef {import('./origin.js').Reason} Reason */

export class Fetching {
  /** @param {SimViewer} viewer @param {string} id @param {SimHolding} holding @param {[number, number][]} missing @param {Reason} why */
  constructor (viewer, id, holding, missing, why) {
    this.viewer = viewer
    this.clock = viewer.world.clock
    this.id = id
    this.holding = holding
    this.why = why
    this.aborted = false
    this.ended = false
    this.runs = leaveOut(missing, index => viewer.exchange.coming(id, index))
    this.pieces = this.runs.flatMap(([first, last]) => Array.from({ length: last - first + 1 }, (_, i) => first + i))
    this.next = 0
    this.bytes = 0
    this.firstByte = viewer.rtt + SERVER
    this.at = this.lastAt = this.clock.now
  }

  begin () {
    this.#await(this.firstByte)
    this.clock.after(QUIET, quiet, this)
  }

  /** The next piece. @param {number} wait ms until it can begin to come */
  #await (wait) {
    const { clock, viewer } = this
    const piece = this.pieces[this.next]
    if (piece === undefined) return this.#end()
    const size = this.holding.size(piece)
    const rate = Math.min(viewer.traits.down, tcpRate(viewer.rtt, viewer.traits.loss))
    const waits = viewer.rtt * (slowStart(this.bytes + size) - slowStart(this.bytes))
    const starts = this.next > 0 && this.runs.some(([first]) => first === piece) ? viewer.rtt + SERVER : 0
    const at = clock.now + wait + starts + Math.max(size * OVERHEAD / rate, waits)
    clock.after(viewer.downlink.take(size, at) - clock.now, came, this)
  }

  came () {
    const { viewer, holding } = this
    if (viewer.gone) return
    if (this.aborted) return this.#end()
    const piece = /** @type {number} */ (this.pieces[this.next])
    const size = holding.size(piece)
    this.bytes += size
    this.next += 1
    this.lastAt = this.clock.now
    viewer.fetched(this, size)
    if (!holding.have.has(piece)) viewer.took(this.id, holding, piece, 'origin')
    this.#await(0)
  }

  #end () {
    this.ended = true
    const { aborted, bytes, firstByte } = this
    const measured = aborted ? { bytes: 0, firstByte: 0, ms: 0 } : { bytes, firstByte, ms: this.clock.now - this.at }
    this.viewer.fetchEnded(this.id, { ok: !aborted || this.holding.have.complete, ...measured })
  }

  quiet () {
    if (this.viewer.gone || this.aborted || this.ended) return
    const missing = missingRuns(this.holding.have)
    if (this.clock.now - this.lastAt >= QUIET) this.viewer.exchange.select(this.id, missing, true)
    this.clock.after(QUIET, quiet, this)
  }
}

/** @param {Fetching} fetching */
function came (fetching) { fetching.came() }
/** @param {Fetching} fetching */
function quiet (fetching) { fetching.quiet() }
