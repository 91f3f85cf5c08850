/** Where a link begins. Pure. */

/**
 * `?t=83`, `1:23`, `1m23s`.
 * @param {string | null} text
 * @returns {number | null} seconds; null: it says no time
 */
export function readTime (text) {
  if (text === null) return null
  if (/^\d{1,9}(?:\.\d{1,3})?$/.test(text)) return Number(text)
  if (/^\d{1,5}(?::\d{1,2}){1,2}$/.test(text)) return text.split(':').reduce((sum, part) => 60 * sum + Number(part), 0)
  const found = /^(?:(\d{1,5})h)?(?:(\d{1,5})m)?(?:(\d{1,7})s)?$/.exec(text)
  if (text === '' || found === null) return null
  const [, h = 0, m = 0, s = 0] = found
  return 3600 * Number(h) + 60 * Number(m) + Number(s)
}
