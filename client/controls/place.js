/**
 * Where in the stream the picture is, and how far one can go. Times are the element's, in seconds.
 *
 * A live stream ends where a player that keeps with it is (the edge), not where its last segment ends. Its window
 * slides: what is at its very beginning is gone a moment later. Pure.
 */

/** Nearer to the edge than this counts as being there: playing swings by as much. */
export const NEAR = 6
/** A window that reaches back less than this has nothing to go back to. */
const REACH = 10
/** A window's beginning slides away while one seeks there; how far from it is safe, at most. */
const SAFE = 6

/**
 * @typedef {object} Facts
 * @property {[start: number, end: number] | null} seekable null: nothing is known yet
 * @property {number} duration as the element says; Infinity: live
 * @property {number} time
 * @property {number | null} edge where one keeps with a live stream, where the player knows; null: by `gap`
 * @property {number} gap how far behind the end of what is seekable it began to play
 *
 * @typedef {object} Place
 * @property {boolean} live
 * @property {number} start the first that can be gone to
 * @property {number} end the last: the edge, or the end
 * @property {number} at
 * @property {number} behind seconds behind the edge; 0 of recordings
 * @property {boolean} wide there is something to go to
 * @property {boolean} fallen what is played has left the window
 */

/** @param {Facts} facts @returns {Place} */
export function place ({ seekable, duration, time, edge, gap }) {
  const live = duration === Infinity
  if (!live) {
    const end = Number.isFinite(duration) ? duration : 0
    return { live, start: 0, end, at: within(time, 0, end), behind: 0, wide: end > 0, fallen: false }
  }
  const [first, last] = seekable ?? [time, time]
  const end = Math.max(first, Math.min(last, edge ?? last - gap))
  // A playlist that keeps everything begins at 0 and stays there.
  const start = first <= 0 ? 0 : first + Math.min(SAFE, (end - first) / 4)
  const behind = Math.max(0, end - time)
  const wide = end - start >= REACH
  return { live, start, end, at: within(time, start, end), behind, wide, fallen: time < first - 0.5 }
}

/**
 * Where a wish to go leads.
 * @param {Place} place
 * @param {number} to seconds
 * @returns {{ to: number, follow: boolean }} follow: it is the edge, to be kept with
 */
export function going ({ live, start, end }, to) {
  const follow = live && to >= end - NEAR / 2
  return { to: follow ? end : within(to, start, live ? end : Math.max(start, end - 0.1)), follow }
}

/** How far along the bar, 0 to 1. @param {Place} place @param {number} [time] */
export const share = ({ start, end, at }, time = at) => end > start ? within((time - start) / (end - start), 0, 1) : 0

/** The time at a place of the bar. @param {Place} place @param {number} fraction 0 to 1 */
export const timeAt = ({ start, end }, fraction) => start + within(fraction, 0, 1) * (end - start)

/**
 * What is buffered, as parts of the bar.
 * @param {Place} place
 * @param {readonly [start: number, end: number][]} ranges
 * @returns {[from: number, to: number][]} each 0 to 1; none that is empty
 */
export const parts = (place, ranges) => ranges
  .map(([from, to]) => /** @type {[number, number]} */ ([share(place, from), share(place, to)]))
  .filter(([from, to]) => to > from)

/**
 * The time of day of a moment in the stream, by EXT-X-PROGRAM-DATE-TIME.
 * @param {readonly { start: number, duration: number, programDateTime: number | null }[]} fragments in order
 * @param {number} time
 * @returns {Date | null} null: the playlist does not say
 */
export function dateAt (fragments, time) {
  const found = fragments.find(({ start, duration }) => time < start + duration) ?? fragments.at(-1)
  if (!found?.programDateTime) return null
  return new Date(found.programDateTime + 1000 * (time - found.start))
}

/** @param {number} value @param {number} low @param {number} high */
const within = (value, low, high) => Math.max(low, Math.min(high, value))
