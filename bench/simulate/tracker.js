/**
 * The tracker and the way to it (seeder/tracker/swarm.py in few words): it counts, and passes each offer to
 * a random other member.
 */

/** Seconds between announces, and on a young connection (seeder/tracker/limits.py). */
export const INTERVAL = 30
export const MIN_INTERVAL = 10

/** @typedef {import('./mesh.js').SimMesh} SimMesh */

export class Tracker {
  /** @param {import('./clock.js').Clock} clock @param {import('./dice.js').Dice} dice */
  constructor (clock, dice) {
    this.clock = clock
    this.dice = dice
    /** @type {SimMesh[]} */
    this.members = []
    /** @type {Map<SimMesh, number>} where each is in members */
    this.places = new Map()
    this.messages = 0
  }

  /** @param {SimMesh} mesh @returns {number} how many others there are */
  announce (mesh) {
    this.messages += 2
    if (!this.places.has(mesh)) {
      this.places.set(mesh, this.members.length)
      this.members.push(mesh)
    }
    return this.members.length - 1
  }

  /** @param {SimMesh} mesh */
  leave (mesh) {
    const place = this.places.get(mesh)
    if (place === undefined) return
    this.places.delete(mesh)
    const last = /** @type {SimMesh} */ (this.members.pop())
    if (last === mesh) return
    this.members[place] = last
    this.places.set(last, place)
  }

  /** As many different others as there are offers. @param {SimMesh} mesh @param {number} count @returns {SimMesh[]} */
  sample (mesh, count) {
    /** @type {Set<SimMesh>} */
    const chosen = new Set()
    const most = Math.min(count, this.members.length - 1)
    while (chosen.size < most) {
      const other = /** @type {SimMesh} */ (this.members[this.dice.below(this.members.length)])
      if (other !== mesh) chosen.add(other)
    }
    this.messages += chosen.size
    return [...chosen]
  }
}
