/**
 * The origin: a live stream in its variants, listed segment by segment, and what was fetched of each. It has
 * room for everybody; what limits a fetch is the viewer's line and the way there.
 */

/** 64 KiB (docs/design.md). */
export const PIECE = 65536

/**
 * @typedef {object} Variant
 * @property {string} url of its playlist
 * @property {number} mbps
 * @property {number} pieces of a segment
 * @property {number} bytes of a segment
 */

/** @typedef {'pull' | 'alone' | 'deadline' | 'start'} Reason */

export class Origin {
  /**
   * @param {import('./dice.js').Dice} dice
   * @param {number[]} mbps of each variant
   * @param {{ duration: number, window: number }} shape seconds of a segment, segments listed
   */
  constructor (dice, mbps, { duration, window }) {
    this.duration = duration
    this.window = window
    this.swarm = Object.freeze({ id: dice.id(), tracker: 'ws://tracker/announce', ice: [], terms: {} })
    /** @type {Variant[]} */
    this.variants = mbps.map((rate, i) => {
      const bytes = Math.round(rate * 125_000 * duration)
      return { url: `http://origin/live/v${i}/index.m3u8`, mbps: rate, pieces: Math.ceil(bytes / PIECE), bytes }
    })
    this.dice = dice
    /** @type {import('../../client/playlist.js').ListedSegment[][]} by variant, then MSN */
    this.listed = this.variants.map(() => [])
    /** @type {Map<number, import('../../client/playlist.js').MediaPlaylist>[]} by variant, then last MSN */
    this.rendered = this.variants.map(() => new Map())
    /** @type {Map<string, Record<Reason, number>>} bytes fetched, by infohash */
    this.fetched = new Map()
    this.playlists = 0
  }

  /** The last MSN listed. @param {number} now ms; the stream is as old as its window when it begins */
  last (now) { return this.window - 1 + Math.floor(now / (1000 * this.duration)) }

  /** When a segment is listed, ms. @param {number} msn */
  listedAt (msn) { return (msn - this.window + 1) * 1000 * this.duration }

  /** @param {number} variant @param {number} now @returns {import('../../client/playlist.js').MediaPlaylist} */
  playlist (variant, now) {
    const last = this.last(now)
    const rendered = /** @type {Map<number, any>} */ (this.rendered[variant])
    const known = rendered.get(last)
    if (known) return known
    const segments = []
    for (let msn = last - this.window + 1; msn <= last; msn++) segments.push(this.segment(variant, msn))
    const playlist = Object.freeze({
      multivariant: false,
      variants: [],
      live: true,
      targetDuration: this.duration,
      segments,
      skipped: 0,
      swarm: this.swarm
    })
    rendered.clear() // the window moves on; nobody asks for what was
    rendered.set(last, playlist)
    return playlist
  }

  /** @param {number} variant @param {number} msn */
  segment (variant, msn) {
    const listed = /** @type {import('../../client/playlist.js').ListedSegment[]} */ (this.listed[variant])
    while (listed.length <= msn) {
      const infohash = this.dice.id()
      const url = `http://origin/live/v${variant}/${listed.length}.m4s`
      const msn = listed.length
      listed.push(Object.freeze({ url, range: null, msn, duration: this.duration, infohash, info: 'x', magnet: '' }))
      this.fetched.set(infohash, { pull: 0, alone: 0, deadline: 0, start: 0 })
    }
    return /** @type {import('../../client/playlist.js').ListedSegment} */ (listed[msn])
  }

  /** @param {string} id @param {number} bytes @param {Reason} reason */
  sent (id, bytes, reason) {
    const fetched = this.fetched.get(id)
    if (fetched) fetched[reason] += bytes
  }
}
