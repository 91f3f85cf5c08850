/**
 * What the service worker and a page say to each other. Pure values, shared by sw/ and client/bridge.js.
 *
 * One exchange per request, on a MessageChannel of its own, so that a worker the browser stops and starts
 * again has nothing to remember:
 *
 *     worker → page, with a port   {liveTorrent, type: 'ask', kind, url, range}
 *     page → port                  {type: 'pass'}     not mine: fetch it yourself
 *                                  {type: 'ack'}      at once: I am working on it
 *                                  {type: 'alive'}    every ALIVE_MS while it works
 *                                  {type: 'head', size, data}   a segment of so many bytes begins so: the answer may, too
 *                                  {type: 'done', status, contentType, data, source, range, names}
 *                                  {type: 'failed'}   neither peers nor origin gave it
 *                                  {type: 'refused'}  what they gave does not match the manifest: play nothing
 *     worker → port                {type: 'cancel'}   nobody waits for it any more
 *
 * and outside an exchange:
 *
 *     page → worker                {liveTorrent, type: 'hello'}   I answer questions from now on
 *                                  {liveTorrent, type: 'claim'}   control me: I was loaded without you
 *     worker → page                {liveTorrent, type: 'fetched', url, bytes}   went past the page
 *
 * Players measure the line by how an answer comes in, XMLHttpRequest from the first byte of its body: hence `head`. Its
 * bytes are verified, and come again in `done`.
 *
 * A range asked for may be a whole segment (EXT-X-BYTERANGE): then `data` is that range and nothing else, and
 * `range` says so.
 *
 * A page or worker of another VERSION is a page without a client: plain HTTP until the update is through. What is
 * asked of it in another version's words it passes on at once, so `ask`, its port and `pass` stay what they are.
 */

export const VERSION = 2

/**
 * Marks the engine's own requests (client/origin.js): they come from a controlled page, so the worker sees
 * them, and asking that page about them would wait for itself. A fragment, which the worker sees and the network does
 * not: a header would cost requests to other origins a preflight.
 */
export const BYPASS = '#live-torrent'

/** A page whose event loop is free answers in a few ms; more than this and the viewer would notice. */
export const ACK_MS = 250
/** Heartbeat. Not quicker: timers of hidden pages run once a second. */
export const ALIVE_MS = 1000
/** Two heartbeats lost and some slack: the page hangs or is gone. */
export const LOST_MS = 2500
/** An answer that took this long helps no live player; also ends an exchange whatever happens. */
export const TOTAL_MS = 60_000

/** @typedef {'playlist' | 'segment'} Kind */
/** @typedef {[start: number, end: number]} ByteRange `end` is exclusive */
/** @typedef {{ kind: Kind, url: string, range?: ByteRange }} Question */
/**
 * `names`: what a playlist lists under names that do not look like it, so that the worker asks for those, too.
 * @typedef {{ type: 'done', status: number, contentType: string, data: string | ArrayBuffer, source: string, range?: ByteRange, names?: [string, Kind][] }} Done
 */
/** @typedef {Done | { type: 'pass' } | { type: 'ack' } | { type: 'head', size: number, data: ArrayBuffer } | { type: 'alive' } | { type: 'failed' | 'refused' }} Reply */

/** @param {Question} question */
export const ask = ({ kind, url, range }) => ({ liveTorrent: VERSION, type: 'ask', kind, url, range })
/** @param {string} url @param {number} bytes */
export const fetched = (url, bytes) => ({ liveTorrent: VERSION, type: 'fetched', url, bytes })
export const HELLO = Object.freeze({ liveTorrent: VERSION, type: 'hello' })
export const CLAIM = Object.freeze({ liveTorrent: VERSION, type: 'claim' })
export const CANCEL = Object.freeze({ type: 'cancel' })

/**
 * @param {any} data a message event's data, from anybody
 * @returns {{ type: string, kind?: Kind, url?: string, range?: ByteRange, bytes?: number } | null} null: not ours
 */
export function read (data) {
  return data !== null && typeof data === 'object' && data.liveTorrent === VERSION && typeof data.type === 'string'
    ? data
    : null
}
