// The loader against an engine and an HTTP loader whose moves the test makes: what hls.js is told, and when.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { makeLoaders } from '../../client/loader.js'
import { IntegrityError } from '../../client/origin.js'

const POLICY = { maxTimeToFirstByteMs: Infinity, maxLoadTimeMs: Infinity, timeoutRetry: null, errorRetry: null }
const SEGMENT = { url: 'https://tv.example/live/demo/1.m4s', responseType: 'arraybuffer' }
const PLAYLIST = { url: 'https://tv.example/live/demo/index.m3u8', responseType: 'text' }

/** One load and everything around it. @param {object} engine @param {object} [context] @param {object} [policy] */
function load (engine, context = SEGMENT, policy = {}) {
  const http = /** @type {any[]} */ ([])
  class Http {
    stats = { aborted: false, loaded: 0, total: 0, retry: 0, bwEstimate: 0, loading: { start: 0, first: 0, end: 0 } }
    calls = /** @type {any[]} */ ([])
    constructor () { http.push(this) }
    load (/** @type {any[]} */ ...call) {
      assert.equal(this.stats.loading.start, 0, 'hls.js loaders are used once')
      this.calls.push(call)
    }
    abort () { this.aborted = true }
    destroy () { this.destroyed = true }
  }
  const past = /** @type {any[]} */ ([])
  const { fLoader } = makeLoaders(/** @type {any} */ ({ DefaultConfig: { loader: Http } }),
    /** @type {any} */ ({ knows: () => true, ...engine }), (url, bytes) => past.push([url, bytes]))
  const loader = /** @type {any} */ (new fLoader(/** @type {any} */ ({})))
  const events = /** @type {any[]} */ ([])
  let happened = /** @type {(event: any) => void} */ (() => {})
  /** @type {Promise<any>} the first event */
  const next = new Promise(resolve => { happened = resolve })
  const tell = (/** @type {string} */ name) => (/** @type {any[]} */ ...args) => {
    events.push([name, ...args])
    happened([name, ...args])
  }
  loader.load(context, { loadPolicy: { ...POLICY, ...policy } },
    { onSuccess: tell('success'), onError: tell('error'), onTimeout: tell('timeout'), onAbort: tell('abort'), onProgress: tell('progress') })
  return { loader, events, next, past, http: () => http[0] }
}

const settle = () => new Promise(resolve => setTimeout(resolve))
/** @param {any[]} events */
const names = events => events.map(([name]) => name)
const never = () => new Promise(() => {})

test('a segment the engine knows comes from it, with statistics', async () => {
  const data = new ArrayBuffer(1000)
  const { events, next, loader, http } = load({
    async segment (/** @type {string} */ _, /** @type {any} */ { onProgress }) {
      await settle()
      onProgress(200, 1000, false)
      assert.equal(loader.stats.loaded, 0, 'of the waiting for peers nothing is told')
      onProgress(400, 1000, true)
      assert.equal(loader.stats.loaded, 400)
      return { data, contentType: 'video/mp4', source: 'peers' }
    }
  })
  await next
  assert.deepEqual(names(events), ['progress', 'success'])
  const [, response, stats] = events[1]
  assert.equal(response.data.byteLength, 1000)
  assert.equal(stats.total, 1000)
  assert.ok(stats.loading.start <= stats.loading.first && stats.loading.first <= stats.loading.end)
  assert.ok(stats.bwEstimate > 0 && Number.isFinite(stats.bwEstimate))
  assert.deepEqual(http().calls, [])
})

test('hls.js is told of the counted time', async () => {
  const { next, events } = load({
    segment: async () => ({ data: new ArrayBuffer(100_000), contentType: 'video/mp4', source: 'peers', ms: 900, originRate: 1000 })
  }, { ...SEGMENT, frag: { duration: 2 } })
  await next
  const stats = events.at(-1)[2]
  assert.equal(stats.bwEstimate, 8_000_000)
  assert.equal(stats.loading.end - stats.loading.start, 100)
})

test('hls.js is told the time a segment took to come to memory, not the none that it took to be had from there', async () => {
  const { next, events } = load({
    segment: async () => ({ data: new ArrayBuffer(100_000), contentType: 'video/mp4', source: 'peers', ms: 400, originRate: 0 })
  }, { ...SEGMENT, frag: { duration: 2 } })
  await next
  const stats = events.at(-1)[2]
  assert.equal(Math.round(stats.loading.end - stats.loading.start), 400)
  assert.equal(stats.loading.first, stats.loading.start)
})

test('bytes that do not match the manifest are an error, never a reason to fetch them past the engine', async () => {
  const { events, next, http } = load({ segment: async () => { throw new IntegrityError() } })
  await next
  assert.deepEqual(names(events), ['error'])
  assert.equal(events[0][1].code, 502)
  assert.deepEqual(http().calls, [])
})

test('a playlist comes from the engine, with the address it was found at', async () => {
  const { events } = load({ playlist: async () => ({ url: 'https://tv.example/b.m3u8', status: 200, contentType: '', text: '#EXTM3U' }) }, PLAYLIST)
  await settle()
  const [, response] = events.find(([name]) => name === 'success')
  assert.deepEqual(response, { url: 'https://tv.example/b.m3u8', data: '#EXTM3U', code: 200, text: '' })
})

