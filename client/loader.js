/**
 * hls.js loaders on top of the engine: the same job as the service worker, for pages without one.
 * What the engine does not know, or fails at, goes through hls.js's own loader, with its retries.
 */

import { countedTime } from './counted-time.js'
import { IntegrityError } from './origin.js'

/** What an HTTP gateway would say of an origin that sends rubbish (RFC 9110 §15.6.3). */
const BAD_GATEWAY = 502

/** @typedef {import('./types').Engine} Engine */
/** @typedef {import('hls.js').default} Hls */
/** @typedef {import('hls.js').Loader<any>} Loader */
/** @typedef {import('hls.js').LoaderContext} Context */
/** @typedef {import('hls.js').LoaderConfiguration} Configuration */
/** @typedef {import('hls.js').LoaderCallbacks<any>} Callbacks */
/** @typedef {{ ms: number, rate: number }} Measured how long it took, and the origin's rate: see counted-time.js */

/** Init sections have no torrent, and keys are no media. @param {any} context */
const isSegment = context => context?.frag !== undefined && context.frag.sn !== 'initSegment'

/**
 * @param {typeof import('hls.js').default} HlsClass passed in: hls.js is a chunk of its own, loaded on demand
 * @param {Engine} engine
 * @param {(url: string, bytes: number) => void} [fetched] told of segments that went past the engine
 * @returns {{ pLoader: import('hls.js').PlaylistLoaderConstructor, fLoader: import('hls.js').FragmentLoaderConstructor }}
 *   for hls.js's configuration
 */
