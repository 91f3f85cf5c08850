/** Figures and links as text. Pure. */

/** @param {number} ms @returns {string} `0:07`, `12:31`, `1:02:03` */
export function elapsed (ms) {
  const all = Math.max(0, Math.floor(ms / 1000))
  const two = (/** @type {number} */ n) => String(n).padStart(2, '0')
  const hours = Math.floor(all / 3600)
  const minutes = Math.floor(all / 60) % 60
  return hours > 0 ? `${hours}:${two(minutes)}:${two(all % 60)}` : `${minutes}:${two(all % 60)}`
}

/** A stream's name as the server takes it; the rest is its business to refuse. @param {string} name */
export const nameTrouble = name =>
  name === '' ? 'Enter the stream’s name.'
    : /[/\\]|^\.|[\x00-\x1f]/.test(name) ? 'A name has no slash and begins with no dot.' // eslint-disable-line no-control-regex
      : ''

/** @param {string} origin of this page @param {string} name */
export const watchLink = (origin, name) => `${origin}/watch/${encodeURIComponent(name)}`

/** @param {string} origin @param {string} name @returns {string} HTML for another site's page */
export const embedCode = (origin, name) =>
  `<script src="${origin}/embed.js" data-stream="${escaped(name)}"></script>`

/** @param {string} text for an attribute in double quotes */
const escaped = text => text.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;')
