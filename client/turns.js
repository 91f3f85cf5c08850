/**
 * When it is a viewer's turn to pull a segment from the origin. Pure.
 *
 * Who knows all the others goes by rank (elect.js): one pulls, the next takes over a while later. In a larger swarm a
 * few in all pull at once, chosen by hash; what they have reaches the others by way of others, and everybody who is
 * not chosen waits as long as such news usually takes here. The chosen are more where segments come too late,
 * and those who can upload more are chosen far more often: what they pull spreads fastest.
 */

import { rank, tier } from './elect.js'
import { Estimate } from './estimate.js'
import { Upload } from './upload.js'

/** Of a segment that came too late, and of one in time: about a tenth of late ones keeps the need where it is. */
const MORE = 1.5
const LESS = 0.95
/** How far beyond the usual news is waited for: RFC 6298's four. */
const STRAYS = 4
/** Where all but so many times the known are strangers, rank among the known is enough: two or three pull. */
const FEW = 2
/** Of a line nothing is known of, in the stream's rate. */
const USUAL = 2
/** More is not asked of anybody, in the stream's rate: by as many neighbours, or by all of them. */
const MOST = 8
/**
 * Who carries twice as much pulls eight times as often. In simulated swarms with a mean upload of 1.5 × the bit rate
 * 0.85 came from peers at N = 100 where pulling followed the lines, 0.87 with their squares, 0.91 with their cubes.
 */
const POWER = 3
/**
 * Of our own line in the mean that we tell the others, who pass it on in theirs: a few neighbours are too few to tell
 * what lines there are, and those of some steps around are a fair sample.
 */
const OWN = 1 / 4
/** It is told in these, for messages carry whole numbers. */
const UNIT = 1000

/**
 * @typedef {object} Follower
 * @property {string} peer peer id
 * @property {number} age ms since it joined the mesh
 * @property {number} line what it says its line carries upwards, bytes/s; 0: it does not know
 * @property {number} mean `Turns.mean`, as it says; 0: it does not know
 */

export class Turns {
  /** @param {string} me our peer id @param {number} bornAt ms @param {{ takeover: number, needMax: number }} settings */
  constructor (me, bornAt, settings) {
    this.me = me
    this.bornAt = bornAt
    this.settings = settings
    /** Others in the swarm, as the tracker counts: of all variants, also those we have no link to. */
    this.others = 0
    /** From a segment's listing to the first word of somebody who supplies it, ms. */
    this.news = new Estimate(settings.takeover, settings.takeover / 2)
    /** What we were seen to upload. */
    this.upload = new Upload()
    /** How much more is pulled hereabouts than where all comes in time, at most `needMax`. */
    this.need = 1
    /** How much pulling suits the lines hereabouts, on average, in thousandths; 0: not known. */
    this.mean = 0
  }

  /** A segment had to be fetched at its deadline: let more in at the beginning, when it still spreads. */
  tooLate () { this.need = Math.min(this.settings.needMax, this.need * MORE) }

  /** A segment is complete. */
  inTime () { this.need = Math.max(1, this.need * LESS) }

  /**
   * How long after nobody is known to supply a segment we pull it, ms; 0: at once.
   * @param {{ id: string, bytes: number, duration: number }} segment
   * @param {Follower[]} followers peers that follow its variant and are counted on
   * @param {number} peers all we have links to
   * @param {number} now
   */
  wait ({ id, bytes, duration }, followers, peers, now) {
    const known = followers.length
    const viewers = (1 + this.others) * known / Math.max(1, peers) // the others follow other variants
    const most = Math.min(MOST, Math.max(known, viewers - 1))
    const weight = (/** @type {number} */ line) => Math.min(line * duration / bytes || USUAL, most) ** POWER
    const others = followers.map(({ peer, age, line }) => ({ peer, age, weight: weight(line) }))
    const me = { peer: this.me, age: now - this.bornAt, weight: weight(this.upload.line) }
    const { takeover } = this.settings
    const sum = followers.reduce((sum, { line, mean }) => sum + (mean / UNIT || weight(line)), 0)
    const around = Math.max(1 / UNIT, sum / Math.max(1, known))
    if (viewers <= FEW * (known + 1)) {
      // More pull where segments come too late, but not the weak: they would serve only themselves.
      const need = 1 + (this.need - 1) * Math.min(1, me.weight / around)
      return takeover * Math.floor(rank(id, me, others) / Math.floor(need))
    }
    // Who has segments too late makes less of it: the strong around then pull more.
    const told = (OWN * me.weight + (1 - OWN) * around) / Math.sqrt(this.need)
    this.mean = Math.max(1, Math.round(UNIT * told))
    const { tier: before, last } = tier(id, { ...me, weight: this.need * me.weight / around }, viewers, known)
    return before * this.news.high(STRAYS) + (last ? takeover * rank(id, me, others) : 0)
  }
}
