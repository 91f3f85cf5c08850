/**
 * Playlist reloads that peers' hints ask for ("there is a newer segment, and it is yours to pull").
 * A hint is not trusted with our traffic: one reload at a time, not right after another, and ever more
 * rarely while hints turn out to be empty.
 */

/** Shortest time between two loads of one playlist, ms: under a rank's takeover, or the hint is useless. */
const INTERVAL = 150
/** After reloads that brought nothing new, ms. */
const INTERVAL_MAX = 5000

/**
 * @typedef {object} State
 * @property {number} at when it was last loaded, by whomever, ms
 * @property {number} interval
 * @property {boolean} hinted the load under way was a hint's
 * @property {ReturnType<typeof setTimeout> | undefined} timer
 */

export class Hints {
  /** @param {(url: string) => Promise<void>} load never rejects */
  constructor (load) {
    this.load = load
    this.closed = false
    /** @type {Map<string, State>} by playlist URL; as many as the page has variants */
    this.states = new Map()
  }

  /** A peer knows more than this playlist said. @param {string} url */
  reload (url) {
    const state = this.#state(url)
    if (state.timer !== undefined || state.hinted || this.closed) return
    state.timer = setTimeout(() => {
      state.timer = undefined
      state.hinted = true
      this.load(url).finally(() => { state.hinted = false })
    }, Math.max(0, state.at + state.interval - performance.now()))
  }

  /** A playlist was loaded, by the player or for a hint. @param {string} url @param {boolean} news */
  loaded (url, news) {
    const state = this.#state(url)
    state.at = performance.now()
    if (news) {
      state.interval = INTERVAL
      clearTimeout(state.timer)
      state.timer = undefined
    } else if (state.hinted) state.interval = Math.min(INTERVAL_MAX, 2 * state.interval)
  }

  close () {
    this.closed = true
    for (const state of this.states.values()) clearTimeout(state.timer)
  }

  /** @param {string} url */
  #state (url) {
    const known = this.states.get(url)
    if (known) return known
    /** @type {State} */
    const state = { at: -Infinity, interval: INTERVAL, hinted: false, timer: undefined }
    this.states.set(url, state)
    return state
  }
}
