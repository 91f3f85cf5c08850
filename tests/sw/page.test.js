// Worker's and page's end of the exchange together, over real MessageChannels.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { answer } from '../../client/bridge.js'
import { askPage } from '../../sw/page.js'
import { read } from '../../sw/protocol.js'

const FOLDER = 'https://tv.example/live/demo/'
const SEGMENT = /** @type {const} */ ({ kind: 'segment', url: `${FOLDER}1.m4s` })
const PLAYLIST = /** @type {const} */ ({ kind: 'playlist', url: `${FOLDER}index.m3u8` })
/** Generous where it must not fire, short where it must. */
const PATIENT = { ackMs: 5000, lostMs: 5000, totalMs: 5000 }

/** A page whose client runs on this engine. @param {object} engine @param {number} [aliveMs] */
function page (engine, aliveMs = 10) {
  const plays = (/** @type {string} */ url) => url.startsWith(FOLDER)
  const mounts = [{ plays, fetched: () => true, engine: /** @type {any} */ ({ knows: () => true, ...engine }) }]
  return {
    postMessage (/** @type {any} */ message, /** @type {any[]} */ [port]) {
      const question = /** @type {any} */ (read(message))
      answer(port, question, mounts, aliveMs)
    }
  }
}

test('the page gives a segment, and keeps its own copy', async () => {
  const data = new Uint8Array([1, 2, 3]).buffer
  const outcome = await askPage(page({ segment: async () => ({ data, contentType: 'video/mp4', source: 'peers' }) }), SEGMENT, PATIENT)
  assert.ok(outcome.type === 'done' && typeof outcome.data !== 'string')
  assert.deepEqual([...new Uint8Array(outcome.data)], [1, 2, 3])
  assert.equal(data.byteLength, 3)
})

test('the page gives a range that is a segment by itself, and of another the whole', async () => {
  const asked = /** @type {any[]} */ ([])
  const engine = {
    knows: (/** @type {string} */ _, /** @type {any} */ range) => range === undefined || range[0] === 500,
    async segment (/** @type {string} */ _, /** @type {any} */ { range }) {
      asked.push(range)
      return { data: new ArrayBuffer(10), contentType: 'video/mp4', source: 'peers' }
    }
  }
  for (const range of /** @type {[number, number][]} */ ([[500, 510], [2, 5]])) {
    const outcome = await askPage(page(engine), { ...SEGMENT, range }, PATIENT)
    assert.ok(outcome.type === 'done')
    assert.deepEqual(outcome.range, range[0] === 500 ? range : undefined)
  }
  assert.deepEqual(asked, [[500, 510], undefined])
})

test('the page gives a playlist', async () => {
  const playlist = async () => ({ url: PLAYLIST.url, status: 200, contentType: 'application/vnd.apple.mpegurl', text: '#EXTM3U' })
  const outcome = await askPage(page({ playlist }), PLAYLIST, PATIENT)
  assert.ok(outcome.type === 'done')
  assert.equal(outcome.data, '#EXTM3U')
})

test('a playlist that was redirected is left to the browser, which knows its address', async () => {
  const playlist = async () => ({ url: 'https://tv.example/live/other/index.m3u8', status: 200, contentType: '', text: '#EXTM3U' })
  assert.deepEqual(await askPage(page({ playlist }), PLAYLIST, PATIENT), { type: 'pass' })
})

test('what no engine knows is passed on at once', async () => {
  assert.deepEqual(await askPage(page({ knows: () => false }), SEGMENT, PATIENT), { type: 'pass' })
  const foreign = { kind: /** @type {const} */ ('playlist'), url: 'https://tv.example/live/other/index.m3u8' }
  assert.deepEqual(await askPage(page({}), foreign, PATIENT), { type: 'pass' })
})

test('an engine that fails is told as such', async () => {
  const segment = async () => { throw new Error('neither peers nor origin') }
  assert.deepEqual(await askPage(page({ segment }), SEGMENT, PATIENT), { type: 'failed' })
})

