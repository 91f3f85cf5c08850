/**
 * Rendezvous hashing: every viewer ranks the same candidates for a segment in the same order without
 * asking anybody, and each candidate comes first for its fair share of segments. Pure.
 */

/**
 * @param {string} infohash
 * @param {string} me a peer id
 * @param {Iterable<string>} others peer ids
 * @returns {number} how many of the others come before me; 0 means it is my turn
 */
export function rank (infohash, me, others) {
  const mine = score(infohash, me)
  let before = 0
  for (const other of others) {
    const theirs = score(infohash, other)
    if (theirs > mine || (theirs === mine && other > me)) before += 1
  }
  return before
}

/**
 * FNV-1a over both names, then a finaliser (murmur3's) because FNV alone mixes last bytes badly.
 * Not secret: a viewer who bends its id to be chosen only wins the right to pull.
 * @param {string} infohash
 * @param {string} peer
 * @returns {number} 32 bits
 */
function score (infohash, peer) {
  let h = 0x811c9dc5
  for (const text of [infohash, peer]) {
    for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193)
  }
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}
