import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Bridge } from '../../client/bridge.js'
import { ask } from '../../sw/protocol.js'

const WORKER = 'https://news.example/sw.js'
const URL_ = 'https://tv.example/live/show/1.ts'

/** What a page without players answers to a question of the worker at this address. @param {any} data @param {string} scriptURL */
function answered (data, scriptURL = WORKER) {
  const container = Object.assign(new EventTarget(), { controller: null, startMessages () {} })
  const bridge = new Bridge(/** @type {any} */ (container), WORKER)
  const said = /** @type {any[]} */ ([])
  const port = { postMessage: (/** @type {any} */ message) => said.push(message), close () {} }
  bridge.hear(/** @type {any} */ ({ data, source: { scriptURL }, ports: [port] }))
  return said
}

test('a page that plays nothing of it passes a question on at once', () => {
  assert.deepEqual(answered(ask({ kind: 'segment', url: URL_ })), [{ type: 'pass' }])
})

test('a worker of another version is not kept waiting either', () => {
  assert.deepEqual(answered({ ...ask({ kind: 'segment', url: URL_ }), liveTorrent: 1 }), [{ type: 'pass' }])
})

test("a site's own worker may have a query of its own, and words of its own", () => {
  assert.deepEqual(answered(ask({ kind: 'segment', url: URL_ }), `${WORKER}?v=7`), [{ type: 'pass' }])
  assert.deepEqual(answered({ type: 'ask' }), [])
})

test("another worker's questions are for its own bridge", () => {
  assert.deepEqual(answered(ask({ kind: 'segment', url: URL_ }), 'https://news.example/other.js'), [])
})
