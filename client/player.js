/**
 * A player on a video element: decides the mode, sets up engine, bridge and hls.js, keeps it going, and
 * tells the page how it does (`window.liveTorrent`).
 */

import { ask } from './ask.js'
import { Bridge } from './bridge.js'
import { Direct } from './direct.js'
import { createEngine } from './engine.js'
import { modes, siteRoot } from './mode.js'
import { announce, withdraw } from './page-api.js'
import { elementLatency, watch } from './playhead.js'
import { playHls } from './play-hls.js'
import { playNative } from './play-native.js'

/** @typedef {import('./types.js').Mode} Mode */
/** @typedef {import('./types.js').Engine} Engine */
/** @typedef {import('./types.js').Snapshot} Snapshot */
/**
 * `blocked`: the browser wants a click before it plays. `retrying`: the origin does not answer or the media
 * is broken; the player tries on. `ended`: a recording, or a stream that was closed, has been played out.
 * @typedef {'loading' | 'playing' | 'blocked' | 'retrying' | 'ended'} State
 */

/**
 * @typedef {object} Player
 * @property {Engine} engine
 * @property {Mode} mode
 * @property {() => Snapshot} stats
 * @property {(on: boolean) => void} setSharing the viewer's word: see `Engine`
 * @property {() => Promise<void>} destroy stop everything, in order; idempotent
 */

/**
 * @typedef {object} Steering for controls of our own
 * @property {import('hls.js').default | undefined} hls what plays now; undefined: the element by itself
 * @property {(on: boolean) => void} follow whether to keep with the live edge, as it does by itself, or to stay where
 *   the viewer went
 *
 * @typedef {Player & Steering} MountedPlayer
 */

/**
 * @typedef {object} MountOptions
 * @property {string} url of a multivariant or media playlist; relative to the page
 * @property {string | null} [mode] this mode or a later one instead of the best; 'service-worker': and through the
 *   worker all the way, as a player that knows nothing of us goes
 * @property {Partial<import('./types.js').EngineOptions>} [engineOptions] all but `mode`, which is decided here
 * @property {import('./notice.js').Words | false} [notice] where viewers are asked first (`sharing: 'ask'`, by page or
 *   operator): the words of the question; false: the page asks in its own way, and calls `setSharing`
 * @property {number} [at] where to begin, seconds; by itself at the live edge, or the beginning
 * @property {boolean} [muted] default true: browsers let only muted video start by itself
 * @property {(state: State) => void} [onState] told at once of 'loading', then of each change
 * @property {AbortSignal} [signal] gives up mounting
 * @property {() => Promise<{ default: typeof import('hls.js').default }>} [loadHls] where hls.js comes from; asked only
 *   in browsers that have Media Source Extensions
 */

/** On a first visit the worker takes a few hundred ms; a slow one is not waited for. */
const CONTROL_MS = 1500

/**
 * @param {HTMLVideoElement} video
 * @param {MountOptions} options
 * @returns {Promise<MountedPlayer>} once the engine runs and playing has begun to load; rejects when aborted, or when
 *   hls.js cannot be loaded, or the browser cannot do what `mode` demands
 */
