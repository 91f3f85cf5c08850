/**
 * What the player was given and has not put into its buffer yet. Appending takes a moment, the first time a long one,
 * and meanwhile the player asks for the next segment: by its buffer alone that one would seem to be late. Pure.
 */

/** What is not in the buffer after this was not for its end, ms: then the buffer is believed. */
const APPENDED = 1000

export class Handed {
  #at = -Infinity
  #level = 0

  /** A segment was given to the player. @param {number} duration s @param {number} buffer s, as the player says @param {number} now ms */
  gave (duration, buffer, now) {
    this.#level = this.ahead(buffer, now) + duration
    this.#at = now
  }

  /** Seconds that will play from now on without another segment. @param {number} buffer s, as the player says @param {number} now ms */
  ahead (buffer, now) {
    const since = now - this.#at
    return since < APPENDED ? Math.max(buffer, this.#level - since / 1000) : buffer
  }
}
