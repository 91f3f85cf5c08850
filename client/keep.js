/**
 * Which segments a viewer keeps for others, and which it lets go. Pure.
 */

/** Live segments are kept this long after they left the window: others play behind us. */
const BEHIND = 2
/** More than a live window of two variants; for VOD the last minutes. */
const MAX_SEGMENTS = 32
/** What a page may hold of segments: under what a phone's tab is given. */
const MAX_BYTES = 96 << 20

/**
 * @typedef {object} Kept
 * @property {string} id
 * @property {string} group playlist
 * @property {number} msn
 * @property {number} bytes
 * @property {boolean} busy wanted or arriving: never dropped
 * @property {number} usedAt ms
 */

/**
 * @param {readonly Kept[]} held
 * @param {ReadonlyMap<string, { first: number, live: boolean }>} windows by group: the first MSN listed
 * @param {{ segments?: number, bytes?: number }} [limits]
 * @returns {string[]} ids to drop
 */
export function toDrop (held, windows, { segments = MAX_SEGMENTS, bytes = MAX_BYTES } = {}) {
  /** @type {string[]} */
  const drop = []
  /** @type {Kept[]} */
  const rest = []
  for (const kept of held) {
    const window = windows.get(kept.group)
    const gone = !window || (window.live && kept.msn < window.first - BEHIND)
    if (gone && !kept.busy) drop.push(kept.id)
    else rest.push(kept)
  }
  rest.sort((a, b) => Number(b.busy) - Number(a.busy) || b.usedAt - a.usedAt)
  let count = 0
  let total = 0
  for (const kept of rest) {
    count += 1
    total += kept.bytes
    if (!kept.busy && (count > segments || total > bytes)) drop.push(kept.id)
  }
  return drop
}
