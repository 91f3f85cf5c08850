/**
 * What the viewer said about sharing: one word for all players of a page, remembered by its site (and nowhere else:
 * nobody is told). Without a storage, as in some frames and private windows, it holds for the page.
 */

const KEY = 'live-torrent.sharing'

class Choice {
  constructor () {
    /** @type {Set<() => void>} one per engine */
    this.listeners = new Set()
    /** Said on this page, not remembered. */
    this.here = false
    /** @type {boolean | null} */
    this.word = null
    try { this.#read(globalThis.localStorage?.getItem(KEY)) } catch { /* forbidden */ }
    // Another tab of this site.
    globalThis.addEventListener?.('storage', ({ key, newValue }) => {
      if (key !== KEY && key !== null) return
      this.here = false
      this.#read(newValue)
      this.#tell()
    })
  }

  /** @param {boolean} yes */
  say (yes) {
    this.here = true
    this.word = yes
    try { globalThis.localStorage?.setItem(KEY, yes ? 'yes' : 'no') } catch { /* full or forbidden */ }
    this.#tell()
  }

  /** @param {string | null | undefined} text */
  #read (text) { this.word = text === 'yes' ? true : text === 'no' ? false : null }

  #tell () { for (const listener of [...this.listeners]) listener() }
}

export const choice = new Choice()
