/**
 * The page's end of the service worker: gets the page controlled by it and answers its questions with
 * the engines on this page. sw/protocol.js says what is exchanged.
 */

import { pace } from './counted-time.js'
import { IntegrityError } from './origin.js'
import { ALIVE_MS, CLAIM, HELLO, read } from '../sw/protocol.js'

/** @typedef {import('./types').Engine} Engine */
/** @typedef {import('./types').ByteRange} ByteRange */

/**
 * @typedef {object} Answerer
 * @property {Engine['knows']} knows
 * @property {(url: string, options: { signal: AbortSignal }) => Promise<Playlist>} playlist
 * @property {Engine['segment']} segment
 *
 * @typedef {import('./types').FetchedPlaylist & { names?: [string, import('../sw/protocol.js').Kind][] }} Playlist
 *
 * @typedef {object} Mount a player's stake in the worker's questions, or that of all the site's own
 * @property {Answerer} engine
 * @property {(url: string) => boolean} plays whether this playlist is its
 * @property {(url: string, bytes: number) => boolean} fetched the worker got a segment from the origin by itself;
 *   whether it was one of its own
 */

/** What the answers go out on: a MessagePort, as far as we use one. */
/** @typedef {Pick<MessagePort, 'postMessage' | 'onmessage' | 'close'>} Port */

/**
 * Answer one question. Resolves when the exchange is over; never rejects.
 * @param {Port} port
 * @param {import('../sw/protocol.js').Question} question
 * @param {Iterable<Mount>} mounts
 * @param {number} [aliveMs]
 */
export async function answer (port, { kind, url, range }, mounts, aliveMs = ALIVE_MS) {
  // A range may be a segment by itself, or part of one: that the worker cuts out.
  const part = range && find(mounts, kind, url, range)
  const engine = part || find(mounts, kind, url)
  if (engine === undefined) {
    port.postMessage({ type: 'pass' })
    return port.close()
  }
  const abort = new AbortController()
  port.onmessage = ({ data }) => { if (data?.type === 'cancel') abort.abort() }
  port.postMessage({ type: 'ack' })
  const heart = setInterval(() => port.postMessage({ type: 'alive' }), aliveMs)
  try {
    const begin = range ? undefined : (/** @type {Uint8Array<ArrayBuffer>} */ first, /** @type {number} */ size) =>
      port.postMessage({ type: 'head', size, data: first.buffer })
    port.postMessage(kind === 'playlist'
      ? await playlist(engine, url, abort.signal)
      : await segment(engine, url, abort.signal, part && range, begin))
  } catch (error) {
    // Whatever else it was, the worker now asks the origin, and that answer is the one the player gets to see.
    port.postMessage({ type: error instanceof IntegrityError ? 'refused' : 'failed' })
  } finally {
    clearInterval(heart)
    port.onmessage = null
    port.close()
  }
}

/**
 * A request does not say which player on the page made it. Of several that play one stream the first answers for
 * all: one engine fetches what they share, and its statistics alone count it.
 * @param {Iterable<Mount>} mounts
 * @param {import('../sw/protocol.js').Kind} kind
 * @param {string} url
 * @param {ByteRange} [range]
 */
function find (mounts, kind, url, range) {
  for (const { engine, plays } of mounts) {
    if (kind === 'playlist' ? plays(url) : engine.knows(url, range)) return engine
  }
  return undefined
}

/** @param {Answerer} engine @param {string} url @param {AbortSignal} signal */
async function playlist (engine, url, signal) {
  const { url: final, status, contentType, text, names } = await engine.playlist(url, { signal })
  // A response we make up has the requested URL, and relative URIs would resolve against the wrong one.
  return final === url ? { type: 'done', status, contentType, data: text, source: 'origin', names } : { type: 'pass' }
}

/** Of a segment that is in memory so much is given at once, and the rest as soon as the line would have brought it, bytes. */
const FIRST = 4096

/**
 * @param {Answerer} engine @param {string} url @param {AbortSignal} signal @param {ByteRange} [range]
 * @param {import('./types').WaitOptions['onBegin']} [onBegin]
 */
async function segment (engine, url, signal, range, onBegin) {
  const asked = performance.now()
  let begun = false
  const fetched = await engine.segment(url, { range, signal, onBegin: (first, size) => {
    begun = true
    onBegin?.(first, size)
  } })
  const { data, contentType, source, ms, duration, originRate: rate } = fetched
  // At once it would look like a line that carries anything.
  const early = asked + pace({ ms, bytes: data.byteLength, duration, rate }) - performance.now()
  if (early > 0) {
    if (!begun) onBegin?.(new Uint8Array(data.slice(0, FIRST)), data.byteLength)
    await new Promise(resolve => setTimeout(resolve, early))
  }
  // Cloned by postMessage, not transferred: the engine goes on serving these bytes to peers.
  return { type: 'done', status: 200, contentType, data, source, range }
}

/** @type {Map<string, Bridge>} by the worker's address; one or two in a page's life */
const bridges = new Map()

/**
 * The page's bridge to one worker. Made once, also by players in other modes: where a worker controls the page, it is
 * told at once that nobody here answers, instead of waiting to find out.
 */
export class Bridge {
  /** @type {Set<Mount>} bounded by the players on the page */
  #mounts = new Set()
  #container
  #script
  /** Why there is no worker, for the page's author; '' when it may only be slow. */
  trouble = ''

