/**
 * What to expect of something that varies: its mean, and how far it strays (RFC 6298 §2 does so for round trips).
 * Pure. A limit set from both fits a steady line closely and leaves an unsteady one room.
 */

/** Weights of a new sample: RFC 6298's, doubled, for a viewer sees a segment every few seconds only. */
const MEAN = 1 / 4
const STRAY = 1 / 2

export class Estimate {
  /** @param {number} mean assumed until the first sample @param {number} stray the same */
  constructor (mean, stray) {
    this.mean = mean
    this.stray = stray
    this.samples = 0
  }

  /** @param {number} sample */
  add (sample) {
    if (this.samples === 0) this.mean = sample // what was only assumed counts for nothing; its straying does
    const error = sample - this.mean
    this.stray += STRAY * (Math.abs(error) - this.stray)
    this.mean += MEAN * error
    this.samples += 1
  }

  /** Rarely exceeded. @param {number} strays */
  high (strays) { return this.mean + strays * this.stray }
}
