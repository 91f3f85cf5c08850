/**
 * What one peer says of segments, and how far that is believed. Pure.
 *
 * A statement is a promise: "I hold these pieces", "I fetch it". It counts from the moment it said something
 * new; saying it again keeps nobody waiting longer. A peer whose promises repeatedly brought no byte is not
 * counted on for a while: neither as a supplier nor as a candidate for pulling. It may still serve, and the
 * first block that comes restores it.
 */

/** Statements kept per peer: the window of a few variants; older ones are forgotten first. */
const MAX_STATEMENTS = 64
/** Promises in a row without a byte until a peer is not counted on: one or two are a busy moment. */
const MAX_BROKEN = 3
/** For how long, ms. After it a single broken promise is enough for the next time. */
const DOUBT = 30_000

/**
 * @typedef {object} Statement
 * @property {import('./pieces.js').PieceSet | null} pieces null: it only knows that the segment exists
 * @property {boolean} pulls
 * @property {boolean} tried it has pulled before: what was given up and begun again is no news
 * @property {number} at when it last said anything new, ms
 * @property {number} since when it first promised anything, ms; Infinity: never
 * @property {boolean} broken it was relied on in vain
 */

export class Claims {
  /** @param {number} bornAt when the peer joined the mesh, ms on our clock */
  constructor (bornAt) {
    this.bornAt = bornAt
    this.shares = true
    /** What its line carries upwards, bytes/s; 0: it does not know. */
    this.line = 0
    /** What lines it has around it; see Turns. */
    this.mean = 0
    /** @type {Map<string, Statement>} by segment, newest last */
    this.said = new Map()
    this.broken = 0
    this.doubtedUntil = -Infinity
  }

  /**
   * @param {string} id
   * @param {{ pieces?: import('./pieces.js').PieceSet | null, pulls?: boolean }} statement
   * @param {number} now
   * @returns {boolean} whether it is the first one about this segment
   */
  say (id, { pieces, pulls }, now) {
    const before = this.said.get(id)
    const news = !before || (pulls === true && !before.tried) || (pieces?.count ?? 0) > (before.pieces?.count ?? 0)
    const promises = pulls === true || (pieces?.count ?? 0) > 0
    this.said.delete(id)
    this.said.set(id, {
      pieces: pieces ?? before?.pieces ?? null,
      pulls: pulls ?? before?.pulls ?? false,
      tried: pulls === true || (before?.tried ?? false),
      at: news ? now : before.at,
      since: Math.min(before?.since ?? Infinity, promises ? now : Infinity),
      broken: before?.broken ?? false
    })
    for (const old of this.said.keys()) {
      if (this.said.size <= MAX_STATEMENTS) break
      this.said.delete(old)
    }
    return !before
  }

  /** It no longer holds it. That it promised it is not forgotten. @param {string} id */
  lose (id) {
    const said = this.said.get(id)
    if (said) Object.assign(said, { pieces: null, pulls: false })
  }

  /** Whether what it promises may be waited for. @param {number} now */
  counts (now) { return this.shares && now >= this.doubtedUntil }

  /** A block came from it: it keeps its word. */
  kept () {
    this.broken = 0
    this.doubtedUntil = -Infinity
  }

  /**
   * The segment had to be fetched although this peer may have promised it: for long enough, and in vain?
   * @param {string} id
   * @param {number} patience ms
   * @param {number} now
   */
  reliedInVain (id, patience, now) {
    const said = this.said.get(id)
    if (!said || said.broken || now - said.since < patience) return
    said.broken = true
    this.broken += 1
    if (this.broken >= MAX_BROKEN) this.doubtedUntil = now + DOUBT
  }
}
