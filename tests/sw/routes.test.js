import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BYPASS_HEADER } from '../../sw/protocol.js'
import { route } from '../../sw/routes.js'

const SCOPE = 'https://tv.example/'
/** @param {string} path @param {object} [init] */
const get = (path, init) => ({ method: 'GET', mode: 'cors', headers: new Headers(), url: new URL(path, SCOPE).href, ...init })

test('playlists and segments below /live/<stream>/ are ours', () => {
  assert.equal(route(get('/live/demo/master.m3u8'), SCOPE), 'playlist')
  assert.equal(route(get('/live/demo/video/index.m3u8?x=1'), SCOPE), 'playlist')
  for (const name of ['1.m4s', 'a/2.ts', 'v.mp4', '3.M4S', 'sub.vtt']) assert.equal(route(get(`/live/demo/${name}`), SCOPE), 'segment')
})

test('nothing else is', () => {
  for (const path of ['/', '/sw.js', '/api/streams', '/live/', '/live/demo/', '/live/demo.ts', '/alive/demo/1.ts',
    '/live/demo/key.bin', '/live/demo/page.html', '/x/live/demo/1.ts']) {
    assert.equal(route(get(path), SCOPE), null, path)
  }
})

test('another origin, method or a navigation is not', () => {
  assert.equal(route(get('https://cdn.example/live/demo/1.ts'), SCOPE), null)
  assert.equal(route(get('/live/demo/1.ts', { method: 'HEAD' }), SCOPE), null)
  assert.equal(route(get('/live/demo/1.ts', { mode: 'navigate' }), SCOPE), null)
})

test('what the engine itself fetches is not, or the page would wait for itself', () => {
  assert.equal(route(get('/live/demo/1.ts', { headers: new Headers({ [BYPASS_HEADER]: '1' }) }), SCOPE), null)
})

test('a site below a path has its streams there', () => {
  assert.equal(route(get('/tv/live/demo/1.ts'), `${SCOPE}tv/`), 'segment')
  assert.equal(route(get('/live/demo/1.ts'), `${SCOPE}tv/`), null)
})
