/** The player stays on its variant, and thinks of no higher one: hls.js goes up at 70 % of what it was told. */
const ENOUGH = 1.4

/**
 * How long a segment is said to have taken, for the player's choice of variant (ABR). Most of the real time
 * is waiting for peers, or none because the segment was there already: neither says what the line can carry,
 * and one slow puller would talk everybody down to a lower variant. Pure.
 *
 * @param {object} facts
 * @param {number} facts.waited ms from the player's request to the last byte
 * @param {number} facts.ms from when it was first wanted, by whomever, to the last byte
 * @param {number} facts.bytes
 * @param {number} facts.duration of the segment, s
 * @param {number} facts.rate of the origin as measured here, bytes per ms; 0: not yet
 * @returns {number} ms, never 0: that would be an infinite rate
 */
export function countedTime ({ waited, ms, bytes, duration, rate }) {
  // Slower than it plays: whatever the reason, the player must know.
  if (waited > 1000 * duration) return Math.max(1, waited)
  if (rate > 0) return Math.max(1, bytes / rate)
  // All came from peers so far. What they gave soon shows what comes down the line, what they gave late shows nothing.
  return Math.max(1, Math.min(ms, 1000 * duration / ENOUGH))
}

/**
 * How long a player that measures by itself is kept waiting at least, so that it finds the same: no longer than the
 * line would have taken, and short enough that its buffer grows. Pure.
 *
 * @param {{ ms: number, bytes: number, duration: number, rate: number }} facts as above
 * @returns {number} ms from its request to the last byte
 */
export const pace = facts => Math.min(countedTime({ ...facts, waited: 0 }), 1000 * facts.duration / ENOUGH)
