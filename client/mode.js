/** Which way the media takes, decided from what the browser can do. Pure. */

/** @typedef {import('./types.js').Mode} Mode */

/**
 * @typedef {object} Abilities
 * @property {boolean} secure a secure context with service workers
 * @property {boolean} sameOrigin page and stream share their origin (a worker answers nothing else)
 * @property {boolean} mse MediaSource or ManagedMediaSource: hls.js can play
 * @property {boolean} native the video element plays HLS by itself
 */

/**
 * @param {Abilities} can
 * @param {string | null} [wanted] `?mode=` or an option; anything else than a mode is ignored
 * @returns {Mode[]} in the order to try; 'http' comes last and always works where HLS plays at all. None: `p2p-only`
 *   is wanted, and the element could only play over HTTP
 */
export function modes ({ secure, sameOrigin, mse, native }, wanted = null) {
  // A worker would stand between page and origin with HTTP in its hand.
  if (wanted === 'p2p-only') return mse ? ['loader'] : []
  // Without MSE only the element itself can play, and its requests may pass by any worker (Safari's do).
  if (!mse) return ['http']
  /** @type {Mode[]} */
  const all = secure && sameOrigin ? ['service-worker', 'loader', 'http'] : ['loader', 'http']
  if (wanted === 'http' && (mse || native)) return ['http']
  const from = all.findIndex(mode => mode === wanted)
  return from === -1 ? all : all.slice(from)
}

/**
 * Where the site that serves a stream has its root: the worker and its scope are there.
 * @param {string} url of a playlist, absolute
 * @returns {string | null} null: not laid out as our server does it
 */
export function siteRoot (url) {
  const { origin, pathname } = new URL(url)
  const at = pathname.indexOf('/live/')
  return at === -1 ? null : origin + pathname.slice(0, at + 1)
}