export async function mount (video, options) {
  const { url, mode: wanted = null, engineOptions = {}, notice = {}, muted = true, at, signal } = options
  const { onState = () => {}, loadHls = () => import('hls.js') } = options
  const source = new URL(url, location.href).href
  prepare(video, muted)
  onState('loading')

  const mse = 'MediaSource' in globalThis || 'ManagedMediaSource' in globalThis
  const root = siteRoot(source)
  const secure = isSecureContext && 'serviceWorker' in navigator
  const sameOrigin = root !== null && new URL(source).origin === location.origin
  const order = modes({
    secure,
    sameOrigin,
    mse,
    native: video.canPlayType('application/vnd.apple.mpegurl') !== ''
  }, wanted)

  const bridge = secure && sameOrigin ? Bridge.to(`${root}sw.js`) : null
  // Our player is on the engine's page and asks it without the way through the worker and back, which costs a copy
  // of every segment between processes. The worker answers everything else on the page, once there is a picture.
  const throughWorker = wanted === 'service-worker'
  const p2pOnly = wanted === 'p2p-only'
  const [likely = 'http'] = order
  const engine = createEngine({ onAsk: ask(notice, () => video), ...engineOptions, mode: p2pOnly ? 'p2p-only' : likely })
  // Playlists and peers are on their way while hls.js is being loaded.
  if (!throughWorker && likely !== 'http') engine.begin(source)
  const found = Promise.all([
    mse ? loadHls() : null,
    throughWorker && likely === 'service-worker' && bridge !== null ? bridge.control(CONTROL_MS, signal) : false
  ])
  const { HlsClass, mode } = await found.then(([module, controlled]) => {
    signal?.throwIfAborted()
    const supported = module?.default.isSupported() === true
    const [mode = 'http'] = supported ? order.filter(mode => mode !== 'service-worker' || controlled) : []
    if (p2pOnly && mode === 'http') throw new Error('p2p-only needs Media Source Extensions, which this browser has not')
    return { HlsClass: supported ? module.default : undefined, mode }
  }).catch(error => {
    engine.close()
    throw error
  })
  engine.mode = mode
  if (mode === 'http') engine.close() // what it began; playlists and statistics it gives all the same

  const stop = new AbortController()
  const direct = new Direct(engineOptions.onSegment)
  const playing = HlsClass
    ? playHls(HlsClass, video, { url: source, engine, mode, direct, onState, at, signal: stop.signal })
    : playNative(video, { url: source, onState, at, signal: stop.signal })
  engine.setPlayer(watch(video, playing.latency ?? (() => elementLatency(video)), stop.signal))

  const folder = new URL('.', source).href
  /** @type {(() => void) | undefined} */
  let unserve
  const serve = () => {
    unserve ??= bridge?.serve({
      engine,
      plays: url => url.startsWith(folder),
      fetched: (url, bytes) => {
        const own = url.startsWith(folder)
        if (own) direct.fetched(url, bytes)
        return own
      }
    })
    engine.mode = 'service-worker'
  }
  if (HlsClass && likely === 'service-worker' && bridge !== null) {
    if (bridge.controlled) serve()
    const control = () => bridge.control(CONTROL_MS, stop.signal)
    if (!throughWorker) video.addEventListener('playing', control, { once: true, signal: stop.signal })
    bridge.onChange(controlled => {
      if (controlled && !throughWorker) return serve()
      // The worker is gone in mid-play (site data cleared, another worker at our place): go on without it.
      if (controlled || engine.mode !== 'service-worker') return
      engine.mode = 'loader'
      playing.useLoaders?.()
    }, stop.signal)
  }

  /** @type {Promise<void> | undefined} */
  let destroyed
  /** @type {MountedPlayer} */
  const player = {
    engine,
    get mode () { return engine.mode },
    stats: () => direct.addTo(engine.stats()),
    setSharing: on => engine.setSharing(on),
    get hls () { return playing.hls },
    follow: on => playing.follow?.(on),
    destroy: () => destroyed ??= (async () => {
      stop.abort()
      unserve?.()
      engine.setPlayer(null)
      withdraw(player)
      playing.destroy()
      await engine.close()
    })()
  }
  announce(player)
  // Peers learn at once that this one is gone. A page the browser keeps for "back" begins anew.
  addEventListener('pagehide', () => { player.destroy() }, { signal: stop.signal })
  return player
}

/** @param {HTMLVideoElement} video @param {boolean} muted */
function prepare (video, muted) {
  video.muted = muted
  video.autoplay = true
  video.playsInline = true
  // Safari's own HLS asks no service worker without it, and a canvas could not be drawn from the picture.
  video.crossOrigin = 'anonymous'
}
