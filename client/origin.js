/**
 * The origin over HTTP: whole segments, or runs of pieces by Range (RFC 9110 §14), piece by piece as
 * they arrive, within time limits. Nothing here is verified: the caller hashes each piece.
 */

import { BYPASS } from '../sw/protocol.js'
import { pieceRange } from './metainfo.js'

/** The origin answered with an error status, or with bytes that cannot be the segment. */
export class OriginError extends Error {
  /** @param {string} message @param {number} status 0 when there was no usable answer */
  constructor (message, status) {
    super(message)
    this.name = 'OriginError'
    this.status = status
  }
}

/**
 * Every answer held other bytes than the manifest names. There is no way round it: unverified bytes are not
 * played, whoever sends them.
 */
export class IntegrityError extends Error {
  constructor () {
    super('the bytes do not match the manifest')
    this.name = 'IntegrityError'
  }
}

/** No first byte for so long: the origin is not answering, ms. */
const FIRST_BYTE_TIMEOUT = 8000
/** The same of a playlist that is to wait for news: three Target Durations (RFC 8216bis §6.2.5.2) of 10 s, ms. */
const BLOCKING_TIMEOUT = 30_000
/** No further byte for so long: the connection is dead, ms. */
const IDLE_TIMEOUT = 4000
/** A playlist larger than this is not one; live windows are a few KiB. */
const MAX_PLAYLIST_BYTES = 16 << 20

/** @typedef {{ url: string, range?: import('./types.js').ByteRange | null }} Place a segment's; no range: all of it */

/**
 * @typedef {object} Fetched
 * @property {number} bytes
 * @property {number} firstByte ms to the first byte
 * @property {number} ms altogether
 * @property {string} contentType
 */

/**
 * @param {string} url
 * @param {AbortSignal} [signal]
 * @returns {Promise<import('./types.js').FetchedPlaylist>}
 */
export async function fetchPlaylist (url, signal) {
  const limit = new Limit(signal)
  try {
    limit.start(url.includes('_HLS_msn=') ? BLOCKING_TIMEOUT : FIRST_BYTE_TIMEOUT)
    const response = await request(url, {}, limit.signal)
    const at = performance.now()
    limit.start(IDLE_TIMEOUT)
    if (!response.ok) throw new OriginError(`the origin answered ${response.status}`, response.status)
    if (Number(response.headers.get('content-length')) > MAX_PLAYLIST_BYTES) throw new OriginError('playlist too large', 0)
    const text = await response.text()
    const contentType = response.headers.get('content-type') ?? 'application/vnd.apple.mpegurl'
    return { url: response.url || url, status: response.status, contentType, text, at }
  } catch (error) {
    throw limit.explain(error)
  } finally {
    limit.stop()
  }
}

/**
 * Fetch runs of pieces of one segment, in order.
 * @param {Place} place
 * @param {import('./metainfo.js').Metainfo} metainfo
 * @param {[number, number][]} runs first and last piece of each
 * @param {object} sink
 * @param {(index: number, bytes: Uint8Array<ArrayBuffer>) => void} sink.onPiece a complete piece, unverified
 * @param {(bytes: number) => void} sink.onBytes as they come in, wanted or not
 * @param {AbortSignal} signal
 * @param {RequestCache} [cache] 'reload' when what a cache holds was found to be wrong
 * @returns {Promise<Fetched>}
 */
export async function fetchRuns (place, metainfo, runs, sink, signal, cache = 'default') {
  const started = performance.now()
  let firstByte = 0
  let bytes = 0
  let contentType = ''
  const counted = { ...sink, onBytes: (/** @type {number} */ n) => {
    firstByte ||= performance.now() - started
    bytes += n
    sink.onBytes(n)
  } }
  const limit = new Limit(signal)
  try {
    for (const run of runs) {
      const answer = await fetchRun(place, metainfo, run, counted, limit, cache)
      contentType = answer.contentType
      if (answer.whole) break // the server ignored Range: everything came at once
    }
  } catch (error) {
    throw limit.explain(error)
  } finally {
    limit.stop()
  }
  return { bytes, firstByte, ms: performance.now() - started, contentType }
}

