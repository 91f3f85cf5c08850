import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BYPASS } from '../../sw/protocol.js'
import { looks, route } from '../../sw/routes.js'

const ORIGIN = 'https://tv.example'
/** @type {Map<string, 'playlist' | 'segment'>} */
const NAMES = new Map([['https://cdn.example/chunk?id=7', 'segment'], ['https://cdn.example/720', 'playlist']])

/** @param {string} path @param {object} [init] */
const asked = (path, init) => route(/** @type {any} */ ({
  method: 'GET',
  mode: 'cors',
  credentials: 'same-origin',
  destination: '',
  headers: new Headers(),
  url: new URL(path, ORIGIN).href,
  ...init
}), ORIGIN, NAMES)

test('what looks like a playlist or a segment is ours, wherever it is', () => {
  for (const base of [`${ORIGIN}/live/demo/`, 'https://cdn.example/', 'http://10.0.0.1:8080/a/b/']) {
    assert.equal(asked(`${base}master.m3u8`), 'playlist')
    assert.equal(asked(`${base}index.M3U8?x=1`), 'playlist')
    for (const name of ['1.m4s', 'a/2.ts?token=1', 'v.mp4', '3.M4S', 'sub.vtt']) assert.equal(asked(base + name), 'segment')
  }
})

test('nothing else is', () => {
  for (const path of ['/', '/sw.js', '/api/streams', '/live/', '/live/demo/key.bin', '/page.html', '/m3u8', '/a.ts/b']) {
    assert.equal(asked(path), null, path)
  }
  for (const init of [{ method: 'HEAD' }, { method: 'POST' }, { mode: 'navigate' }, { destination: 'script' }, { destination: 'video' }]) {
    assert.equal(asked('/live/demo/1.ts', init), null, JSON.stringify(init))
  }
})

test('but what a page said it knows, by its whole address', () => {
  assert.equal(asked('https://cdn.example/chunk?id=7'), 'segment')
  assert.equal(asked('https://cdn.example/720'), 'playlist')
  assert.equal(asked('https://cdn.example/chunk?id=8'), null)
})

test('what the engine itself fetches is not, or the page would wait for itself', () => {
  assert.equal(asked(`/live/demo/1.ts${BYPASS}`), null)
  assert.equal(asked(`https://cdn.example/1.ts?a=b${BYPASS}`), null)
  assert.equal(asked('/live/demo/1.ts#t=10'), 'segment')
})

test('what somebody is logged in for stays theirs', () => {
  assert.equal(asked('/live/demo/1.ts', { headers: new Headers({ Authorization: 'Bearer x' }) }), null)
  assert.equal(asked('https://cdn.example/1.ts', { credentials: 'include' }), null)
  assert.equal(asked('/live/demo/1.ts', { credentials: 'include' }), 'segment', 'our own origin gets its cookies anyway')
})

test('a name tells what it is, or it does not', () => {
  assert.deepEqual(['/a.m3u8?x', '/b.m4s', '/chunk?id=1.ts', '/720'].map(path => looks(ORIGIN + path)), [true, true, false, false])
})
