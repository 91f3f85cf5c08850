/** hls.js on a video element: started, kept going through errors, stopped. */

import { playbackRate } from './catch-up.js'
import { FOLLOWING, liveConfig } from './hls-config.js'
import { makeLoaders } from './loader.js'
import { ahead } from './playhead.js'
import { Recovery } from './recovery.js'

/** @typedef {typeof import('hls.js').default} HlsClass */
/** @typedef {import('hls.js').default} Hls */

/** Less than this ahead and the picture stands still, s. */
const DRY_SECONDS = 0.5
/** Latency is looked at so often, ms. */
const CATCH_UP_INTERVAL = 1000

/**
 * @typedef {object} Playing
 * @property {() => void} destroy
 * @property {() => number | null} [latency] seconds behind the live edge
 * @property {() => void} [useLoaders] from now on through our loaders: the service worker is gone
 * @property {Hls} [hls] the present one: it is replaced where nothing else helps
 * @property {(on: boolean) => void} [follow] whether to keep with the live edge (so it begins), or to stay where the
 *   viewer went
 */

/**
 * @param {HlsClass} HlsClass
 * @param {HTMLVideoElement} video
 * @param {object} options
 * @param {string} options.url absolute
 * @param {import('./types').Engine} options.engine
 * @param {import('./types').Mode} options.mode
 * @param {import('./direct.js').Direct} options.direct
 * @param {(state: import('./player.js').State) => void} options.onState
 * @param {AbortSignal} options.signal
 * @param {number} [options.at] where to begin, seconds; -1: at the live edge, or the beginning
 * @returns {Playing}
 */
export function playHls (HlsClass, video, { url, engine, mode, direct, onState, signal, at = -1 }) {
  const { Events, ErrorTypes } = HlsClass
  const recovery = new Recovery()
  const ours = makeLoaders(HlsClass, engine, (url, bytes) => direct.fetched(url, bytes))
  let loaders = mode === 'loader' ? ours : {}
  let follows = at < 0
  /** @type {Hls} */
  let hls
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer

  const atEdge = () => follows && hls.latestLevelDetails?.live !== false
  const dry = () => ahead(video.buffered, video.currentTime) < DRY_SECONDS

  const follow = (/** @type {boolean} */ on) => {
    follows = on
    hls.config.liveMaxLatencyDurationCount = on ? FOLLOWING : Infinity
  }

  const start = (startPosition = -1) => {
    hls = new HlsClass({ ...liveConfig(HlsClass.DefaultConfig), ...loaders, startPosition })
    follow(follows)
    hls.on(Events.MANIFEST_PARSED, () => play(video, onState))
    /** Oldest segment listed, by level. @type {number[]} */
    let oldest = []
    let older = 0
    hls.on(Events.LEVEL_LOADED, (_, { level, details }) => {
      if (!details.live || details.endSN >= (oldest[level] ?? 0)) {
        oldest[level] = details.startSN
        older = 0
        return
      }
      // Once it may be a cache that is behind. Twice it is a publisher that began anew: it counts from the start, and
      // so do its media's times; hls.js would wait for them to be where the picture stands still.
      if (++older < 2) return
      oldest = []
      clearTimeout(timer)
      timer = setTimeout(() => hls.loadSource(url))
    })
    hls.on(Events.FRAG_LOADED, (_, { frag, payload }) => {
      recovery.well()
      if (frag.sn === 'initSegment') return
      // Neither worker nor loader of ours was in between to say so.
      if (mode === 'http') direct.fetched(frag.url, payload.byteLength)
      const { start, end } = frag.stats.loading
      direct.loaded(frag.url, frag.sn, end - start, end)
    })
    hls.on(Events.ERROR, (_, { fatal, type }) => {
      if (fatal) recover(type === ErrorTypes.NETWORK_ERROR ? 'network' : type === ErrorTypes.MEDIA_ERROR ? 'media' : 'other')
    })
    hls.attachMedia(video)
    hls.loadSource(url)
  }

  /** @param {'network' | 'media' | 'other'} kind */
  const recover = kind => {
    const { action, delayMs } = recovery.next(kind, performance.now())
    // As long as the buffer plays nobody notices, and most outages are over by then.
    if (kind !== 'network' || dry()) onState('retrying')
    clearTimeout(timer)
    timer = setTimeout(() => {
      switch (action) {
        case 'reload':
          // A live stream that ran dry begins anew: its old place has left the window, and what comes back
          // may be numbered from the start. Anything else goes on where it was.
          if (hls.latestLevelDetails === null || (atEdge() && dry())) hls.loadSource(url)
          else hls.startLoad()
          break
        case 'swap-audio':
          hls.swapAudioCodec()
          hls.recoverMediaError()
          break
        case 'recover-media':
          hls.recoverMediaError()
          break
        case 'rebuild': {
          const position = atEdge() ? -1 : video.currentTime
          hls.destroy()
          start(position)
          break
        }
      }
    }, delayMs)
  }

  const catchUp = setInterval(() => {
    const { targetLatency } = hls
    if (!follows || !hls.latestLevelDetails?.live || targetLatency === null || !(hls.latency > 0)) return
    const buffer = ahead(video.buffered, video.currentTime)
    const rate = playbackRate(video.playbackRate, { latency: hls.latency, target: targetLatency, buffer })
    if (rate !== video.playbackRate) video.playbackRate = rate
  }, CATCH_UP_INTERVAL)

  video.addEventListener('playing', () => onState('playing'), { signal })
  video.addEventListener('ended', () => onState('ended'), { signal })
  start(at)
  return {
    get hls () { return hls },
    follow,
    destroy () {
      clearTimeout(timer)
      clearInterval(catchUp)
      hls.destroy()
    },
    latency () {
      const details = hls.latestLevelDetails
      return details?.live && hls.latency > 0 ? hls.latency : null
    },
    useLoaders () {
      // hls.js makes a loader for every load, from what its configuration says then.
      loaders = ours
      Object.assign(hls.config, ours)
    }
  }
}

/** @param {HTMLVideoElement} video @param {(state: import('./player.js').State) => void} onState */
function play (video, onState) {
  video.play().catch(error => { if (error.name === 'NotAllowedError') onState('blocked') })
}
