/** The element plays HLS by itself (iOS, Safari): plain HTTP, and trying again when the origin fails. */

import { Recovery } from './recovery.js'

/**
 * @param {HTMLVideoElement} video
 * @param {{ url: string, onState: (state: import('./player.js').State) => void, signal: AbortSignal, at?: number }} options `at`:
 *   where to begin, s
 * @returns {import('./play-hls.js').Playing}
 */
export function playNative (video, { url, onState, signal, at = -1 }) {
  const recovery = new Recovery()
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer
  const start = () => {
    video.src = at < 0 ? url : `${url}#t=${at}`
    video.play().catch(error => { if (error.name === 'NotAllowedError') onState('blocked') })
  }
  video.addEventListener('playing', () => { recovery.well(); onState('playing') }, { signal })
  video.addEventListener('ended', () => onState('ended'), { signal })
  video.addEventListener('error', () => {
    onState('retrying')
    clearTimeout(timer)
    timer = setTimeout(start, recovery.next('network', performance.now()).delayMs)
  }, { signal })
  start()
  return {
    destroy () {
      clearTimeout(timer)
      video.removeAttribute('src')
      video.load()
    }
  }
}
