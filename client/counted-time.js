/**
 * How long a segment is said to have taken, for the player's choice of variant (ABR). Most of the real time
 * is waiting for peers, or none because the segment was there already: neither says what the line can carry,
 * and one slow puller would talk everybody down to a lower variant. Pure.
 *
 * @param {object} facts
 * @param {number} facts.waited ms from the request to the last byte
 * @param {number} facts.bytes
 * @param {number} facts.duration of the segment, s
 * @param {number} facts.rate of the origin as measured here, bytes per ms; 0: not yet
 * @returns {number} ms, never 0: that would be an infinite rate
 */
export function countedTime ({ waited, bytes, duration, rate }) {
  // Slower than it plays: whatever the reason, the player must know.
  if (rate <= 0 || waited > 1000 * duration) return Math.max(1, waited)
  return Math.max(1, bytes / rate)
}
