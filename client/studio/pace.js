/**
 * How much is recorded, by what the line and the server take. Pure: bytes and the time come in, decisions go out.
 *
 * A recorder cannot change its bit rate: each change is a new recorder, which viewers see as a short jolt. So there
 * are few changes: down at once when it has to be, by as much as was seen to be missing; up seldom, and ever more
 * seldom when it did not hold.
 */

import { LEAST } from './quality.js'

/** Backlog that is no worry: a burst, a key frame, the server's own second between two reports. s */
const CALM = 1
/** Backlog from which on less is recorded. s */
const SLOW = 2.5
/** What is held at most before a recorder's rest is thrown away: viewers are that far behind by then. s */
const MOST = 10
/** … and in bytes, whatever the rate: a phone's memory. */
const MOST_BYTES = 8 << 20
/** … and what is no reason to throw anything away at the lowest rates: a few key frames. */
const LEAST_BYTES = 256 << 10
/**
 * Handed to the socket beyond what the server says it has got, s of media: it says so once a second, and what the socket
 * has cannot be taken back. Not by its `bufferedAmount`: browser and system take megabytes from it at once.
 */
const AHEAD = 4
const LEAST_AHEAD = 128 << 10
/** … and before the server has said anything, which takes it a second or two. */
const FIRST_AHEAD = 1 << 20
/** After a change the old rate's backlog drains first. ms */
const SETTLE = 5000
/** The window in which the line's rate is measured. ms */
const WINDOW = 4000
/** Calm so long before more is tried, at first and at most. ms */
const PATIENCE = 20_000
const MOST_PATIENCE = 5 * 60_000

/** @typedef {'keep' | 'lower' | 'raise' | 'drop'} Decision */

export class Pace {
  /** @param {number} wanted bits/s: what the user chose */
  constructor (wanted) {
    this.wanted = wanted
    /** To be recorded now, bits/s. */
    this.bits = wanted
    /** What is held, in seconds of media. */
    this.backlog = 0
    this.patience = PATIENCE
    this.changedAt = -Infinity
    /** When it went up last; -Infinity: it came down since, or never did. ms */
    this.raisedAt = -Infinity
    /** Since when it has been calm; null: it is not. @type {number | null} */
    this.calmSince = null
    /** Since when the backlog has been too long. @type {number | null} */
    this.slowSince = null
    /** What the other end took lately, bits/s. */
    this.taking = 0
    /** What had been recorded, and what the other end had taken; a window's. @type {{ at: number, made: number, taken: number }[]} */
    this.seen = []
  }

  /** Bytes that may be held here before a recorder's rest is thrown away. */
  get mostHeld () {
    return Math.min(MOST_BYTES, Math.max(LEAST_BYTES, (this.bits / 8) * MOST))
  }

  /** Bytes that may be on the way: of a recorder that makes more than it was told to, as many as the line carries. */
  get ahead () {
    const least = this.seen.length < 2 ? FIRST_AHEAD : LEAST_AHEAD
    return Math.min(MOST_BYTES, Math.max(least, Math.max(this.bits, this.taking) / 8 * AHEAD))
  }

  /** Less than what was chosen is recorded. */
  get lowered () { return this.bits < this.wanted }

  /** A new connection: what was held is gone, and its count of bytes begins anew. @param {number} now ms */
  reconnected (now) {
    this.seen = []
    this.backlog = this.taking = 0
    this.calmSince = this.slowSince = null
    this.changedAt = now
  }

  /** The user chose another. @param {number} wanted bits/s @param {number} now ms */
  choose (wanted, now) {
    this.wanted = this.bits = wanted
    this.patience = PATIENCE
    this.reconnected(now)
  }

  /** The server gave up on it. */
  halve () { this.bits = Math.max(Math.min(LEAST, this.wanted), this.bits / 2) }

  /**
   * Look once or more often a second. Whoever is told other than `keep` begins a new recorder with `bits`; for `drop`
   * after it has thrown away what it holds itself.
   * @param {object} facts
   * @param {number} facts.held bytes recorded that ffmpeg at the server has not taken: here, on the way and there
   * @param {number} facts.queued bytes of them that are here and not yet handed to the socket
   * @param {number} facts.made bytes recorded for this connection so far
   * @param {number} facts.taken bytes of them that the other end has taken
   * @param {number} now ms
   * @returns {Decision}
   */
  look ({ held, queued, made, taken }, now) {
    this.seen = this.seen.filter(({ at }) => at > now - WINDOW)
    this.seen.push({ at: now, made, taken })
    this.taking = this.#rate('taken', now) ?? 0
    const before = this.backlog
    // A quiet picture makes less than it may; of a still one nothing can be said.
    this.backlog = held * 8 / Math.max(this.#rate('made', now) ?? this.bits, this.bits / 10)
    if (queued > this.mostHeld) return this.#lower(now, 'drop')
    if (this.backlog > SLOW) {
      this.calmSince = null
      this.slowSince ??= now
      const settled = now - this.changedAt > SETTLE
      // What shrinks by itself is left to.
      return settled && now - this.slowSince > 1000 && this.backlog >= before ? this.#lower(now, 'lower') : 'keep'
    }
    this.slowSince = null
    if (this.backlog > CALM) this.calmSince = null
    else this.calmSince ??= now
    const calm = this.calmSince === null ? 0 : now - Math.max(this.calmSince, this.changedAt)
    return this.lowered && calm > this.patience ? this.#raise(now) : 'keep'
  }

  /** @param {number} now @param {'lower' | 'drop'} how @returns {Decision} */
  #lower (now, how) {
    // It was tried for nothing: the next time it is tried later. What held for long and then did not is another line.
    const vain = now - this.raisedAt < MOST_PATIENCE
    this.patience = vain ? Math.min(MOST_PATIENCE, this.patience * 2) : PATIENCE
    this.raisedAt = -Infinity
    const line = this.taking || null
    const least = Math.min(LEAST, this.wanted)
    const bits = Math.max(least, Math.min(this.bits * 0.7, line === null ? this.bits / 2 : line * 0.8))
    // As low as it gets: another recorder would help nobody, but what is thrown away needs one.
    if (how === 'lower' && bits >= this.bits) return 'keep'
    this.#change(bits, now)
    return how
  }

  /** @param {number} now @returns {Decision} */
  #raise (now) {
    // The step before this one held: the line is another one, and the next step a large one.
    const held = this.raisedAt > -Infinity
    if (held) this.patience = Math.max(PATIENCE, this.patience / 2)
    this.raisedAt = now
    this.#change(Math.min(this.wanted, this.bits * (held ? 2 : 1.4)), now)
    return 'raise'
  }

  /** @param {number} bits @param {number} now */
  #change (bits, now) {
    this.bits = bits
    this.changedAt = now
    this.calmSince = this.slowSince = null
  }

  /** Lately, bits/s; null before there is enough to say. @param {'made' | 'taken'} what @param {number} now */
  #rate (what, now) {
    const first = this.seen[0]
    const last = this.seen.at(-1)
    if (!first || !last || now - first.at < WINDOW / 2) return null
    return (last[what] - first[what]) * 8000 / (last.at - first.at)
  }
}