test('a page that does not listen is silent', async () => {
  assert.deepEqual(await askPage({ postMessage () {} }, SEGMENT, { ...PATIENT, ackMs: 10 }), { type: 'silent' })
})

test('a page that begins and then hangs has failed', async () => {
  const hung = { postMessage: (/** @type {any} */ _, /** @type {any[]} */ [port]) => port.postMessage({ type: 'ack' }) }
  assert.deepEqual(await askPage(hung, SEGMENT, { ...PATIENT, lostMs: 10 }), { type: 'failed' })
})

test('a page at work is waited for as long as its heart beats', async () => {
  // The answer comes only once several limits would have passed: it is the heartbeats that hold them off.
  let beats = 0
  const slow = {
    postMessage (/** @type {any} */ _, /** @type {any[]} */ [port]) {
      port.postMessage({ type: 'ack' })
      const beat = setInterval(() => {
        beats += 1
        port.postMessage(beats < 20 ? { type: 'alive' } : { type: 'pass' })
        if (beats === 20) clearInterval(beat)
      }, 100)
    }
  }
  assert.deepEqual(await askPage(slow, SEGMENT, { ackMs: 1000, lostMs: 1500, totalMs: 60_000 }), { type: 'pass' })
})

test('a request the player gave up stops the engine', async () => {
  const stop = new AbortController()
  /** @type {Promise<void>} */
  const stopped = new Promise(resolve => {
    const segment = (/** @type {string} */ _, /** @type {{ signal: AbortSignal }} */ { signal }) => new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => { resolve(); reject(signal.reason) })
      stop.abort()
    })
    askPage(page({ segment }), SEGMENT, { ...PATIENT, signal: stop.signal })
      .then(outcome => assert.deepEqual(outcome, { type: 'cancelled' }))
  })
  await stopped
})

test('nothing is asked for a request that was given up before', async () => {
  const never = { postMessage () { assert.fail('asked') } }
  assert.deepEqual(await askPage(never, SEGMENT, { ...PATIENT, signal: AbortSignal.abort() }), { type: 'cancelled' })
})

test('messages of another version, or of somebody else, are not ours', () => {
  for (const data of [null, 'x', 7, {}, { type: 'ask' }, { liveTorrent: 99, type: 'ask' }]) assert.equal(read(data), null)
})

test('a segment is answered from its first bytes on, and comes whole in the end', async () => {
  const data = new Uint8Array([1, 2, 3, 4]).buffer
  /** @type {any} */
  let begin
  /** @type {any} */
  let finish
  const segment = (/** @type {string} */ _, /** @type {any} */ { onBegin }) => new Promise(resolve => { begin = onBegin; finish = resolve })
  const asking = askPage(page({ segment }), SEGMENT, PATIENT)
  await new Promise(resolve => setTimeout(resolve, 20))
  begin(new Uint8Array([1, 2]), 4)
  const head = await asking
  assert.ok(head.type === 'head')
  assert.deepEqual([head.size, [...new Uint8Array(head.data)]], [4, [1, 2]])
  finish({ data, contentType: 'video/mp4', source: 'peers', ms: 5, duration: 1, originRate: 0 })
  const rest = await head.rest
  assert.ok(rest.type === 'done' && typeof rest.data !== 'string')
  assert.deepEqual([...new Uint8Array(rest.data)], [1, 2, 3, 4])
})

test('a segment in memory comes no sooner than the line would have brought it', async () => {
  const data = new ArrayBuffer(10_000)
  const segment = async () => ({ data, contentType: 'video/mp4', source: 'peers', ms: 5, duration: 1, originRate: 100 })
  const began = performance.now()
  const head = await askPage(page({ segment }), SEGMENT, PATIENT)
  assert.ok(head.type === 'head' && head.size === 10_000 && head.data.byteLength < 10_000)
  assert.equal((await head.rest).type, 'done')
  assert.ok(performance.now() - began >= 95, '10 kB at 100 bytes/ms')
})
