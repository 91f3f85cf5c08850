/** Our whole player on a video element of yours: what embed.js puts there, for whoever writes the page in modules. */

import { mount } from './player.js'

/** @typedef {import('./player.js').MountOptions} MountOptions */
/** @typedef {import('./player.js').Player} Player */
/** @typedef {import('./player.js').State} State */

/**
 * Those of the engine (types.d.ts) and of the player together, under the names that embed.js has them by, too.
 * @typedef {Omit<MountOptions, 'url' | 'mode' | 'engineOptions'> & Partial<import('./types.js').EngineOptions>} AttachOptions
 */

/**
 * What `on` tells: `state`, when it has changed; `segment`, once for each that is complete.
 * @typedef {object} PlayerEvents
 * @property {State} state
 * @property {import('./types.js').SegmentRecord} segment
 */

/**
 * @typedef {Player & {
 *   on: <K extends keyof PlayerEvents>(type: K, listener: (value: PlayerEvents[K]) => void) => () => void
 * }} AttachedPlayer `on` returns what takes the listener away again
 */

/**
 * Play a stream in this element, with peers where the browser can.
 * @param {HTMLVideoElement} video
 * @param {string} url of a multivariant or media playlist that live-torrent serves; relative to the page
 * @param {AttachOptions} [options]
 * @returns {Promise<AttachedPlayer>} once the engine runs and playing has begun to load; rejects when aborted, or when
 *   hls.js cannot be loaded, or the browser cannot do what `mode` demands
 */
export async function attach (video, url, options = {}) {
  const { onState, onSegment } = options
  /** @type {{ [K in keyof PlayerEvents]: Set<(value: PlayerEvents[K]) => void> }} */
  const listeners = {
    state: new Set(onState ? [onState] : []),
    segment: new Set(onSegment ? [onSegment] : [])
  }
  /** @type {<K extends keyof PlayerEvents>(type: K) => (value: PlayerEvents[K]) => void} */
  const tell = type => value => { for (const listener of listeners[type]) queueMicrotask(() => listener(value)) }
  // Player and engine each take what is theirs.
  const start = () => mount(video, {
    ...options, url, onState: tell('state'), engineOptions: { ...options, onSegment: tell('segment') }
  })
  let player = await start()
  const stop = new AbortController()
  // The browser kept the page for "back", with its player stopped in `pagehide`.
  addEventListener('pageshow', async ({ persisted }) => {
    if (!persisted) return
    try {
      player = await start()
      if (stop.signal.aborted) player.destroy()
    } catch { tell('state')('retrying') } // hls.js could not be loaded
  }, { signal: stop.signal })
  return {
    get engine () { return player.engine },
    get mode () { return player.mode },
    stats: () => player.stats(),
    setSharing: on => player.setSharing(on),
    destroy: () => {
      stop.abort()
      return player.destroy()
    },
    on (type, listener) {
      listeners[type].add(listener)
      return () => { listeners[type].delete(listener) }
    }
  }
}
