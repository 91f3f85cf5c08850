/**
 * For pages with a player of their own (`embed.js` with `data-worker`): the site's copy of the service worker asks this
 * page for what the player loads, and the engines here answer.
 */

import { ask } from './ask.js'
import { Bridge } from './bridge.js'
import { Direct } from './direct.js'
import { createEngine } from './engine.js'
import { MediaElements } from './media-elements.js'
import { fetchPlaylist } from './origin.js'
import { announce, withdraw } from './page-api.js'
import './player.js' // for the bundler: what both need stays one file, which is smaller than two
import { SiteStreams } from './site-streams.js'

/** How long the worker may take to be installed; until then, and without it, the player's requests go over HTTP, ms. */
const CONTROL = 60_000
/** What is not played any more is looked for so often, ms. */
const SWEEP = 10_000
/** Playlists that were loaded before the worker was there; one player's. */
const MAX_EARLY = 8

/**
 * Answer the worker's questions for as long as the page is there.
 * @param {object} options
 * @param {string} options.worker absolute URL of the file on the page's own site
 * @param {boolean} [options.register] false: the site does so, for it is its own worker
 * @param {MessageEvent[]} [options.early] questions that came before
 * @param {Partial<import('./types').EngineOptions>} [options.engineOptions]
 * @param {import('./notice.js').Words | false} [options.notice] as in player.js; it is put over the page's picture
 * @returns {Promise<void>} rejects when there can be no such worker, and says why
 */
export async function serveSite ({ worker, register = true, early = [], engineOptions = {}, notice = {} }) {
  const bridge = Bridge.to(worker)
  if (bridge === null) throw new Error('this frame may have no service workers')
  const media = new MediaElements(new AbortController().signal)
  const streams = new SiteStreams({
    fetch: fetchPlaylist,
    run: () => run({ onAsk: ask(notice, () => media.picture), ...engineOptions, mode: 'service-worker' }, media),
    showing: () => media.any,
    now: () => performance.now()
  })
  bridge.serve({
    engine: streams,
    plays: url => streams.plays(url),
    fetched: (url, bytes) => streams.fetched(url, bytes)
  })
  for (const event of early) bridge.hear(event)

  // What the player loaded while nobody listened: recordings' playlists are loaded once.
  const catchUp = () => streams.catchUp(loaded())
  const { signal } = new AbortController()
  bridge.onChange(controlled => { if (controlled) catchUp() }, signal)
  setInterval(() => streams.sweep(), SWEEP)
  // Peers learn at once that this one is gone. A page the browser keeps for "back" asks again.
  addEventListener('pagehide', () => streams.close())
  if (bridge.controlled) catchUp()
  if (register && !await bridge.control(CONTROL) && bridge.trouble) throw new Error(bridge.trouble)
}

/** Playlists this page's scripts have loaded, as the browser remembers it. */
function loaded () {
  const entries = /** @type {PerformanceResourceTiming[]} */ (performance.getEntriesByType('resource'))
  const scripted = entries.filter(({ initiatorType }) => initiatorType === 'fetch' || initiatorType === 'xmlhttprequest')
  const names = scripted.map(({ name }) => name.split('#')[0] ?? '')
  return [...new Set(names.filter(name => /\.m3u8?(?:\?|$)/i.test(name)))].slice(-MAX_EARLY)
}

/**
 * @param {import('./types').EngineOptions} options
 * @param {MediaElements} media
 * @returns {import('./site-streams.js').Running}
 */
function run (options, media) {
  const engine = createEngine(options)
  const direct = new Direct()
  engine.setPlayer(() => media.sample() ?? AWAY)
  /** @type {import('./player.js').Player} */
  const player = {
    engine,
    get mode () { return engine.mode },
    stats: () => direct.addTo(engine.stats()),
    setSharing: on => engine.setSharing(on),
    destroy: async () => {
      withdraw(player)
      await engine.close()
    }
  }
  announce(player)
  return { engine, fetched: (url, bytes) => direct.fetched(url, bytes), close: () => { player.destroy() } }
}

/** A player whose element cannot be seen: nothing may be assumed of its buffer. @type {import('./types').PlayerState} */
const AWAY = Object.freeze({ bufferSeconds: 0, latencySeconds: null, playbackRate: 1, paused: false, stalls: 0 })
