import assert from 'node:assert/strict'
import { test } from 'node:test'
import { modes, siteRoot } from '../../client/mode.js'

const ALL = { secure: true, sameOrigin: true, mse: true, native: false }

test('the service worker comes first, plain HTTP last', () => {
  assert.deepEqual(modes(ALL), ['service-worker', 'loader', 'http'])
})

test('without a secure context, or on another site, the loader does it', () => {
  assert.deepEqual(modes({ ...ALL, secure: false }), ['loader', 'http'])
  assert.deepEqual(modes({ ...ALL, sameOrigin: false }), ['loader', 'http'])
})

test('without MSE the element plays by itself over HTTP, whatever was wanted', () => {
  for (const wanted of [null, 'loader', 'service-worker']) assert.deepEqual(modes({ ...ALL, mse: false, native: true }, wanted), ['http'])
})

test('a wanted mode is begun with where it can work', () => {
  assert.deepEqual(modes(ALL, 'loader'), ['loader', 'http'])
  assert.deepEqual(modes(ALL, 'http'), ['http'])
  assert.deepEqual(modes({ ...ALL, secure: false }, 'service-worker'), ['loader', 'http'])
  assert.deepEqual(modes(ALL, 'nonsense'), modes(ALL))
})

test("the site's root is above /live/", () => {
  assert.equal(siteRoot('https://tv.example/live/demo/master.m3u8'), 'https://tv.example/')
  assert.equal(siteRoot('https://tv.example/a/live/demo/master.m3u8?x'), 'https://tv.example/a/')
  assert.equal(siteRoot('https://cdn.example/vod/master.m3u8'), null)
})