export function makeLoaders (HlsClass, engine, fetched = () => {}) {
  const Default = /** @type {new (config: any) => Loader} */ (HlsClass.DefaultConfig.loader)

  /**
   * One load, as hls.js makes a loader for each. `load` is called once; then exactly one of onSuccess,
   * onError, onTimeout or (after `abort`) onAbort is called, and none after `destroy`.
   */
  class EngineLoader {
    /** hls.js's own loader: takes over when the engine cannot, and owns the statistics object hls.js reads. */
    #http
    #own = new AbortController()
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    #timer
    /** @type {Callbacks | null} null: over */
    #callbacks = null
    #handed = false

    /** @param {import('hls.js').HlsConfig} config */
    constructor (config) {
      // The page's own, if it has one.
      const Http = /** @type {typeof Default} */ (config.loader ?? Default)
      this.#http = new Http(config)
      /** @type {any} */
      this.stats = this.#http.stats
      /** @type {Context | null} */
      this.context = null
    }

    /**
     * @param {Context} context
     * @param {Configuration} config
     * @param {Callbacks} callbacks
     */
    load (context, config, callbacks) {
      if (this.stats.loading.start) throw new Error('Loader can only be used once.')
      this.context = context
      this.#callbacks = callbacks
      this.stats.loading.start = performance.now()
      const work = this.#work(context)
      if (work === null) return this.#hand(config)
      const { maxTimeToFirstByteMs, maxLoadTimeMs } = config.loadPolicy
      // Nothing at all for that long: the engine hangs, while the origin may be well. hls.js's loader
      // then starts with limits of its own.
      this.#arm(Number.isFinite(maxTimeToFirstByteMs) ? maxTimeToFirstByteMs : maxLoadTimeMs, () => this.#hand(config))
      const { loading } = this.stats
      let begun = false
      work(this.#own.signal, (loaded, total, fetched) => {
        if (this.#callbacks === null || this.#handed || loaded === 0) return
        if (!begun) this.#arm(maxLoadTimeMs - (performance.now() - loading.start), () => this.#timeout())
        begun = true
        // hls.js reckons that the rest comes as what there is came, and leaves the variant. Of what waits for peers
        // that is not so: when their time is over the origin gives the rest, as fast as the line is.
        if (!fetched) return
        loading.first ||= performance.now()
        Object.assign(this.stats, { loaded, total })
      }).then(
        ([response, measured, at]) => {
          if (this.#callbacks === null || this.#handed) return
          // A playlist may have been there before hls.js asked (early.js): it is as old as it is, and reloaded by then.
          loading.first ||= at ?? performance.now()
          loading.start = Math.min(loading.start, loading.first)
          this.#succeed(response, measured)
        },
        error => {
          if (error instanceof IntegrityError) this.#refuse(error)
          else this.#hand(config)
        }
      )
    }

    /** The player has changed its mind: stop, and say so. */
    abort () {
      if (this.#handed) return this.#http.abort()
      const callbacks = this.#callbacks
      if (callbacks === null) return
      this.#end()
      this.stats.aborted = true
      callbacks.onAbort?.(this.stats, this.context, null)
    }

    /** Stop without a word. */
    destroy () {
      this.#end()
      this.#http.destroy()
      this.context = null
    }

    getCacheAge () { return this.#handed ? this.#http.getCacheAge?.() ?? null : null }

    /** @param {string} name */
    getResponseHeader (name) { return this.#handed ? this.#http.getResponseHeader?.(name) ?? null : null }

    /**
     * @param {Context} context
     * @returns {null | ((signal: AbortSignal, progress: import('./types.js').Progress) => Promise<[response: import('hls.js').LoaderResponse, measured: Measured | null, at?: number]>)}
     *   the response, what was measured of a segment, when a playlist began to come; null: not for the engine
     */
    #work ({ url, responseType, rangeStart = 0, rangeEnd }) {
      if (responseType === 'text') {
        return async signal => {
          const playlist = await engine.playlist(url, { signal })
          return [{ url: playlist.url, data: playlist.text, code: playlist.status, text: '' }, null, playlist.at]
        }
      }
      /** @type {import('./types').ByteRange | undefined} */
      const range = rangeEnd ? [rangeStart, rangeEnd] : undefined
      if (responseType !== 'arraybuffer' || !engine.knows(url, range)) return null
      return async (signal, onProgress) => {
        const { data, ms, originRate: rate } = await engine.segment(url, { range, signal, onProgress })
        return [{ url, data, code: 200, text: '' }, { ms, rate }]
      }
    }

    /** @param {import('hls.js').LoaderResponse} response @param {Measured | null} measured */
    #succeed (response, measured) {
      const { stats } = this
      const data = /** @type {string | ArrayBuffer} */ (response.data)
      stats.loading.end = performance.now()
      stats.loaded = stats.total = typeof data === 'string' ? data.length : data.byteLength
      const duration = /** @type {any} */ (this.context).frag?.duration ?? 0
      const waited = stats.loading.end - stats.loading.start
      const counted = measured === null ? waited : countedTime({ ...measured, waited, bytes: stats.total, duration })
      stats.bwEstimate = stats.total * 8000 / Math.max(1, counted)
      if (measured !== null) stats.loading.start = stats.loading.first = stats.loading.end - counted
      const callbacks = this.#end()
      callbacks?.onProgress?.(stats, this.context, data, null)
      callbacks?.onSuccess(response, stats, this.context, null)
    }

    /** Played is what was verified, or nothing: hls.js is told of an error and tries again by its own policy. @param {Error} error */
    #refuse (error) {
      this.#end()?.onError({ code: BAD_GATEWAY, text: error.message }, this.context, null, this.stats)
    }

    #timeout () {
      this.#end()?.onTimeout(this.stats, this.context, null)
    }

    /** @param {Configuration} config */
    #hand (config) {
      const callbacks = this.#callbacks
      if (callbacks === null || this.#handed) return
      if (engine.p2pOnly && isSegment(this.context)) return this.#refuse(new Error('no peer and no seed gave the segment'))
      this.#handed = true
      clearTimeout(this.#timer)
      this.#own.abort()
      const start = this.stats.loading.start
      this.stats.loading.start = this.stats.loading.first = 0
      const binary = this.context?.responseType === 'arraybuffer'
      this.#http.load(this.context, config, {
        ...callbacks,
        onSuccess: (response, stats, context, details) => {
          if (binary) fetched(context.url, stats.loaded)
          callbacks.onSuccess(response, stats, context, details)
        }
      })
      this.stats.loading.start = start
    }

    /** @param {number} ms @param {() => void} then */
    #arm (ms, then) {
      clearTimeout(this.#timer)
      // Infinity and beyond 2^31 ms would fire at once.
      if (ms < 2 ** 31) this.#timer = setTimeout(then, Math.max(0, ms))
    }

    #end () {
      const callbacks = this.#callbacks
      this.#callbacks = null
      clearTimeout(this.#timer)
      this.#own.abort()
      return callbacks
    }
  }

  const constructor = /** @type {any} */ (EngineLoader)
  return { pLoader: constructor, fLoader: constructor }
}
