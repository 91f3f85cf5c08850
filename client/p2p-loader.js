/**
 * For players that are hls.js already: `new Hls({ ...createP2PLoader(Hls).config })`, and its segments come from peers,
 * too. The engine begins with the Hls and ends with it.
 */

import { Direct } from './direct.js'
import { createEngine } from './engine.js'
import { neededConfig } from './hls-config.js'
import { makeLoaders } from './loader.js'
import { watch } from './playhead.js'

/** @typedef {typeof import('hls.js').default} HlsClass */
/** @typedef {import('hls.js').default} Hls */
/** @typedef {import('hls.js').HlsConfig} HlsConfig */

/**
 * The engine's options; `mode` is 'loader' unless you say 'p2p-only' or 'http'.
 * @typedef {Partial<import('./types.js').EngineOptions>} P2PLoaderOptions
 */

/**
 * @typedef {object} P2PLoader
 * @property {Partial<HlsConfig>} config for one Hls: spread it before your own settings. It brings `pLoader`, `fLoader`,
 *   `fpsController` (hls.js's own, by which we are told of the instance), `fragLoadPolicy` and `lowLatencyMode: false`
 * @property {import('./types.js').Engine} engine of the Hls that was made with `config` last
 * @property {() => import('./types.js').Snapshot} stats what came from where
 * @property {(on: boolean) => void} setSharing the viewer's word: no leaves all peers, yes answers `sharing: 'ask'`
 * @property {() => Promise<void>} destroy for when there never was an Hls; else `hls.destroy()` does it. Idempotent
 */

/**
 * Loaders for one instance of hls.js; call it once for each.
 * @param {HlsClass} HlsClass hls.js 1.5 or later, also its light build
 * @param {P2PLoaderOptions} [options]
 * @returns {P2PLoader}
 */
export function createP2PLoader (HlsClass, options = {}) {
  const { DefaultConfig } = HlsClass
  let session = new Session(HlsClass, options)
  /** @param {HlsConfig} config an instance's own: that is how its loaders are told from others' */
  const sessionOf = config => {
    // An Hls made after the first was destroyed has an engine of its own.
    if (session.closed) session = new Session(HlsClass, options)
    session.config ??= config
    // An advertisement's or a preview's player within the player has its settings: that one takes plain HTTP.
    return session.config === config ? session : null
  }

  const Told = /** @type {new (hls: Hls) => object} */ (DefaultConfig.fpsController)
  class P2PInstance extends Told {
    /** @param {Hls} hls */
    constructor (hls) {
      super(hls)
      sessionOf(hls.config)?.follow(hls)
    }
  }

  class P2PInstanceLoader {
    /** @param {HlsConfig} config */
    constructor (config) {
      const { fLoader: Loader = config.loader } = sessionOf(config)?.loaders ?? {}
      return new Loader(config)
    }
  }

  /** @type {{ pLoader: any, fLoader: any, fpsController: any }} */
  const ours = { pLoader: P2PInstanceLoader, fLoader: P2PInstanceLoader, fpsController: P2PInstance }
  return {
    config: { ...neededConfig(DefaultConfig), ...ours },
    get engine () { return session.engine },
    stats: () => session.direct.addTo(session.engine.stats()),
    setSharing: on => session.engine.setSharing(on),
    destroy: () => session.close()
  }
}

/** One Hls and its engine. */
class Session {
  /** @type {HlsConfig | null} the instance's, once there is one */
  config = null
  #stop = new AbortController()

  /** @param {HlsClass} HlsClass @param {P2PLoaderOptions} options */
  constructor (HlsClass, options) {
    const { mode = 'loader' } = options
    this.HlsClass = HlsClass
    this.engine = createEngine({ ...options, mode: mode === 'service-worker' ? 'loader' : mode })
    this.direct = new Direct(options.onSegment)
    this.loaders = makeLoaders(HlsClass, this.engine, (url, bytes) => this.direct.fetched(url, bytes))
  }

  get closed () { return this.#stop.signal.aborted }

  /** Know how it plays, and end with it. @param {Hls} hls */
  follow (hls) {
    const { Events } = this.HlsClass
    const latency = () => hls.latestLevelDetails?.live && hls.latency > 0 ? hls.latency : null
    let gone = new AbortController()
    const leave = () => {
      gone.abort()
      this.engine.setPlayer(null)
    }
    hls.on(Events.MEDIA_ATTACHED, (_, { media }) => {
      leave()
      gone = new AbortController()
      this.engine.setPlayer(watch(/** @type {HTMLVideoElement} */ (media), latency, gone.signal))
    })
    hls.on(Events.MEDIA_DETACHING, leave)
    hls.on(Events.FRAG_LOADED, (_, { frag: { sn, url, stats: { loading } } }) => {
      if (sn !== 'initSegment') this.direct.loaded(url, sn, loading.end - loading.start, loading.end)
    })
    hls.on(Events.DESTROYING, () => {
      leave()
      this.close()
    })
  }

  close () {
    this.#stop.abort()
    return this.engine.close()
  }
}
