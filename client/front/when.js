/** Times for people. Pure. */

const MINUTE = 60
const HOUR = 3600
const DAY = 86_400

/** Seconds from which a unit is used, and what it is; calendar days would need the viewer's midnight. @type {[number, Intl.RelativeTimeFormatUnit][]} */
const UNITS = [[365 * DAY, 'year'], [30 * DAY, 'month'], [7 * DAY, 'week'], [DAY, 'day'], [HOUR, 'hour'], [MINUTE, 'minute']]
// The page is in English, whatever its viewer's language: one sentence is in one.
const RELATIVE = new Intl.RelativeTimeFormat('en', { numeric: 'auto' })
const FULL = new Intl.DateTimeFormat('en', { dateStyle: 'full', timeStyle: 'short' })

/** @param {number} then @param {number} now Unix seconds @returns {string} like `just now`, `3 minutes ago`, `yesterday` */
export function ago (then, now) {
  const past = now - then
  const unit = UNITS.find(([seconds]) => past >= seconds)
  return unit === undefined ? 'just now' : RELATIVE.format(-Math.floor(past / unit[0]), unit[1])
}

/** @param {number} then Unix seconds @returns {string} with weekday, day and time of the viewer's place */
export const exactly = then => FULL.format(then * 1000)

/** @param {number} seconds @returns {string} like `0:07`, `12:34`, `1:02:03` */
export function clock (seconds) {
  const whole = Math.max(0, Math.round(seconds))
  const two = (/** @type {number} */ n) => String(n).padStart(2, '0')
  const [h, m, s] = [Math.floor(whole / HOUR), Math.floor(whole % HOUR / MINUTE), whole % MINUTE]
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`
}

/** @param {number} seconds @returns {string} the same to be read out: `1 hour 2 minutes`, `12 minutes 34 seconds` */
export function spoken (seconds) {
  const whole = Math.max(0, Math.round(seconds))
  const parts = [
    [Math.floor(whole / HOUR), 'hour'],
    [Math.floor(whole % HOUR / MINUTE), 'minute'],
    [whole >= HOUR ? 0 : whole % MINUTE, 'second']
  ].filter(([n]) => n)
  return parts.map(([n, unit]) => `${n} ${unit}${n === 1 ? '' : 's'}`).join(' ') || '0 seconds'
}