test('hls.js is told how old a playlist is that was there before it asked: the live edge has moved on since', async () => {
  const at = performance.now() - 300
  const { next, events } = load({ playlist: async () => ({ url: PLAYLIST.url, status: 200, contentType: '', text: '#EXTM3U', at }) }, PLAYLIST)
  await next
  const { loading } = events.at(-1)[2]
  assert.equal(loading.first, at)
  assert.equal(loading.start, at, 'and reloads it a target duration after that')
})

test('what the engine does not know goes over HTTP at once', () => {
  for (const [engine, context] of [[{ knows: () => false }, SEGMENT], [{}, { ...SEGMENT, responseType: 'json' }]]) {
    const { http } = load(/** @type {any} */ (engine), /** @type {any} */ (context))
    assert.equal(http().calls.length, 1)
  }
})

test('a byte range is asked of the engine as what hls.js says it is, and only where it is a segment', async () => {
  const context = { ...SEGMENT, rangeStart: 5, rangeEnd: 10 }
  const asked = /** @type {any[]} */ ([])
  const segment = async (/** @type {string} */ _, /** @type {any} */ { range }) => {
    asked.push(range)
    return { data: new ArrayBuffer(5), contentType: 'video/mp2t', source: 'peers' }
  }
  const { next } = load({ segment }, context)
  assert.equal((await next)[0], 'progress')
  assert.deepEqual(asked, [[5, 10]])
  const { http } = load({ knows: (/** @type {string} */ _, /** @type {any} */ range) => range === undefined }, context)
  assert.equal(http().calls.length, 1)
})

test('an engine that fails hands over to HTTP, whose bytes are counted', async () => {
  const { http, events, past } = load({ segment: async () => { throw new Error('neither') } })
  await settle()
  assert.deepEqual(events, [])
  const [context, , callbacks] = http().calls[0]
  http().stats.loaded = 77
  callbacks.onSuccess({ data: new ArrayBuffer(77) }, http().stats, context, null)
  assert.deepEqual(names(events), ['success'])
  assert.deepEqual(past, [[SEGMENT.url, 77]])
})

test('an engine that gives nothing in time hands over, and is stopped', async () => {
  /** @type {Promise<void>} */
  let stopped = Promise.resolve()
  const { http } = load({
    segment (/** @type {string} */ _, /** @type {any} */ { signal }) {
      stopped = new Promise(resolve => signal.addEventListener('abort', resolve))
      return never()
    }
  }, SEGMENT, { maxTimeToFirstByteMs: 5 })
  await stopped
  assert.equal(http().calls.length, 1)
})

test('a load that began but never ends times out', async () => {
  const { next, http } = load({
    segment (/** @type {string} */ _, /** @type {any} */ { onProgress }) {
      queueMicrotask(() => onProgress(1, 1000))
      return never()
    }
  }, SEGMENT, { maxLoadTimeMs: 30 })
  assert.equal((await next)[0], 'timeout')
  assert.deepEqual(http().calls, [])
})

test('abort is told once and stops the engine', async () => {
  let signal = /** @type {any} */ (null)
  const { loader, events } = load({ segment: (/** @type {string} */ _, /** @type {any} */ options) => { signal = options.signal; return never() } })
  loader.abort()
  loader.abort()
  assert.deepEqual(names(events), ['abort'])
  assert.equal(signal.aborted, true)
  assert.equal(loader.stats.aborted, true)
})

test('after destroy nothing is told, whatever the engine still does', async () => {
  let give = /** @type {any} */ (null)
  const { loader, events, http } = load({ segment: () => new Promise(resolve => { give = resolve }) })
  loader.destroy()
  give({ data: new ArrayBuffer(1), contentType: '', source: 'peers' })
  await settle()
  assert.deepEqual(events, [])
  assert.equal(http().destroyed, true)
})

test('abort reaches the HTTP loader once it is at work', async () => {
  const { loader, http } = load({ knows: () => false })
  loader.abort()
  assert.equal(http().aborted, true)
})

test('a loader is used once', () => {
  const { loader } = load({ segment: never })
  assert.throws(() => loader.load(SEGMENT, { loadPolicy: POLICY }, {}), /once/)
})

test('p2p-only: a segment that neither peers nor the seed gave is an error and not fetched', async () => {
  const frag = { sn: 7, duration: 2 }
  for (const engine of [{ segment: async () => { throw new Error('nobody') } }, { knows: () => false }]) {
    const { next, http } = load({ p2pOnly: true, ...engine }, /** @type {any} */ ({ ...SEGMENT, frag }))
    assert.equal((await next)[0], 'error')
    assert.deepEqual(http().calls, [])
  }
})

test('p2p-only: an init section has no torrent and comes over HTTP', () => {
  const { http } = load({ p2pOnly: true, knows: () => false }, /** @type {any} */ ({ ...SEGMENT, frag: { sn: 'initSegment' } }))
  assert.equal(http().calls.length, 1)
})
