/** When the controls are to be seen: they go when nobody needs them, and never from under somebody's hands. Pure. */

/** After the mouse last moved, ms. */
const MOUSE = 2500
/** After the last touch, ms: a finger covers what it is about to press. */
const TOUCH = 4000

/**
 * @typedef {object} Facts
 * @property {boolean} held paused, ended, not begun: there is something to press
 * @property {boolean} open a menu or dialog
 * @property {boolean} focused the keyboard is in the controls
 * @property {boolean} over the mouse rests on them
 * @property {number} movedAt when the mouse last moved, ms; -Infinity: it left
 * @property {number} touchedAt when they were last asked for by touch or key, ms; -Infinity: they were sent away
 */

/**
 * @param {Facts} facts
 * @param {number} now ms
 * @returns {{ shown: boolean, lookAt: number }} when that may change by itself, ms
 */
export function shows ({ held, open, focused, over, movedAt, touchedAt }, now) {
  if (held || open || focused || over) return { shown: true, lookAt: Infinity }
  const until = Math.max(movedAt + MOUSE, touchedAt + TOUCH)
  return now < until ? { shown: true, lookAt: until } : { shown: false, lookAt: Infinity }
}
