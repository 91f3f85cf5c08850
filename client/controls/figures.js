/** The statistics over the picture: what comes from whom, and how it plays. */

import { bytes, percent, rate, seconds } from '../format.js'
import { make, write } from './dom.js'

/** Often enough to look alive, seldom enough to be read, ms. */
const EVERY = 1000

/** @param {import('./steering.js').Steering} steering */
export function figures (steering) {
  /** @type {Map<string, HTMLElement>} */
  const values = new Map()
  const rows = ['From peers', 'Peers', 'Sent to peers', 'Behind live', 'Buffer', 'Quality', 'Stalls'].map(name => {
    const value = make('dd')
    values.set(name, value)
    return make('div', {}, make('dt', { text: name }), value)
  })
  const trouble = make('p', { class: 'trouble' })
  const box = make('div', { class: 'figures', role: 'group', 'aria-label': 'Statistics', hidden: true }, make('dl', {}, ...rows), trouble)
  let drawnAt = -Infinity

  /** @param {string} name @param {string} text '': the row goes */
  const put = (name, text) => {
    const value = values.get(name)
    if (!value) return
    write(value, text)
    if (value.parentElement) value.parentElement.hidden = text === ''
  }

  return {
    element: box,
    /** @param {boolean} on @param {number} now ms */
    show (on, now) {
      box.hidden = !on
      const player = steering.player()
      if (!on || player === null || now - drawnAt < EVERY) return
      drawnAt = now
      const stats = player.stats()
      const { hls } = steering
      const level = hls?.levels[hls.currentLevel]
      const { videoHeight } = steering.video
      const all = stats.bytesFromPeers + stats.bytesFromOrigin + stats.bytesFromSeed
      put('From peers', all > 0 ? `${percent(stats.offload)} % · ${bytes(stats.bytesFromPeers)}` : '0 %')
      put('Peers', String(stats.peers))
      put('Sent to peers', bytes(stats.bytesToPeers))
      put('Behind live', stats.latencySeconds === null ? '' : seconds(stats.latencySeconds))
      put('Buffer', seconds(stats.bufferSeconds))
      put('Quality', [videoHeight ? `${videoHeight}p` : '', level?.bitrate ? rate(level.bitrate / 8) : ''].filter(Boolean).join(' · '))
      put('Stalls', String(stats.stalls))
      write(trouble, stats.trouble)
    }
  }
}
