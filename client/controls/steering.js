/**
 * What the controls do to the player, and where it is: the element, hls.js where that plays, and the player's own
 * keeping with the live edge, as one.
 */

import { dateAt, going, NEAR, place } from './place.js'
import { nextRate } from './choices.js'
import { recall, remember } from './remember.js'

/** @typedef {import('../player.js').MountedPlayer} MountedPlayer */
/** @typedef {import('./place.js').Place} Place */

/** Further behind the end of what is seekable than this no player begins, s. */
const GAP = 30

export class Steering {
  /** Where a seek that goes on will be, s: several key presses add up. @type {number | null} */
  #to = null
  /** Where a player without hls.js began, behind the end. */
  #gap = 0
  /** @type {import('hls.js').default | undefined} whose settings are the viewer's */
  #hls = undefined
  /** The viewer's: a quality, by its height and bit rate. @type {{ height: number, bitrate: number } | null} */
  #quality = null
  #rate = 1

  /** @param {HTMLVideoElement} video @param {() => MountedPlayer | null} player */
  constructor (video, player) {
    this.video = video
    this.player = player
    this.remembered = recall()
    video.volume = this.remembered.volume
    const stop = new AbortController()
    const { signal } = stop
    video.addEventListener('playing', () => { this.#began() }, { signal })
    // In a hidden tab it is the browser that pauses: who comes back wants to see what is live.
    video.addEventListener('pause', () => {
      if (this.place.live && !document.hidden) this.player()?.follow(false)
    }, { signal })
    video.addEventListener('play', () => this.#resumed(), { signal })
    video.addEventListener('seeked', () => { this.#to = null }, { signal })
    video.addEventListener('emptied', () => {
      this.#to = null
      this.#gap = 0
    }, { signal })
    this.close = () => stop.abort()
  }

  get hls () { return this.player()?.hls }

  /** @returns {Place} */
  get place () {
    const { video, hls } = this
    const { seekable, duration, currentTime } = video
    const edge = hls?.latestLevelDetails?.live ? hls.liveSyncPosition : null
    return place({
      seekable: seekable.length > 0 ? [seekable.start(0), seekable.end(seekable.length - 1)] : null,
      duration,
      time: this.#to ?? currentTime,
      edge,
      gap: this.#gap
    })
  }

  /** Whether it keeps with the live edge. */
  get atEdge () {
    const { live, behind } = this.place
    return live && !this.video.paused && behind < NEAR
  }

  /** @param {number} time @returns {Date | null} the time of day of that moment */
  dateAt (time) {
    const fragments = this.hls?.latestLevelDetails?.fragments
    if (fragments) return dateAt(fragments, time)
    // WebKit's own.
    const start = /** @type {{ getStartDate?: () => Date }} */ (this.video).getStartDate?.().getTime() ?? NaN
    return Number.isNaN(start) ? null : new Date(start + 1000 * time)
  }

  toggle () {
    const { video } = this
    if (video.ended) this.seek(0)
    if (video.paused || video.ended) video.play().catch(() => {}) // forbidden, or paused again meanwhile
    else video.pause()
  }

  /** @param {number} time s */
  seek (time) {
    const now = this.place
    if (!now.live && now.end === 0) return // nothing is known yet
    const { to, follow } = going(now, time)
    if (now.live) this.player()?.follow(follow && !this.video.paused)
    this.#to = to
    this.video.currentTime = to
  }

  /** @param {number} seconds */
  seekBy (seconds) { this.seek((this.#to ?? this.video.currentTime) + seconds) }

  goLive () {
    this.seek(Infinity)
    if (this.video.paused) this.toggle()
  }

  // ── sound ──────────────────────────────────────────────────────────────────────────────────────

  /** @param {number} volume 0 to 1 */
  setVolume (volume) {
    const { video, remembered } = this
    video.volume = Math.max(0, Math.min(1, volume))
    video.muted = video.volume === 0
    Object.assign(remembered, { volume: video.volume || remembered.volume, silent: video.muted })
    remember(remembered)
  }

  /** @param {boolean} muted */
  setMuted (muted) {
    const { video, remembered } = this
    video.muted = muted
    if (!muted && video.volume === 0) video.volume = 0.5
    remembered.silent = muted
    remember(remembered)
  }

  // ── choices ────────────────────────────────────────────────────────────────────────────────────

  get rate () { return this.#rate }

  /** Of recordings. @param {number} rate */
  setRate (rate) {
    this.#rate = rate
    this.video.playbackRate = rate
  }

  /** @param {number} steps */
  faster (steps) { if (!this.place.live) this.setRate(nextRate(this.#rate, steps)) }

  /** hls.js's number of the chosen quality; -1: its own choice. */
  get quality () {
    const wanted = this.#quality
    return wanted === null ? -1 : this.hls?.levels.findIndex(level => same(level, wanted)) ?? -1
  }

  /** @param {number} index -1: the player's own choice */
  setQuality (index) {
    const { hls } = this
    const level = hls?.levels[index]
    this.#quality = level ? { height: level.height, bitrate: level.bitrate } : null
    if (hls) hls.nextLevel = level ? index : -1
  }

  /** The element's captions; what makes them shows in one list. */
  get captionTracks () {
    return [...this.video.textTracks].filter(({ kind }) => kind === 'subtitles' || kind === 'captions')
  }

  /** @param {number} index of `captionTracks`; -1: none */
  setCaptions (index) {
    this.captionTracks.forEach((track, i) => { track.mode = i === index ? 'showing' : 'disabled' })
  }

  /** Captions on or off: those in the page's language, else the first. @returns {boolean | null} null: there are none */
  toggleCaptions () {
    const tracks = this.captionTracks
    if (tracks.length === 0) return null
    const on = !tracks.some(({ mode }) => mode === 'showing')
    const [language = ''] = navigator.language.split('-')
    this.setCaptions(on ? Math.max(0, tracks.findIndex(track => track.language.startsWith(language))) : -1)
    return on
  }

  /** @returns {{ label: string, language: string, on: boolean }[]} */
  get sounds () {
    const { hls } = this
    if (hls) return hls.audioTracks.map(({ name, lang = '', id }) => ({ label: name, language: lang, on: id === hls.audioTrack }))
    const own = /** @type {{ audioTracks?: Iterable<{ label: string, language: string, enabled: boolean }> }} */ (this.video).audioTracks
    return [...own ?? []].map(({ label, language, enabled }) => ({ label, language, on: enabled }))
  }

  /** @param {number} index of `sounds` */
  setSound (index) {
    const { hls } = this
    if (hls) {
      hls.audioTrack = hls.audioTracks[index]?.id ?? hls.audioTrack
      return
    }
    const own = /** @type {{ audioTracks?: Iterable<{ enabled: boolean }> }} */ (this.video).audioTracks
    for (const [i, track] of [...own ?? []].entries()) track.enabled = i === index
  }

  // ── upkeep ─────────────────────────────────────────────────────────────────────────────────────

  /** Look after what changes by itself; called a few times a second. */
  look () {
    const { hls, video } = this
    const { live, fallen, start } = this.place
    if (hls !== this.#hls && (hls?.levels.length ?? 0) > 0) {
      this.#hls = hls
      if (hls && this.quality >= 0) hls.nextLevel = this.quality
    }
    if (!live && video.playbackRate !== this.#rate) video.playbackRate = this.#rate
    // The window has slid past what is played: what comes next is the oldest there is.
    if (live && fallen && !video.paused && !video.seeking) this.seek(start)
  }

  #began () {
    const { seekable, currentTime } = this.video
    if (this.hls || this.#gap > 0 || seekable.length === 0) return
    this.#gap = Math.min(GAP, Math.max(0, seekable.end(seekable.length - 1) - currentTime))
  }

  #resumed () {
    const { live, behind, fallen, start } = this.place
    if (!live) return
    if (fallen) this.seek(start)
    else if (behind < NEAR) this.player()?.follow(true)
  }
}

/** @param {{ height: number, bitrate: number }} a @param {{ height: number, bitrate: number }} b */
const same = (a, b) => a.height === b.height && a.bitrate === b.bitrate
