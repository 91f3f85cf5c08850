/**
 * What is on the server, and when it changes: told by `/api/events`, looked up every few seconds where that does not
 * answer. A hidden page asks for nothing unless it plays; it holds no connection either, for a browser has six of
 * them for a server, and people have many tabs.
 */

import { fetchStreams } from '../streams.js'

/** @typedef {import('../streams.js').Stream} Stream */
/** @typedef {import('./catalog.js').Recording} Recording */

/**
 * @typedef {object} Site as `GET /api/site` tells it; what is not said is not there
 * @property {string[]} publish the ways by which one may publish
 * @property {boolean} [events]
 * @property {boolean} [posters]
 * @property {boolean} [recordings]
 * @property {boolean} [downloads] whoever watches may take recordings along
 *
 * @typedef {object} State
 * @property {Site} site
 * @property {readonly Stream[]} streams
 * @property {readonly Recording[]} recordings
 */

/** How often to look where nobody tells, ms. */
const LOOK_MS = 3000
/** … and where somebody does: should an event have been lost. */
const SELDOM_MS = 30_000
/** Events come together: a stream that ends is a recording that is ready. ms */
const TOGETHER_MS = 250
/** … and to everybody at once, who are not to ask at once. ms more, at most */
const APART_MS = 750
/** A server that is busy answers within. ms */
const PATIENCE_MS = 9000

const KINDS = ['stream.live', 'stream.away', 'stream.ended', 'stream.gone', 'recording.start', 'recording.ready', 'recording.gone', 'lost']

/**
 * Runs as long as the page.
 *
 * @param {object} told
 * @param {(state: State) => void} told.changed
 * @param {() => void} told.failed the server does not answer; it is asked again
 * @param {() => boolean} told.busy it has to be asked although nobody sees the page
 * @returns {void}
 */
export function follow ({ changed, failed, busy }) {
  /** @type {Site | null} */
  let site = null
  /** @type {State | null} */
  let state = null
  /** @type {EventSource | null} */
  let source = null
  let looking = false
  let again = false
  let lookedAt = -Infinity
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let soon

  async function look () {
    if (looking) {
      again = true // what is being answered may be older than what we heard
      return
    }
    looking = true
    try {
      const signal = AbortSignal.timeout(PATIENCE_MS)
      const [streams, about] = await Promise.all([fetchStreams(signal), site ?? json('/api/site', signal)])
      /** @type {Site} */
      const here = site = about ?? { publish: [] }
      const listed = here.recordings ? await json('/api/recordings', signal) : null
      tell({ site: here, streams, recordings: listed?.recordings ?? [] })
    } catch {
      failed()
    } finally {
      looking = false
      lookedAt = performance.now()
    }
    listen()
    if (again) {
      again = false
      later()
    }
  }

  /** @param {State} next */
  function tell (next) {
    state = next
    changed(next)
  }

  function later () {
    soon ??= setTimeout(() => { soon = undefined; look() }, TOGETHER_MS + Math.random() * APART_MS)
  }

  function listen () {
    const wanted = site?.events === true && !document.hidden
    if (!wanted) {
      source?.close()
      source = null
    } else if (source === null || source.readyState === EventSource.CLOSED) {
      source = new EventSource('/api/events')
      // What happened until we are listened to, nobody told us.
      source.addEventListener('open', later)
      for (const kind of KINDS) source.addEventListener(kind, later)
      source.addEventListener('viewers', event => count(JSON.parse(event.data).viewers))
    }
  }

  /** @param {Record<string, number>} viewers of those streams where they changed */
  function count (viewers) {
    if (state === null) return
    const now = (/** @type {any} */ each) => each.name in viewers ? { ...each, viewers: viewers[each.name] } : each
    tell({ ...state, streams: state.streams.map(now), recordings: state.recordings.map(now) })
  }

  setInterval(() => {
    if (document.hidden && !busy()) return
    const every = source?.readyState === EventSource.OPEN ? SELDOM_MS : LOOK_MS
    if (performance.now() - lookedAt >= every - 100) look()
  }, LOOK_MS)
  document.addEventListener('visibilitychange', () => {
    listen()
    if (!document.hidden) look()
  })
  look()
}

/**
 * @param {string} url @param {AbortSignal} signal
 * @returns {Promise<any>} null where there is no such thing; rejects when the server does not answer
 */
async function json (url, signal) {
  const response = await fetch(url, { signal, headers: { accept: 'application/json' } })
  if (response.status === 404) return null
  if (!response.ok) throw new Error(`the server answered ${response.status}`)
  return response.json()
}
