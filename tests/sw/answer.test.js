import assert from 'node:assert/strict'
import { test } from 'node:test'
import { build, respond } from '../../sw/answer.js'
import { Names } from '../../sw/names.js'
import { Silence } from '../../sw/silence.js'

const DATA = new Uint8Array([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]).buffer
const DONE = /** @type {const} */ ({ type: 'done', status: 200, contentType: 'video/mp4', data: DATA, source: 'peers' })
const URL_ = 'https://tv.example/live/demo/1.m4s'

test('a segment is the whole body, with its type and length', async () => {
  const response = build(DONE, new Headers())
  assert.equal(response.status, 200)
  assert.equal(response.headers.get('content-type'), 'video/mp4')
  assert.equal(response.headers.get('content-length'), '10')
  assert.equal(response.headers.get('live-torrent-source'), 'peers')
  assert.equal((await response.arrayBuffer()).byteLength, 10)
})

test('a Range gets that part, or 416', async () => {
  const part = build(DONE, new Headers({ range: 'bytes=2-4' }))
  assert.equal(part.status, 206)
  assert.equal(part.headers.get('content-range'), 'bytes 2-4/10')
  assert.deepEqual([...new Uint8Array(await part.arrayBuffer())], [2, 3, 4])
  const none = build(DONE, new Headers({ range: 'bytes=10-' }))
  assert.equal(none.status, 416)
  assert.equal(none.headers.get('content-range'), 'bytes */10')
})

test('a range that is a segment is the answer to a request for just that range', async () => {
  const part = build({ ...DONE, range: [500, 510] }, new Headers({ range: 'bytes=500-509' }))
  assert.equal(part.status, 206)
  assert.equal(part.headers.get('content-range'), 'bytes 500-509/*')
  assert.equal((await part.arrayBuffer()).byteLength, 10)
})

test('If-Range cannot be judged, so the whole body comes', () => {
  assert.equal(build(DONE, new Headers({ range: 'bytes=2-4', 'if-range': '"x"' })).status, 200)
})

test('a playlist is text that nobody keeps', async () => {
  const response = build({ ...DONE, contentType: 'application/vnd.apple.mpegurl', data: '#EXTM3U\n', source: 'origin' }, new Headers())
  assert.equal(response.headers.get('cache-control'), 'no-store')
  assert.equal(await response.text(), '#EXTM3U\n')
})

/** A page that gives one outcome, and an origin. @param {import('../../sw/page.js').Outcome} outcome */
function world (outcome, silence = new Silence(), names = new Names(), origin = 'from the origin') {
  const told = /** @type {any[]} */ ([])
  const asked = /** @type {string[]} */ ([])
  const page = { id: 'tab', type: 'window', postMessage: (/** @type {any} */ message) => told.push(message) }
  const means = {
    page: async (/** @type {string} */ id) => id === 'tab' ? page : undefined,
    ask: async (/** @type {any} */ _, /** @type {{ url: string }} */ { url }) => { asked.push(url); return outcome },
    fetch: async () => new Response(origin, { headers: { 'content-length': `${origin.length}` } }),
    silence,
    names,
    now: () => 0
  }
  return { told, asked, answer: (id = 'tab') => respond(new Request(URL_), id, 'segment', means) }
}

test('what the page gives is the answer, and nothing is fetched', async () => {
  const { answer, told } = world(DONE)
  assert.equal((await (await answer()).arrayBuffer()).byteLength, 10)
  assert.deepEqual(told, [])
})

for (const type of /** @type {const} */ (['pass', 'failed', 'silent'])) {
  test(`a page that says "${type}" leaves it to the origin, and learns of the bytes`, async () => {
    const { answer, told } = world({ type })
    assert.equal(await (await answer()).text(), 'from the origin')
    assert.deepEqual(told.map(({ type, url, bytes }) => ({ type, url, bytes })), [{ type: 'fetched', url: URL_, bytes: 15 }])
  })
}

test('what does not match the manifest is refused, and not fetched past the page', async () => {
  const { answer, told } = world({ type: 'refused' })
  const response = await answer()
  assert.equal(response.status, 502)
  assert.equal((await response.arrayBuffer()).byteLength, 0)
  assert.deepEqual(told, [])
})

test('a silent page is not asked again at once, a page that passed is', async () => {
  const silent = world({ type: 'silent' })
  await silent.answer()
  await silent.answer()
  assert.equal(silent.asked.length, 1)
  assert.equal(silent.told.length, 2, 'it may hear all the same')
  const passed = world({ type: 'pass' })
  await passed.answer()
  await passed.answer()
  assert.equal(passed.asked.length, 2)
})

test('without a window to ask there is only the origin', async () => {
  for (const id of ['', 'a worker']) {
    const { answer, asked } = world(DONE)
    assert.equal(await (await answer(id)).text(), 'from the origin')
    assert.deepEqual(asked, [])
  }
})

test('what a playlist lists under odd names is kept in mind', async () => {
  const names = new Names()
  await world({ ...DONE, names: [['https://tv.example/chunk?id=7', 'segment']] }, new Silence(), names).answer()
  assert.equal(names.get('https://tv.example/chunk?id=7'), 'segment')
  assert.equal(names.get('https://tv.example/chunk?id=8'), undefined)
})

test('so many names at most, the newest', () => {
  const names = new Names()
  for (let id = 0; id < 600; id++) names.note([[`https://tv.example/${id}`, 'segment']])
  assert.deepEqual([names.get('https://tv.example/87'), names.get('https://tv.example/599')], [undefined, 'segment'])
})

/** A page that began to give a segment, and what became of it. @param {import('../../sw/page.js').Outcome} outcome @param {string} [origin] what it has */
const begun = (outcome, origin = '') => {
  const head = { type: 'head', size: 10, data: DATA.slice(0, 3), rest: Promise.resolve(outcome) }
  return world(/** @type {any} */ (head), new Silence(), new Names(), origin)
}

test('an answer that has begun goes on with the rest, each byte once', async () => {
  const response = await begun(DONE).answer()
  assert.equal(response.headers.get('content-length'), '10')
  assert.deepEqual(await response.arrayBuffer(), DATA)
})

test('one that has begun and cannot be had from the page goes on with what the origin has', async () => {
  const { answer, told } = begun({ type: 'failed' }, '0123456789')
  const bytes = new Uint8Array(await (await answer()).arrayBuffer())
  assert.deepEqual([...bytes], [0, 1, 2, ...[...'3456789'].map(digit => digit.charCodeAt(0))])
  assert.equal(told.length, 1, 'the page learns of the bytes')
  await assert.rejects((await begun({ type: 'failed' }, 'gone').answer()).arrayBuffer(), 'no such segment')
})

test('one that has begun and turns out to be wrong breaks off', async () => {
  await assert.rejects((await begun({ type: 'refused' }).answer()).arrayBuffer())
})
