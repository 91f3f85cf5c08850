/**
 * What the player was given and has not put into its buffer yet. Appending takes a moment, the first time a long one,
 * and meanwhile the player asks for the next segment: by its buffer alone that one would seem to be late. Pure.
 */

/** What is not in the buffer after this was not for its end, ms: then the buffer is believed. */
const APPENDED = 1000

export class Handed {
  /** @type {Map<string, { at: number, level: number, next: number }>} by playlist, of the last second: picture, and audio of its own */
  #given = new Map()

  /**
   * A segment was given to the player.
   * @param {{ group: string, msn: number, duration: number }} segment duration: s
   * @param {number} buffer s, as the player says @param {number} now ms
   */
  gave ({ group, msn, duration }, buffer, now) {
    const before = this.#level(group, now)
    this.#given.set(group, { at: now, level: Math.max(buffer, before) + duration, next: msn + 1 })
    for (const [other, { at }] of this.#given) if (now - at >= APPENDED) this.#given.delete(other)
  }

  /** The player asks for a segment: another than the next one is for another place. @param {string} group @param {number} msn */
  asked (group, msn) {
    if (this.#given.get(group)?.next !== msn) this.#given.delete(group)
  }

  /** Seconds that will play from now on without another segment. @param {number} buffer s, as the player says @param {number} now ms */
  ahead (buffer, now) {
    const levels = [...this.#given.keys()].map(group => this.#level(group, now)).filter(level => level > 0)
    return Math.max(buffer, levels.length > 0 ? Math.min(...levels) : 0)
  }

  /** @param {string} group @param {number} now */
  #level (group, now) {
    const given = this.#given.get(group)
    return given && now - given.at < APPENDED ? given.level - (now - given.at) / 1000 : 0
  }
}
