/** What is handed on: a link, and what another site puts into its page (docs/website.md). Pure. */

/**
 * @typedef {object} Shared
 * @property {string} page absolute address of the player page
 * @property {string} script absolute address of embed.js
 * @property {string | null} stream its name on our server; null: a playlist anywhere
 * @property {string} playlist absolute
 * @property {string} title
 */

/** @param {Shared} shared @param {number} [at] seconds from which it is to be played; 0: as it begins */
export function link ({ page }, at = 0) {
  const url = new URL(page)
  url.search = at >= 1 ? `?t=${Math.floor(at)}` : ''
  url.hash = ''
  return url.href
}

/** A script tag: the player stands where the tag does. @param {Shared} shared */
export const scriptCode = ({ script, stream, playlist }) => stream === null
  ? `<script src="${quoted(script)}" data-src="${quoted(playlist)}"></script>`
  : `<script src="${quoted(script)}" data-stream="${quoted(stream)}"></script>`

/** A frame, whose size is in attributes: no policy forbids those. @param {Shared} shared */
export const frameCode = shared =>
  `<iframe src="${quoted(link(shared))}" title="${quoted(shared.title)}" width="640" height="360" frameborder="0" ` +
  'allow="autoplay; fullscreen; picture-in-picture; clipboard-write"></iframe>'

/** @param {string} text */
const quoted = text => text.replace(/[&"<>]/g, c => `&#${c.charCodeAt(0)};`)
