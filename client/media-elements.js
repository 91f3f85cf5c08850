/** The media elements of somebody's page, and how the one that plays a stream does. Reads them, changes nothing. */

import { elementLatency, watch } from './playhead.js'

/** A page without any that plays a stream is looked through so often at most, ms. */
const LOOK = 2000

/**
 * @param {ParentNode} root
 * @returns {HTMLMediaElement[]} in the document and in its components' open shadow roots
 */
function find (root) {
  const found = [.../** @type {NodeListOf<HTMLMediaElement>} */ (root.querySelectorAll('video, audio'))]
  for (const element of root.querySelectorAll('*')) if (element.shadowRoot) found.push(...find(element.shadowRoot))
  return found
}

/** Media Source Extensions or a playlist; advertisements and moving backgrounds are files. @param {HTMLMediaElement} media */
const streams = ({ currentSrc, srcObject }) =>
  srcObject !== null || currentSrc.startsWith('blob:') || /\.m3u8?(?:[?#]|$)/i.test(currentSrc)

export class MediaElements {
  /** @type {WeakMap<HTMLMediaElement, () => import('./types').PlayerState>} */
  #watched = new WeakMap()
  /** @type {HTMLMediaElement[]} */
  #found = []
  #lookedAt = -Infinity
  #signal

  /** @param {AbortSignal} signal ends it */
  constructor (signal) { this.#signal = signal }

  /** Whether there is one that a stream may be played in. */
  get any () { return this.#playing().length > 0 }

  /** What a word to the viewer belongs over: the largest picture that plays a stream, else the largest there is. */
  get picture () {
    const size = (/** @type {HTMLMediaElement} */ media) => media.clientWidth * media.clientHeight
    const videos = (/** @type {HTMLMediaElement[]} */ list) => list.filter(media => size(media) > 0).sort((a, b) => size(b) - size(a))
    return videos(this.#playing())[0] ?? videos(find(document))[0] ?? null
  }

  /**
   * Of several the one that runs dry first: nobody says which plays what.
   * @returns {import('./types').PlayerState | null} null: none
   */
  sample () {
    const states = this.#playing().map(media => this.#watch(media)())
    const going = states.filter(({ paused }) => !paused)
    const [first = null] = (going.length > 0 ? going : states).sort((a, b) => a.bufferSeconds - b.bufferSeconds)
    return first
  }

  #playing () {
    const now = performance.now()
    const left = this.#found.filter(media => media.isConnected && streams(media))
    if (left.length > 0 || now - this.#lookedAt < LOOK) return left
    this.#lookedAt = now
    this.#found = find(document)
    return this.#found.filter(streams)
  }

  /** @param {HTMLMediaElement} media */
  #watch (media) {
    const known = this.#watched.get(media)
    if (known) return known
    const sample = watch(media, () => elementLatency(media), this.#signal)
    this.#watched.set(media, sample)
    return sample
  }
}
