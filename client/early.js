/**
 * Playlists asked for before the player's code is there to ask: the first round trips of a visit pass while hls.js is
 * still being loaded. Each is handed out once, and only while it is fresh.
 */

import { parsePlaylist } from './playlist.js'

/** A live playlist is out of date after its Target Duration at the latest; a player that comes later asks anew, ms. */
const FRESH = 2000

/** @typedef {import('./types.js').FetchedPlaylist} FetchedPlaylist */

export class EarlyPlaylists {
  /** @type {Map<string, { at: number, fetched: Promise<FetchedPlaylist> }>} two at most: one multivariant, one media */
  #begun = new Map()

  /**
   * @param {(url: string) => Promise<FetchedPlaylist>} fetch
   * @param {() => number} [now] ms
   */
  constructor (fetch, now = () => performance.now()) {
    this.fetch = fetch
    this.now = now
  }

  /** Ask for a playlist and, where there is but one variant and no choice to make, for that one's. @param {string} url */
  begin (url) {
    this.#ask(url).then(({ url: final, text }) => {
      const { variants } = parsePlaylist(text, final)
      if (variants.length === 1) this.#ask(variants[0] ?? '').catch(() => {})
    }, () => {}) // whoever takes it is told
  }

  /** @param {string} url @returns {Promise<FetchedPlaylist> | undefined} undefined: not asked for, taken, or too old */
  take (url) {
    const begun = this.#begun.get(url)
    this.#begun.delete(url)
    return begun && this.now() - begun.at < FRESH ? begun.fetched : undefined
  }

  /** @param {string} url */
  #ask (url) {
    const fetched = this.fetch(url)
    this.#begun.set(url, { at: this.now(), fetched })
    return fetched
  }
}
