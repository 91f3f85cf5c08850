/**
 * The player of one simulated viewer, as hls.js is set up (client/hls-config.js): three target durations behind the
 * edge, one segment loaded at a time, playing as soon as there is anything to play.
 */

import { FASTER, playbackRate } from '../../client/catch-up.js'

/** hls.js's liveSyncDurationCount. */
const SYNC = 3
/** What a decoder needs beyond the last byte of the first segment, ms. */
const DECODE = 60

/** @typedef {import('./viewer.js').SimViewer} SimViewer */

export class SimPlayer {
  /** @param {SimViewer} viewer */
  constructor (viewer) {
    this.viewer = viewer
    this.clock = viewer.world.clock
    this.duration = viewer.world.origin.duration
    /** Next to load; -1 before the first playlist. */
    this.next = -1
    /** The one being loaded. @type {string} */
    this.loading = ''
    this.last = -1
    /** Media time, s: where the buffer ends; where playback was `at`. */
    this.end = 0
    this.position = 0
    this.at = 0
    this.rate = 1
    this.state = /** @type {'starting' | 'playing' | 'stalled'} */ ('starting')
    this.stalls = 0
    this.stalledSince = 0
    this.stalledMs = 0
    this.startedAt = NaN
    /** @type {import('./heap.js').Event | undefined} */
    this.dry = undefined
  }

  /** Where playback is, s of media. */
  get time () {
    if (this.state !== 'playing') return this.position
    return Math.min(this.end, this.position + (this.clock.now - this.at) / 1000 * this.rate)
  }

  get bufferSeconds () { return this.end - this.time }

  /** Behind the live edge, s. */
  get latency () {
    const edge = this.viewer.world.origin.last(this.clock.now) + 1
    return edge * this.duration - this.time + (this.clock.now / 1000 % this.duration)
  }

  /** A playlist was loaded. @param {import('../../client/playlist.js').MediaPlaylist} playlist */
  listed (playlist) {
    const first = playlist.segments[0]?.msn ?? 0
    this.last = playlist.segments.at(-1)?.msn ?? -1
    if (this.next < first) { // not begun, or so late that it left the window
      const jumped = this.next >= 0
      this.next = Math.max(first, this.last - SYNC + 1)
      this.position = this.end = this.next * this.duration
      if (jumped && this.state === 'playing') this.#stall()
    }
    this.load()
  }

  load () {
    if (this.loading !== '' || this.next < 0 || this.next > this.last) return
    const { world, variant } = this.viewer
    const id = world.origin.segment(variant, this.next).infohash
    if (!this.viewer.knows(id)) return // it changed to a variant whose playlist is yet to come
    this.loading = id
    this.viewer.want(id)
  }

  /** The engine handed out a segment. @param {string} id @param {boolean} ok */
  loaded (id, ok) {
    if (id !== this.loading) return
    this.loading = ''
    if (!ok) {
      this.clock.after(1000, retry, this)
      return
    }
    this.#settle()
    this.next += 1
    this.end = Math.max(this.end, this.next * this.duration)
    if (this.state !== 'playing') this.clock.after(DECODE, play, this)
    else this.#plan()
    this.load()
  }

  /** It may go on. */
  play () {
    if (this.state === 'playing' || this.viewer.gone || this.end <= this.position) return
    if (this.state === 'stalled') this.stalledMs += this.clock.now - this.stalledSince
    else this.startedAt = this.clock.now
    this.state = 'playing'
    this.at = this.clock.now
    this.#plan()
  }

  /** Time counted as stalled until now, ms. */
  stalledUntilNow () { return this.stalledMs + (this.state === 'stalled' ? this.clock.now - this.stalledSince : 0) }

  /** The playback rate is looked at. */
  adjust () {
    if (this.state !== 'playing') return
    const { latency, bufferSeconds: buffer } = this
    const rate = playbackRate(this.rate, { latency, target: SYNC * this.duration, buffer })
    if (rate === this.rate) return
    this.#settle()
    this.rate = rate
    this.#plan()
  }

  get hurries () { return this.rate === FASTER }

  #settle () {
    this.position = this.time
    this.at = this.clock.now
  }

  #plan () {
    this.clock.cancel(this.dry)
    this.dry = this.clock.after(1000 * this.bufferSeconds / this.rate, ranDry, this)
  }

  ranDry () {
    if (this.state !== 'playing' || this.viewer.gone) return
    if (this.bufferSeconds > 0.001) return this.#plan()
    this.#stall()
  }

  #stall () {
    this.#settle()
    this.clock.cancel(this.dry)
    this.state = 'stalled'
    this.stalls += 1
    this.stalledSince = this.clock.now
    this.viewer.scheduler.late()
  }
}

/** @param {SimPlayer} player */
function play (player) { player.play() }
/** @param {SimPlayer} player */
function ranDry (player) { player.ranDry() }
/** @param {SimPlayer} player */
function retry (player) { player.load() }
