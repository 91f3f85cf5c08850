/**
 * Who pulls a segment from the origin: every viewer ranks the same candidates in the same order without
 * asking anybody. Pure.
 *
 * Settled viewers come first, among themselves by rendezvous hashing of (infohash, peer id): each for its
 * fair share of segments. Newcomers come after them, the oldest first: their links are not all up, many
 * leave within a minute, and what they watch they can have from those who were there before.
 *
 * Where a viewer knows only some of the others, every neighbourhood would elect its own: copies from the origin would
 * grow with the crowd. There the hash alone admits: so few of all that their number grows with the logarithm,
 * the rest by tiers, each wider and later than the one before, and at last the first in each neighbourhood.
 */

/**
 * After so long a viewer counts as settled, ms: divided by how many others there are, because supplying a
 * crowd is a load to be shared soon, and supplying one other is none.
 */
export const SETTLED = 60_000
/** But never sooner: links to the others take a few seconds. */
const SETTLED_MIN = 10_000
/** Each tier admits so many times more than the one before: few tiers, so the last comes soon enough. */
const WIDER = 4
/** Newcomers closer in age than clocks and round trips can tell are ranked by hash, ms. */
const SAME_AGE = 1500

/**
 * @typedef {object} Candidate
 * @property {string} peer peer id
 * @property {number} age ms since it joined the mesh
 * @property {number} [weight] how much of the pulling suits it, beside the others'; 1 without it
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

/**
 * After how many waits a viewer may pull a segment of a large swarm.
 * @param {string} infohash
 * @param {Candidate} me
 * @param {number} viewers in all, as the tracker counts
 * @param {number} known of them to me
 * @returns {{ tier: number, last: boolean }} last: any in the neighbourhood may, by rank
 */
export function tier (infohash, me, viewers, known) {
  // A neighbourhood has one first in rank anyway: no tier needs to be wider than that.
  const widest = 1 / (known + 1)
  let share = pullers(viewers) / viewers
  const place = (1 - score(infohash, me.peer) / 2 ** 32) / (me.weight ?? 1)
  // Few would know yet what a newcomer has: it is none of the first.
  let tier = 0
  for (; share < widest; tier++, share *= WIDER) {
    if (place < share && (tier > 0 || me.age >= SETTLED_MIN)) return { tier, last: false }
  }
  return { tier, last: true }
}

/** Pullers of a segment among so many: enough that hardly ever all of them fail. @param {number} viewers */
export const pullers = viewers => Math.max(3, Math.ceil(Math.log2(Math.max(2, viewers))) - 2)

/** @param {string} infohash @param {Candidate} a @param {Candidate} b @param {number} settledAge */
function precedes (infohash, a, b, settledAge) {
  const settled = [a, b].map(candidate => candidate.age >= settledAge)
  if (settled[0] !== settled[1]) return settled[0]
  if (!settled[0] && Math.abs(a.age - b.age) > SAME_AGE) return a.age > b.age
  const [first, second] = [draw(infohash, a), draw(infohash, b)]
  return first === second ? a.peer > b.peer : first > second
}

/**
 * Weighted rendezvous hashing: each is the first among any others as often as its share of their weights.
 * @param {string} infohash @param {Candidate} candidate
 */
const draw = (infohash, { peer, weight = 1 }) => Math.log((score(infohash, peer) + 1) / 2 ** 32) / weight

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
