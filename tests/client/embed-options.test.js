import assert from 'node:assert/strict'
import { test } from 'node:test'
import { embedOptions } from '../../client/embed-options.js'

const SRC = 'https://tv.example/embed.js'
const PAGE = 'https://news.example/today/index.html'

test('the stream lives where the script came from', () => {
  assert.deepEqual(embedOptions({ stream: 'demo' }, SRC, PAGE), {
    url: 'https://tv.example/live/demo/master.m3u8', worker: null, register: true, title: 'demo', mode: null, muted: true, controls: true,
    engineOptions: { sharing: 'on', iceTransportPolicy: 'all', iceServers: [] },
    notice: { text: undefined, yes: undefined, no: undefined },
    width: '100%'
  })
  const below = embedOptions({ stream: 'demo' }, 'https://tv.example/a/embed.js?v=1', PAGE)
  assert.ok(typeof below !== 'string')
  assert.equal(below.url, 'https://tv.example/a/live/demo/master.m3u8')
})

test('switches are on unless turned off', () => {
  const options = embedOptions({ stream: 'demo', muted: 'false', sharing: 'off', controls: '', width: '640', mode: 'http' }, SRC, PAGE)
  assert.ok(typeof options !== 'string')
  const { muted, engineOptions, controls, width, mode } = options
  assert.deepEqual([muted, engineOptions.sharing, controls, width, mode], [false, 'off', true, '640px', 'http'])
})

test('a mode that is none is told, not taken for the best one', () => {
  assert.match(String(embedOptions({ stream: 'demo', mode: 'p2p_only' }, SRC, PAGE)), /none of loader, http/)
  const options = embedOptions({ stream: 'demo', mode: 'HTTP' }, SRC, PAGE)
  assert.equal(typeof options === 'string' ? options : options.mode, 'http')
})

test('a name is one path component, whatever is in it', () => {
  const options = embedOptions({ stream: 'a b?#' }, SRC, PAGE)
  assert.ok(typeof options !== 'string')
  assert.equal(options.url, 'https://tv.example/live/a%20b%3F%23/master.m3u8')
  for (const stream of [undefined, '', '..', '.', 'a/b']) assert.equal(typeof embedOptions({ stream }, SRC, PAGE), 'string', stream)
})

test('a playlist of anybody is played by its address, absolute or relative to the page', () => {
  const url = (/** @type {string} */ src) => /** @type {any} */ (embedOptions({ src }, SRC, PAGE)).url
  assert.equal(url('https://cdn.example/vod/master.m3u8?t=1'), 'https://cdn.example/vod/master.m3u8?t=1')
  assert.equal(url('/vod/master.m3u8'), 'https://news.example/vod/master.m3u8')
  assert.equal(url('film.m3u8'), 'https://news.example/today/film.m3u8')
  assert.equal(url('//cdn.example/a.m3u8'), 'https://cdn.example/a.m3u8')
})

test('what is no address of a playlist is told the author, and so are two that contradict each other', () => {
  for (const src of ['', 'javascript:alert(1)', 'data:,x', 'blob:https://news.example/1', 'http://[']) {
    assert.equal(typeof embedOptions({ src }, SRC, PAGE), 'string', src)
  }
  assert.match(/** @type {string} */ (embedOptions({ stream: 'demo', src: '/x.m3u8' }, SRC, PAGE)), /both/)
})

test("a site's copy of the worker is a file of the site's", () => {
  const worker = (/** @type {Record<string, string>} */ data) => {
    const options = embedOptions(data, SRC, PAGE)
    return typeof options === 'string' ? options : options.worker
  }
  assert.equal(worker({ worker: '/live-torrent-sw.js' }), 'https://news.example/live-torrent-sw.js')
  assert.match(worker({ worker: 'https://tv.example/sw.js' }) ?? '', /not a file of this site/)
  assert.match(worker({ worker: 'javascript:1' }) ?? '', /not a file of this site/)
  assert.match(worker({ worker: '/sw.js', stream: 'demo' }) ?? '', /another script tag/)
})

test('what viewers may exchange is said in attributes, and the question in the words of the page', () => {
  const options = embedOptions({
    stream: 'demo', sharing: 'Ask', maxUpload: '250000', maxRatio: '1.5', minViewers: '3', uploadOnCellular: '', uploadWhenHidden: 'no',
    ice: 'stun:a.example, stun:b.example:1', iceTransportPolicy: 'relay', notice: 'Teilen?', noticeYes: 'Ja', noticeNo: 'Nein'
  }, SRC, PAGE)
  assert.ok(typeof options !== 'string')
  assert.deepEqual(options.engineOptions, {
    sharing: 'ask', maxUpload: 250_000, maxRatio: 1.5, minViewers: 3, uploadOnCellular: true, uploadWhenHidden: false,
    iceTransportPolicy: 'relay', iceServers: ['stun:a.example', 'stun:b.example:1']
  })
  assert.deepEqual(options.notice, { text: 'Teilen?', yes: 'Ja', no: 'Nein' })
})

test('a restriction that cannot be read plays nothing, and its author is told which', () => {
  for (const [key, value] of Object.entries({
    sharing: 'aks', maxUpload: 'fast', maxRatio: '-1', minViewers: '1e3', iceTransportPolicy: 'none'
  })) {
    const told = embedOptions({ stream: 'demo', [key]: value }, SRC, PAGE)
    assert.ok(typeof told === 'string' && told.includes(`data-${key.replace(/[A-Z]/g, c => `-${c.toLowerCase()}`)}="${value}"`), key)
  }
})
