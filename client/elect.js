/**
 * Who pulls a segment from the origin: every viewer ranks the same candidates in the same order without
 * asking anybody. Pure.
 *
 * Settled viewers come first, among themselves by rendezvous hashing of (infohash, peer id): each for its
 * fair share of segments. Newcomers come after them, the oldest first: their links are not all up, many
 * leave within a minute, and what they watch they can have from those who were there before.
 */

/**
 * After so long a viewer counts as settled, ms: divided by how many others there are, because supplying a
 * crowd is a load to be shared soon, and supplying one other is none.
 */
export const SETTLED = 60_000
/** But never sooner: links to the others take a few seconds. */
const SETTLED_MIN = 10_000
/** Newcomers closer in age than clocks and round trips can tell are ranked by hash, ms. */
const SAME_AGE = 1500

/**
 * @typedef {object} Candidate
 * @property {string} peer peer id
 * @property {number} age ms since it joined the mesh
 */

/**
 * @param {string} infohash
 * @param {Candidate} me
 * @param {Iterable<Candidate>} others
 * @returns {number} how many of the others come before me; 0 means it is my turn
 */
export function rank (infohash, me, others) {
  const candidates = [...others]
  const settledAge = Math.max(SETTLED_MIN, SETTLED / Math.max(1, candidates.length))
  return candidates.filter(other => precedes(infohash, other, me, settledAge)).length
}

/** @param {string} infohash @param {Candidate} a @param {Candidate} b @param {number} settledAge */
function precedes (infohash, a, b, settledAge) {
  const settled = [a, b].map(candidate => candidate.age >= settledAge)
  if (settled[0] !== settled[1]) return settled[0]
  if (!settled[0] && Math.abs(a.age - b.age) > SAME_AGE) return a.age > b.age
  const [first, second] = [score(infohash, a.peer), score(infohash, b.peer)]
  return first === second ? a.peer > b.peer : first > second
}

/**
 * FNV-1a over both names, then a finaliser (murmur3's) because FNV alone mixes last bytes badly.
 * Not secret: a viewer who bends its id or age to be chosen only wins the right to pull.
 * @param {string} infohash
 * @param {string} peer
 * @returns {number} 32 bits
 */
export function score (infohash, peer) {
  let h = 0x811c9dc5
  for (const text of [infohash, peer]) {
    for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193)
  }
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}
