/** Is a request ours, and what does it ask for? Pure; everything else stays ordinary browser traffic. */

import { BYPASS } from './protocol.js'

/** Endings of segments as people name them; init sections share .mp4 and are passed on by the page. */
const MEDIA = /\.(?:ts|m2ts|m4s|mp4|m4v|cmfv|cmfa|m4a|aac|mp3|ac3|ec3|webm|vtt|webvtt)$/i
const PLAYLIST = /\.m3u8?$/i
/**
 * @param {Pick<Request, 'method' | 'url' | 'mode' | 'headers' | 'credentials' | 'destination'>} request of any origin
 * @param {string} origin the worker's own
 * @param {Pick<Map<string, import('./protocol.js').Kind>, 'get'>} names what pages know that does not look like it
 * @returns {import('./protocol.js').Kind | null} null: not ours
 */
export function route (request, origin, names) {
  // Only what scripts fetch. A navigation shows the file itself, and there is no page yet that could be asked; a module
  // may end in .ts, too; and elements that play HLS by themselves refuse what a worker made up (Chromium 156).
  if (request.method !== 'GET' || request.mode === 'navigate' || request.destination !== '') return null
  const url = new URL(request.url)
  if (url.hash === BYPASS) return null
  // What somebody had to log in for is theirs: to other origins the engine sends neither cookies nor this header.
  if (request.headers.has('authorization')) return null
  if (url.origin !== origin && request.mode === 'cors' && request.credentials === 'include') return null
  if (PLAYLIST.test(url.pathname)) return 'playlist'
  return MEDIA.test(url.pathname) ? 'segment' : names.get(request.url) ?? null
}

/** Whether a request for it is told from others by its name. @param {string} url absolute */
export const looks = url => {
  const { pathname } = new URL(url)
  return PLAYLIST.test(pathname) || MEDIA.test(pathname)
}
