/**
 * The control channel's messages: what viewers of one stream tell each other (JSON, a line each; what is said at
 * once goes together). Pure. A peer is not trusted: what does not fit is dropped, and sizes are bounded.
 *
 *   hello  {t, v, id, share, age, …}  first message: protocol version, own peer id, whether it uploads, ms since it
 *                                joined the mesh, and as in ping
 *   share  {t, share}            the user turned the switch
 *   know   {t, ids}              segments it has seen listed
 *   have   {t, id, n, bits}      pieces it holds: n of them in all, hex bitfield
 *   pull   {t, id, on}           it fetches this segment from the origin, or stopped
 *   lost   {t, ids}              no longer held
 *   ping   {t, at, links, line, mean, sends}  are you there? How many links it has, what its line carries
 *                                upwards as far as it knows, bytes/s, how much pulling suits the lines around it
 *                                (turns.js), and what it uploads lately, bytes/s; may be left out
 *   pong   {t, at}
 */

import { PieceSet } from '../pieces.js'

export const VERSION = 2

/** A `know` of a whole window of several variants fits; more is nonsense. */
export const MAX_IDS = 64
/** 256 MiB in 64 KiB pieces. */
const MAX_PIECES = 4096
/** The largest message that fits those bounds, with room; several lines together are no longer. */
export const MAX_MESSAGE = 8192

/**
 * @typedef {{ links?: number, line?: number, mean?: number, sends?: number }} Room
 * @typedef {{ t: 'hello', v: number, id: string, share: boolean, age: number } & Room
 *   | { t: 'share', share: boolean }
 *   | { t: 'know' | 'lost', ids: string[] }
 *   | { t: 'have', id: string, pieces: PieceSet }
 *   | { t: 'pull', id: string, on: boolean }
 *   | { t: 'ping', at: number } & Room
 *   | { t: 'pong', at: number }} Message
 */

/** @param {Message} message @returns {string} */
export function encode (message) {
  if (message.t !== 'have') return JSON.stringify(message)
  return JSON.stringify({ t: 'have', id: message.id, n: message.pieces.size, bits: message.pieces.toHex() })
}

/**
 * @param {string[]} lines each at most MAX_MESSAGE long
 * @returns {string[]} as few texts to send as hold them
 */
export function pack (lines) {
  /** @type {string[]} */
  const texts = []
  for (const line of lines) {
    const last = texts.at(-1)
    if (last !== undefined && last.length + 1 + line.length <= MAX_MESSAGE) texts[texts.length - 1] = `${last}\n${line}`
    else texts.push(line)
  }
  return texts
}

/**
 * @param {unknown} text
 * @returns {Message | null} null for what is not a message of ours
 */
export function decode (text) {
  if (typeof text !== 'string' || text.length > MAX_MESSAGE) return null
  let m
  try { m = JSON.parse(text) } catch { return null }
  if (typeof m !== 'object' || m === null) return null
  switch (m.t) {
    case 'hello':
      if (!Number.isInteger(m.v) || !isId(m.id)) return null
      return { t: 'hello', v: m.v, id: m.id, share: m.share === true, age: Math.max(0, Number(m.age) || 0), ...room(m) }
    case 'share': return { t: 'share', share: m.share === true }
    case 'know':
    case 'lost': return Array.isArray(m.ids) && m.ids.length <= MAX_IDS && m.ids.every(isId) ? { t: m.t, ids: m.ids } : null
    case 'have':
      if (!isId(m.id) || !Number.isInteger(m.n) || m.n < 1 || m.n > MAX_PIECES || typeof m.bits !== 'string') return null
      return { t: 'have', id: m.id, pieces: PieceSet.fromHex(m.bits, m.n) }
    case 'pull': return isId(m.id) ? { t: 'pull', id: m.id, on: m.on === true } : null
    case 'ping': return Number.isFinite(m.at) ? { t: m.t, at: m.at, ...room(m) } : null
    case 'pong': return Number.isFinite(m.at) ? { t: m.t, at: m.at } : null
    default: return null // a later version's message: ignored
  }
}

/** @param {Record<string, unknown>} message @returns {Room} */
function room ({ links, line, mean, sends }) {
  return Object.fromEntries(Object.entries({ links, line, mean, sends }).filter(([, value]) => isCount(value)))
}

/** @param {unknown} value @returns {value is number} */
function isCount (value) { return Number.isSafeInteger(value) && Number(value) >= 0 }

/** @param {unknown} value @returns {value is string} 20 bytes as hex */
function isId (value) {
  return typeof value === 'string' && /^[0-9a-f]{40}$/.test(value)
}
