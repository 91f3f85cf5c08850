/** What there is to choose from, as the menus say it. Pure. */

import { rate } from '../format.js'

export const RATES = [0.5, 0.75, 1, 1.25, 1.5, 1.75, 2]

/** @typedef {{ label: string, value: number, on: boolean }} Choice */
/** @typedef {{ height: number, bitrate: number, frameRate: number }} Level */

/**
 * The best first, the choice of the player before all.
 * @param {readonly Level[]} levels as hls.js has them
 * @param {{ auto: boolean, level: number, wanted: number }} now `level`: what is played, `wanted`: what was chosen
 * @returns {Choice[]} value -1: the player's own choice; none where there is nothing to choose
 */
export function qualities (levels, { auto, level, wanted }) {
  if (levels.length < 2) return []
  const names = levelNames(levels)
  const order = levels.map((_, i) => i).sort((a, b) => weight(levels[b]) - weight(levels[a]))
  const current = auto && names[level] ? ` (${names[level]})` : ''
  return [
    { label: `Auto${current}`, value: -1, on: auto },
    ...order.map(i => ({ label: names[i] ?? '', value: i, on: !auto && i === wanted }))
  ]
}

/** `720p`, `720p60`; where that names two, or none, the bit rate. @param {readonly Level[]} levels */
export function levelNames (levels) {
  const short = levels.map(({ height, frameRate }) => height ? `${height}p${frameRate > 31 ? Math.round(frameRate) : ''}` : '')
  return levels.map(({ bitrate }, i) => {
    const name = short[i] ?? ''
    const alone = name !== '' && short.filter(other => other === name).length === 1
    return alone ? name : [name || 'Sound', bitrate > 0 ? rate(bitrate / 8) : ''].filter(Boolean).join(' · ')
  })
}

/** @param {Level | undefined} level */
const weight = level => (level?.height ?? 0) * 1e10 + (level?.bitrate ?? 0)

/** @param {number} now @returns {Choice[]} */
export const rates = now => RATES.map(value => ({ label: value === 1 ? 'Normal' : `${value}×`, value, on: value === now }))

/** The next speed up or down; the ends hold. @param {number} now @param {number} steps */
export function nextRate (now, steps) {
  const nearest = RATES.reduce((best, r, i) => Math.abs(r - now) < Math.abs((RATES[best] ?? 1) - now) ? i : best, 0)
  return RATES[Math.max(0, Math.min(RATES.length - 1, nearest + steps))] ?? 1
}

/**
 * @param {readonly { label: string, language: string, on: boolean }[]} tracks captions, in the element's order
 * @returns {Choice[]} value -1: none
 */
export function captions (tracks) {
  if (tracks.length === 0) return []
  const off = { label: 'Off', value: -1, on: !tracks.some(({ on }) => on) }
  return [off, ...tracks.map((track, value) => ({ label: trackName(track, value), value, on: track.on }))]
}

/** @param {readonly { label: string, language: string, on: boolean }[]} tracks @returns {Choice[]} */
export const sounds = tracks => tracks.length < 2
  ? []
  : tracks.map((track, value) => ({ label: trackName(track, value), value, on: track.on }))

/** @param {{ label: string, language: string }} track @param {number} i */
const trackName = ({ label, language }, i) => label || language || `Track ${i + 1}`
