/**
 * The streams that players of the site's own play, found out from what they ask for. Nobody says which: a playlist with
 * our tags has an engine made for its swarm, one without is passed on from then on. Acts through what it is given; no
 * clock of its own.
 */

import { looks } from '../sw/routes.js'
import { OriginError } from './origin.js'
import { parsePlaylist, withoutDirectives } from './playlist.js'

/** @typedef {import('./types').Engine} Engine */
/** @typedef {import('./types').FetchedPlaylist} FetchedPlaylist */

/** A page plays one stream, or two while it goes from one to the next; each has its own mesh. */
const MAX_ENGINES = 3
/** Remembered with their playlists, so that a player who comes back to one finds it. */
const MAX_STREAMS = 8
/** Of one stream: its variants and renditions, the newest. */
const MAX_PLAYLISTS = 16
/** Playlists without our tags; the oldest is looked at again. */
const MAX_PLAIN = 64
/** Not asked for so long, a stream is not played any more: live playlists are reloaded every few seconds, ms. */
const IDLE = 60_000

/**
 * @typedef {object} Running
 * @property {Engine} engine
 * @property {(url: string, bytes: number) => void} fetched a segment of it came past the engine
 * @property {() => void} close
 *
 * @typedef {object} Stream
 * @property {string} id its rendezvous
 * @property {Running | null} running
 * @property {Set<string>} playlists as the player asks for them, newest last
 * @property {Set<string>} folders where its segments are
 * @property {boolean} live
 * @property {number} askedAt ms
 *
 * @typedef {object} Means
 * @property {(url: string, signal?: AbortSignal) => Promise<FetchedPlaylist>} fetch
 * @property {() => Running} run makes an engine
 * @property {() => boolean} showing whether there is media on the page that a recording may be
 * @property {() => number} now ms
 */

export class SiteStreams {
  /** @type {Map<string, Stream>} by rendezvous, the one asked for last at the end */
  #streams = new Map()
  /** @type {Set<string>} */
  #plain = new Set()
  #means

  /** @param {Means} means */
  constructor (means) { this.#means = means }

  /** Whether this playlist may be one of ours. @param {string} url */
  plays (url) { return !this.#plain.has(withoutDirectives(url)) }

  /**
   * @param {string} url
   * @param {{ signal?: AbortSignal }} [options]
   * @returns {Promise<import('./bridge.js').Playlist>} rejects as `fetch` does
   */
  async playlist (url, { signal } = {}) {
    try {
      return this.#learn(url, await this.#means.fetch(url, signal))
    } catch (error) {
      // Its viewer is logged in, which we are not: the browser's own request is the right one.
      const forbidden = error instanceof OriginError && (error.status === 401 || error.status === 403)
      if (forbidden) bound(this.#plain, withoutDirectives(url), MAX_PLAIN)
      throw error
    }
  }

  /** Playlists that were loaded before anybody asked us. @param {Iterable<string>} urls @returns {Promise<void>} never rejects */
  async catchUp (urls) {
    const known = new Set([...this.#streams.values()].flatMap(({ playlists }) => [...playlists].map(withoutDirectives)))
    const fresh = [...urls].filter(url => this.plays(url) && !known.has(withoutDirectives(url)))
    await Promise.allSettled(fresh.map(url => this.playlist(url)))
  }

  /** @type {Engine['knows']} */
  knows (url, range) {
    if (this.#of(url, range)) return true
    // Its engine was closed, for nobody asked for it: this time it comes over HTTP.
    const folder = folderOf(url)
    for (const stream of this.#streams.values()) {
      if (!stream.running && stream.folders.has(folder)) {
        this.#run(stream)
        Promise.allSettled([...stream.playlists].map(playlist => this.playlist(playlist)))
      }
    }
    return false
  }

  /** @type {Engine['segment']} */
  segment (url, options) {
    const stream = this.#of(url, options?.range)
    if (!stream?.running) return Promise.reject(new Error('not a segment of a known playlist'))
    stream.askedAt = this.#means.now()
    return stream.running.engine.segment(url, options)
  }

  /** The worker had this segment from the origin. @param {string} url @param {number} bytes @returns {boolean} whether it is of a stream of ours */
  fetched (url, bytes) {
    const stream = this.#of(url) ?? [...this.#streams.values()].find(({ folders }) => folders.has(folderOf(url)))
    stream?.running?.fetched(url, bytes)
    return Boolean(stream?.running)
  }

  /** Close what is not played any more; to be called now and then. */
  sweep () {
    const { now, showing } = this.#means
    for (const stream of this.#streams.values()) {
      // A recording that is paused, or loaded to its end, asks for nothing.
      if (stream.running && now() - stream.askedAt > IDLE && (stream.live || !showing())) this.#close(stream)
    }
  }

  /** All of them: the page is being left. Whoever asks again is answered again. */
  close () { for (const stream of this.#streams.values()) this.#close(stream) }

  /** @param {string} url of a segment @param {import('./types').ByteRange} [range] */
  #of (url, range) {
    for (const stream of this.#streams.values()) if (stream.running?.engine.knows(url, range)) return stream
    return undefined
  }

  /** @param {string} url as it was asked for @param {FetchedPlaylist} fetched */
  #learn (url, fetched) {
    const { swarm, segments, variants, multivariant, live } = parsePlaylist(fetched.text, fetched.url)
    if (swarm === null) {
      bound(this.#plain, withoutDirectives(url), MAX_PLAIN)
      return fetched
    }
    const stream = this.#streams.get(swarm.id) ??
      { id: swarm.id, running: null, playlists: new Set(), folders: new Set(), live: true, askedAt: 0 }
    bound(stream.playlists, withoutDirectives(url), MAX_PLAYLISTS)
    // The first and the last: a recording of several parts is in several folders.
    for (const segment of [segments[0], segments.at(-1)]) {
      if (segment) bound(stream.folders, folderOf(segment.url), MAX_PLAYLISTS)
    }
    if (!multivariant) stream.live = live
    this.#run(stream).engine.learn(fetched)
    /** @type {[string, import('../sw/protocol.js').Kind][]} */
    const names = []
    for (const url of variants) if (!looks(url)) names.push([url, 'playlist'])
    for (const { url, infohash } of segments) if (infohash && !looks(url)) names.push([url, 'segment'])
    return names.length > 0 ? { ...fetched, names } : fetched
  }

  /** Have an engine for it. @param {Stream} stream @returns {Running} */
  #run (stream) {
    stream.askedAt = this.#means.now()
    this.#streams.delete(stream.id)
    this.#streams.set(stream.id, stream)
    stream.running ??= this.#means.run()
    const running = [...this.#streams.values()].filter(({ running }) => running)
    for (const old of running.slice(0, Math.max(0, running.length - MAX_ENGINES))) this.#close(old)
    for (const old of [...this.#streams.values()].slice(0, Math.max(0, this.#streams.size - MAX_STREAMS))) {
      this.#close(old)
      this.#streams.delete(old.id)
    }
    return stream.running
  }

  /** @param {Stream} stream */
  #close (stream) {
    stream.running?.close()
    stream.running = null
  }
}

/** @param {string} url */
const folderOf = url => new URL('.', url).href

/** Add at the end; the oldest goes. @param {Set<string>} set @param {string} value @param {number} max */
function bound (set, value, max) {
  set.delete(value)
  set.add(value)
  for (const oldest of set) {
    if (set.size <= max) break
    set.delete(oldest)
  }
}
