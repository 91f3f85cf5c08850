/** How long a fetch from the origin takes, and how much more is kept in hand before a deadline. Pure. */

import { Estimate } from './estimate.js'

/** RFC 6298's: rarely does anything stray farther. */
const STRAYS = 4
/** What a late segment makes of the caution, and one in time. */
const LATE = 1.5
const IN_TIME = 0.98

export class OriginTime {
  /** @param {Pick<import('./scheduling.js').Settings, 'margin' | 'marginMin' | 'marginMax' | 'firstByte' | 'rate'>} settings */
  constructor (settings) {
    this.settings = settings
    /** What fetches took beyond the expected, ms. */
    this.overrun = new Estimate(0, settings.margin / STRAYS)
    /** How many times that is kept in hand; grows with lateness. */
    this.caution = 1
    /** ms; bytes per ms */
    this.firstByte = settings.firstByte
    this.rate = settings.rate
    /** Whether these were measured. What the line carries at all: line-rate.js. */
    this.measured = false
  }

  /** A fetch is done. @param {{ bytes: number, firstByte: number, ms: number }} fetched */
  took ({ bytes, firstByte, ms }) {
    if (this.measured) this.overrun.add(ms - this.expected(bytes))
    const weight = this.measured ? 0.3 : 1 // what was only assumed counts for nothing
    this.measured = true
    this.firstByte += weight * (firstByte - this.firstByte)
    this.rate += weight * (bytes / Math.max(1, ms - firstByte) - this.rate)
  }

  /** A late segment or a stall: keep more in hand. It decays as segments arrive in time. */
  late () { this.caution = Math.min(this.settings.marginMax / this.settings.marginMin, this.caution * LATE) }

  /** A segment is complete. */
  inTime () { this.caution = Math.max(1, this.caution * IN_TIME) }

  /** What is kept in hand before a deadline, ms: as much as this viewer's fetches stray, more after lateness. */
  get margin () {
    const { marginMin, marginMax } = this.settings
    return Math.min(marginMax, this.caution * Math.max(marginMin, this.overrun.high(STRAYS)))
  }

  /** ms to fetch so much. @param {number} bytes */
  expected (bytes) { return this.firstByte + bytes / Math.max(1, this.rate) }
}