  /**
   * @param {ServiceWorkerContainer} container navigator.serviceWorker
   * @param {string} script the worker's absolute URL; its scope is the folder it is in
   */
  constructor (container, script) {
    this.#container = container
    this.#script = script
    container.addEventListener('message', event => this.hear(event))
    // A worker that was updated, or came back, may not know that this page answers.
    container.addEventListener('controllerchange', () => this.#controller()?.postMessage(HELLO))
    container.startMessages()
    this.#controller()?.postMessage(HELLO)
  }

  /** The bridge to this worker. @param {string} script @returns {Bridge | null} null: no service workers in this frame */
  static to (script) {
    const known = bridges.get(script)
    if (known) return known
    try {
      const bridge = new Bridge(navigator.serviceWorker, script)
      bridges.set(script, bridge)
      return bridge
    } catch {
      return null // a sandboxed frame's
    }
  }

  get controlled () { return this.#controller() !== null }

  /**
   * Have this page controlled by our worker. Covers the first visit (the worker claims us once active),
   * a hard reload (the page asks an active worker to claim it) and a worker that is there already.
   * @param {number} ms how long to wait
   * @param {AbortSignal} [signal]
   * @returns {Promise<boolean>} false: not in time, not allowed, or the site has a worker of its own
   */
  async control (ms, signal) {
    if (this.controlled) {
      // Registering again is what makes the browser look for an update; nobody waits for it.
      this.#register().catch(() => {})
      return true
    }
    const late = new AbortController()
    const timer = setTimeout(() => late.abort(), ms)
    const give = () => late.abort()
    signal?.addEventListener('abort', give)
    const stop = late.signal
    try {
      const registration = await until(this.#register(), stop)
      registration?.active?.postMessage(CLAIM)
      while (!this.controlled) await until(once(this.#container, 'controllerchange', stop), stop)
      return true
    } catch (error) {
      if (!stop.aborted && error instanceof Error) this.trouble = error.message
      return false
    } finally {
      clearTimeout(timer)
      signal?.removeEventListener('abort', give)
      late.abort()
    }
  }

  /**
   * @param {Mount} mount
   * @returns {() => void} take it back; its URLs are then passed on to the origin
   */
  serve (mount) {
    this.#mounts.add(mount)
    return () => { this.#mounts.delete(mount) }
  }

  /** @param {(controlled: boolean) => void} listener @param {AbortSignal} signal ends it */
  onChange (listener, signal) {
    this.#container.addEventListener('controllerchange', () => listener(this.controlled), { signal })
  }

  /** Our worker; a foreign one in control counts as none. */
  #controller () {
    const { controller } = this.#container
    return controller !== null && this.#isOurs(controller) ? controller : null
  }

  /** A site registers its own worker with a query, maybe: `/sw.js?v=7`. @param {{ scriptURL: string }} worker */
  #isOurs ({ scriptURL }) { return scriptURL.split('?')[0] === this.#script.split('?')[0] }

  async #register () {
    const scope = new URL('.', this.#script).href
    for (const registration of await this.#container.getRegistrations()) {
      const worker = registration.active ?? registration.waiting ?? registration.installing
      if (worker === null) continue
      // The site registered it already, with a scope or a query of its own: that stays.
      const same = registration.scope === scope && worker.scriptURL === this.#script
      if (this.#isOurs(worker) && !same) return registration
      // And so does another worker at our place: registering would throw it out.
      if (registration.scope === scope && !same) throw new Error('the site has a service worker of its own')
    }
    return this.#container.register(trusted(this.#script), { scope, updateViaCache: 'none' })
  }

  /** What a worker says. @param {MessageEvent} event */
  hear ({ data, source, ports: [port] }) {
    // Another worker's questions are for its own bridge.
    if (source === null || !('scriptURL' in source) || !this.#isOurs(source)) return
    const message = read(data)
    if (message?.type === 'ask' && message.kind && message.url && port) {
      answer(port, { kind: message.kind, url: message.url, range: message.range }, this.#mounts)
    } else if (message?.type === 'fetched' && message.url) {
      for (const mount of this.#mounts) if (mount.fetched(message.url, message.bytes ?? 0)) return
    } else if (message === null && data?.liveTorrent && data.type === 'ask') {
      port?.postMessage({ type: 'pass' }) // a worker of another version, until it is updated
    }
  }
}

/** @type {{ createScriptURL (url: string): any } | undefined} */
let vouching

/** For pages that require Trusted Types: the page's author named this script. @param {string} url */
function trusted (url) {
  vouching ??= /** @type {any} */ (globalThis).trustedTypes?.createPolicy('live-torrent', { createScriptURL: String })
  return vouching?.createScriptURL(url) ?? url
}

/**
 * @template T
 * @param {Promise<T>} promise
 * @param {AbortSignal} signal
 * @returns {Promise<T>} rejects when aborted
 */
function until (promise, signal) {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason)
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
    promise.then(resolve, reject)
  })
}

/** @param {EventTarget} target @param {string} type @param {AbortSignal} signal @returns {Promise<Event>} */
const once = (target, type, signal) =>
  new Promise(resolve => target.addEventListener(type, resolve, { once: true, signal }))
