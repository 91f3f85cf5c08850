import assert from 'node:assert/strict'
import { test } from 'node:test'
import { embedOptions } from '../../client/embed-options.js'

const SRC = 'https://tv.example/embed.js'

test('the stream lives where the script came from', () => {
  assert.deepEqual(embedOptions({ stream: 'demo' }, SRC), {
    url: 'https://tv.example/live/demo/master.m3u8', mode: null, muted: true, controls: true, sharing: true, width: '100%'
  })
  const below = embedOptions({ stream: 'demo' }, 'https://tv.example/a/embed.js?v=1')
  assert.ok(typeof below !== 'string')
  assert.equal(below.url, 'https://tv.example/a/live/demo/master.m3u8')
})

test('switches are on unless turned off', () => {
  const options = embedOptions({ stream: 'demo', muted: 'false', sharing: 'off', controls: '', width: '640', mode: 'http' }, SRC)
  assert.ok(typeof options !== 'string')
  assert.deepEqual([options.muted, options.sharing, options.controls, options.width, options.mode], [false, false, true, '640px', 'http'])
})

test('a name is one path component, whatever is in it', () => {
  const options = embedOptions({ stream: 'a b?#' }, SRC)
  assert.ok(typeof options !== 'string')
  assert.equal(options.url, 'https://tv.example/live/a%20b%3F%23/master.m3u8')
  for (const stream of [undefined, '', '..', '.', 'a/b']) assert.equal(typeof embedOptions({ stream }, SRC), 'string', stream)
})
