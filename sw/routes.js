/** Is a request ours, and what does it ask for? Pure; everything else stays ordinary browser traffic. */

import { BYPASS_HEADER } from './protocol.js'

/** Endings of segments as the origin serves them; init sections share .mp4 and are passed on by the page. */
const MEDIA = /\.(?:ts|m2ts|m4s|mp4|m4v|cmfv|cmfa|m4a|aac|mp3|ac3|ec3|webm|vtt|webvtt)$/i
const PLAYLIST = /\.m3u8?$/i

/**
 * @param {Pick<Request, 'method' | 'url' | 'mode' | 'headers'>} request
 * @param {string} scope the worker's scope, an absolute URL that ends with a slash
 * @returns {import('./protocol.js').Kind | null} null: not ours
 */
export function route (request, scope) {
  // A navigation shows the file itself; there is no page yet that could be asked.
  if (request.method !== 'GET' || request.mode === 'navigate') return null
  if (request.headers.has(BYPASS_HEADER)) return null
  const url = new URL(request.url)
  const root = new URL('live/', scope)
  if (url.origin !== root.origin || !url.pathname.startsWith(root.pathname)) return null
  const path = url.pathname.slice(root.pathname.length)
  // `/live/<stream>.ts` is one endless response, not a segment.
  if (!/^[^/]+\/./.test(path)) return null
  if (PLAYLIST.test(path)) return 'playlist'
  return MEDIA.test(path) ? 'segment' : null
}
