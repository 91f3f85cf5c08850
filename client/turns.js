/**
 * When it is a viewer's turn to pull a segment from the origin. Pure.
 *
 * Who knows all the others goes by rank (elect.js): one pulls, the next takes over a while later. In a larger swarm a
 * few in all pull at once, chosen by hash; what they have reaches the others by way of others, and everybody who is
 * not chosen waits as long as such news usually takes here. The chosen are more where segments come too late,
 * and those who can upload more are chosen more often: what they pull spreads fastest.
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

/** @typedef {import('./elect.js').Candidate} Candidate */

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
  }

  /** A segment had to be fetched at its deadline: let more in at the beginning, when it still spreads. */
  tooLate () { this.need = Math.min(this.settings.needMax, this.need * MORE) }

  /** A segment is complete. */
  inTime () { this.need = Math.max(1, this.need * LESS) }

  /**
   * How long after nobody is known to supply a segment we pull it, ms; 0: at once.
   * @param {{ id: string, bytes: number, duration: number }} segment
   * @param {Candidate[]} followers peers that follow its variant and are counted on
   * @param {number} peers all we have links to
   * @param {number} now
   */
  wait ({ id, bytes, duration }, followers, peers, now) {
    const me = { peer: this.me, age: now - this.bornAt }
    const known = followers.length
    const viewers = (1 + this.others) * known / Math.max(1, peers) // the others follow other variants
    const { takeover } = this.settings
    if (viewers <= FEW * (known + 1)) return takeover * Math.floor(rank(id, me, followers) / Math.floor(this.need))
    const weight = this.need * this.upload.weight(bytes / Math.max(1, 1000 * duration), now)
    const { tier: before, last } = tier(id, { ...me, weight }, viewers, known)
    return before * this.news.high(STRAYS) + (last ? takeover * rank(id, me, followers) : 0)
  }
}
