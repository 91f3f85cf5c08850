/** Times as people read and hear them. Pure. */

/** @param {number} seconds @returns {string} `0:05`, `12:34`, `1:02:03`; a sign only where it is negative */
export function clock (seconds) {
  const whole = Math.floor(Math.abs(seconds))
  const [h, m, s] = parts(whole)
  const tail = `${String(s).padStart(2, '0')}`
  const text = h > 0 ? `${h}:${String(m).padStart(2, '0')}:${tail}` : `${m}:${tail}`
  return seconds < 0 && whole > 0 ? `−${text}` : text
}

/**
 * For a screen reader, which would read `12:34` as the time of day.
 * @param {number} seconds
 * @returns {string} `12 minutes 34 seconds`
 */
export function spoken (seconds) {
  const named = parts(Math.floor(Math.abs(seconds))).map((n, i) => {
    const unit = ['hour', 'minute', 'second'][i]
    return n === 0 ? '' : `${n} ${unit}${n === 1 ? '' : 's'}`
  }).filter(Boolean)
  return named.length > 0 ? named.join(' ') : '0 seconds'
}

/** @param {number} whole seconds @returns {[h: number, m: number, s: number]} */
const parts = whole => [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60]
