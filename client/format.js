/** Numbers for people. Pure. */

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB']

/**
 * Three digits at most before the unit, so that a changing number keeps its width.
 * @param {number} n
 * @returns {string} like `0 B`, `702 kB`, `12.3 MB`
 */
export function bytes (n) {
  let unit = 0
  while (n >= 999.5 && unit < UNITS.length - 1) {
    n /= 1000
    unit += 1
  }
  return `${unit > 1 && n < 99.95 ? n.toFixed(1) : Math.round(n)} ${UNITS[unit]}`
}

/** @param {number} n bytes a second @returns {string} in bits, as line speeds are given: `1.5 Mbit/s` */
export function rate (n) {
  const bits = n * 8
  return bits < 999_500 ? `${Math.round(bits / 1000)} kbit/s` : `${(bits / 1e6).toFixed(bits < 99.95e6 ? 1 : 0)} Mbit/s`
}

/** @param {number} n @returns {string} like `6.2 s` */
export const seconds = n => `${n.toFixed(1)} s`

/** @param {number} n @returns {string} like `312 ms`, `2.4 s` */
export const millis = n => n < 999.5 ? `${Math.round(n)} ms` : `${(n / 1000).toFixed(1)} s`

/** @param {number | null} share 0..1, null when nothing arrived @returns {string} whole percent without the sign */
export const percent = share => String(Math.round((share ?? 0) * 100))