/**
 * @param {Place} place
 * @param {import('./metainfo.js').Metainfo} metainfo
 * @param {[number, number]} run
 * @param {{ onPiece: (index: number, bytes: Uint8Array<ArrayBuffer>) => void, onBytes: (bytes: number) => void }} sink
 * @param {Limit} limit
 * @param {RequestCache} cache
 */
async function fetchRun ({ url, range }, metainfo, [first, last], sink, limit, cache) {
  const pieces = metainfo.hashes.length
  const [offset] = range ?? [0]
  const from = offset + pieceRange(metainfo, first)[0]
  const to = offset + pieceRange(metainfo, last)[1]
  const all = !range && first === 0 && last === pieces - 1
  limit.start(FIRST_BYTE_TIMEOUT)
  const response = await request(url, all ? {} : { Range: `bytes=${from}-${to - 1}` }, limit.signal, cache)
  // A resource of many segments is not taken whole for the sake of one.
  const whole = response.status === 200 && !range
  if (!whole && (all || response.status !== 206)) {
    throw new OriginError(`the origin answered ${response.status}`, response.status)
  }
  if (!whole) {
    const sent = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(response.headers.get('content-range') ?? '')
    if (sent && (Number(sent[1]) !== from || Number(sent[2]) !== to - 1)) throw new OriginError('the origin sent another range', 0)
  }

  let index = whole ? 0 : first
  let piece = new Uint8Array(0)
  let filled = 0
  const next = () => {
    const [start, end] = pieceRange(metainfo, index)
    piece = new Uint8Array(end - start)
    filled = 0
  }
  next()
  const reader = /** @type {ReadableStream<Uint8Array<ArrayBuffer>>} */ (response.body).getReader()
  const end = whole ? pieces - 1 : last
  try {
    for (;;) {
      limit.start(IDLE_TIMEOUT)
      const { done, value } = await reader.read()
      if (done) break
      sink.onBytes(value.length)
      for (let at = 0; at < value.length;) {
        if (index > end) throw new OriginError('the origin sent more than the segment', 0)
        const take = Math.min(piece.length - filled, value.length - at)
        piece.set(value.subarray(at, at + take), filled)
        filled += take
        at += take
        if (filled === piece.length) {
          sink.onPiece(index, piece)
          index += 1
          if (index <= end) next()
        }
      }
    }
  } finally {
    reader.cancel().catch(() => {}) // harmless after the end; closes the connection otherwise
  }
  if (index <= end) throw new OriginError('the origin sent less than the segment', 0)
  return { whole, contentType: response.headers.get('content-type') ?? '' }
}

/**
 * @param {string} url @param {Record<string, string>} headers @param {AbortSignal} signal
 * @param {RequestCache} [cache]
 */
function request (url, headers, signal, cache = 'default') {
  const marked = new URL(url)
  const own = marked.origin === globalThis.location?.origin
  marked.hash = BYPASS // a worker of ours lets it pass to the network
  return fetch(marked, { headers, signal, cache, credentials: own ? 'same-origin' : 'omit' })
}

/** One time limit at a time, and the caller's signal, as one signal. */
class Limit {
  /** @param {AbortSignal} [outer] */
  constructor (outer) {
    this.controller = new AbortController()
    this.signal = this.controller.signal
    this.outer = outer
    this.timedOut = false
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined
    this.onAbort = () => this.controller.abort()
    if (outer?.aborted) this.controller.abort()
    outer?.addEventListener('abort', this.onAbort, { once: true })
  }

  /** @param {number} ms from now; replaces the limit before */
  start (ms) {
    clearTimeout(this.timer)
    this.timer = setTimeout(() => { this.timedOut = true; this.controller.abort() }, ms)
  }

  stop () {
    clearTimeout(this.timer)
    this.outer?.removeEventListener('abort', this.onAbort)
  }

  /**
   * @param {unknown} error
   * @returns {Error} AbortError for the caller's own abort, OriginError for all else
   */
  explain (error) {
    if (this.outer?.aborted) return new DOMException('aborted', 'AbortError')
    if (error instanceof OriginError) return error
    if (this.timedOut) return new OriginError('the origin does not answer', 0)
    return new OriginError(`the origin cannot be reached (${error instanceof Error ? error.message : error})`, 0)
  }
}
