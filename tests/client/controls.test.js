// What the player page's controls decide.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { captions, levelNames, nextRate, qualities, sounds } from '../../client/controls/choices.js'
import { clock, spoken } from '../../client/controls/clock.js'
import { shows } from '../../client/controls/idle.js'
import { command, HELP } from '../../client/controls/keys.js'
import { dateAt, going, parts, place, share, timeAt } from '../../client/controls/place.js'
import { frameCode, link, scriptCode } from '../../client/controls/share-code.js'
import { Taps } from '../../client/controls/taps.js'
import { readTime } from '../../client/start-at.js'

test('times are short to read, and cannot be mistaken for the time of day when heard', () => {
  assert.deepEqual([0, 5.9, 754, 3723].map(clock), ['0:00', '0:05', '12:34', '1:02:03'])
  assert.deepEqual([-754, -0.4].map(clock), ['−12:34', '0:00'])
  assert.deepEqual([0, 1, 754, 3600].map(spoken), ['0 seconds', '1 second', '12 minutes 34 seconds', '1 hour'])
})

test('a link\'s time is read as people write it, and nothing else is', () => {
  assert.deepEqual(['83', '1:23', '1m23s', '1:00:01', '2h', '12.5'].map(readTime), [83, 83, 83, 3601, 7200, 12.5])
  for (const text of ['', 'soon', '-5', '1:2:3:4', '99999999999', 'NaN', '1e9']) assert.equal(readTime(text), null, text)
  assert.equal(readTime(null), null)
})

/** @param {Partial<import('../../client/controls/place.js').Facts>} facts */
const live = facts => place({ seekable: [100, 220], duration: Infinity, time: 210, edge: 214, gap: 0, ...facts })

test('a live stream ends where one keeps with it, and its sliding beginning is not gone to', () => {
  assert.deepEqual(live({}), { live: true, start: 106, end: 214, at: 210, behind: 4, wide: true, fallen: false })
  assert.equal(live({ time: 90 }).fallen, true)
  assert.equal(live({ time: 90 }).at, 106)
  assert.equal(live({ seekable: [0, 220] }).start, 0, 'what keeps everything stays where it begins')
  assert.equal(live({ edge: null, gap: 9 }).end, 211, 'a player that does not say where the edge is began there')
  assert.equal(live({ seekable: [208, 220] }).wide, false)
  assert.equal(live({ seekable: null }).wide, false)
})

test('a recording has its length, and nothing before it is known', () => {
  const film = place({ seekable: [0, 90], duration: 90, time: 30, edge: null, gap: 0 })
  assert.deepEqual(film, { live: false, start: 0, end: 90, at: 30, behind: 0, wide: true, fallen: false })
  assert.equal(place({ seekable: null, duration: NaN, time: 0, edge: null, gap: 0 }).wide, false)
  assert.deepEqual(going(film, 500), { to: 89.9, follow: false }, 'the last picture is shown')
  assert.deepEqual(going(film, -5), { to: 0, follow: false })
})

test('going to the live edge means keeping with it; short of it, staying there', () => {
  assert.deepEqual(going(live({}), Infinity), { to: 214, follow: true })
  assert.deepEqual(going(live({}), 212), { to: 214, follow: true })
  assert.deepEqual(going(live({}), 190), { to: 190, follow: false })
  assert.deepEqual(going(live({}), 0), { to: 106, follow: false })
})

test('bar and stream are mapped to each other both ways', () => {
  const now = live({ time: 160 })
  assert.equal(share(now), 0.5)
  assert.equal(timeAt(now, 0.5), 160)
  assert.equal(timeAt(now, 7), 214)
  assert.deepEqual(parts(now, [[0, 50], [106, 160], [213, 400]]), [[0, 0.5], [107 / 108, 1]])
})

test('the time of day follows the playlist, across what was left out', () => {
  const fragments = [
    { start: 0, duration: 10, programDateTime: 1000_000 },
    { start: 10, duration: 10, programDateTime: 5000_000 }
  ]
  assert.equal(dateAt(fragments, 4)?.getTime(), 1004_000)
  assert.equal(dateAt(fragments, 12)?.getTime(), 5002_000)
  assert.equal(dateAt(fragments, 25)?.getTime(), 5015_000)
  assert.equal(dateAt([{ start: 0, duration: 10, programDateTime: null }], 1), null)
  assert.equal(dateAt([], 1), null)
})

/** @param {string} key @param {import('../../client/controls/keys.js').Focus} [focus] @param {object} [held] */
const press = (key, focus = 'page', held = {}) =>
  command({ key, ctrlKey: false, altKey: false, metaKey: false, shiftKey: false, ...held }, focus)

test('keys do what they do in other players', () => {
  assert.deepEqual(press(' '), { does: 'toggle' })
  assert.deepEqual(press('K'), { does: 'toggle' }, 'with Caps Lock, too')
  assert.deepEqual(press('j'), { does: 'seek', by: -10 })
  assert.deepEqual(press('ArrowRight'), { does: 'seek', by: 5 })
  assert.deepEqual(press('ArrowUp'), { does: 'volume', by: 0.05 })
  assert.deepEqual(press('7'), { does: 'part', of: 0.7 })
  assert.deepEqual(press('?', 'page', { shiftKey: true }), { does: 'help' })
})

test('keys are left to the browser, to what is being typed, to menus and to buttons', () => {
  for (const held of [{ ctrlKey: true }, { altKey: true }, { metaKey: true }]) assert.equal(press('f', 'page', held), null)
  assert.equal(press('k', 'page', { shiftKey: true }), null)
  for (const key of ['k', ' ', 'ArrowLeft', '5']) {
    assert.equal(press(key, 'text'), null)
    assert.equal(press(key, 'menu'), null)
  }
  assert.equal(press(' ', 'button'), null)
  assert.equal(press('Enter', 'button'), null)
  assert.deepEqual(press('m', 'button'), { does: 'mute' })
  for (const key of ['Tab', 'Enter', 'Escape', 'x', 'F5']) assert.equal(press(key), null, key)
})

test('arrows on a slider move that slider', () => {
  assert.deepEqual(press('ArrowLeft', 'volume'), { does: 'volume', by: -0.05 })
  assert.deepEqual(press('ArrowUp', 'seek'), { does: 'seek', by: 5 })
  assert.deepEqual(press('PageDown', 'seek'), { does: 'seek', by: -60 })
})

test('the help names no key that does nothing', () => {
  /** @type {Record<string, string>} */
  const named = { Space: ' ', '←': 'ArrowLeft', '→': 'ArrowRight', '↑': 'ArrowUp', '↓': 'ArrowDown', '0 – 9': '0' }
  for (const key of HELP.flatMap(([keys]) => keys)) assert.ok(press(named[key] ?? key), key)
})

test('the controls go when nobody needs them, and not from under somebody\'s hands', () => {
  const idle = { held: false, open: false, focused: false, over: false, movedAt: -Infinity, touchedAt: -Infinity }
  assert.equal(shows(idle, 0).shown, false)
  for (const why of ['held', 'open', 'focused', 'over']) assert.equal(shows({ ...idle, [why]: true }, 1e9).shown, true, why)
  const moved = shows({ ...idle, movedAt: 1000 }, 1500)
  assert.equal(moved.shown, true)
  assert.equal(shows({ ...idle, movedAt: 1000 }, moved.lookAt).shown, false)
})

test('one tap shows the controls, two at a side jump there, and each further one again', () => {
  const taps = new Taps()
  assert.deepEqual(taps.tap(0.9, 0), { does: 'show' })
  assert.deepEqual(taps.tap(0.9, 200), { does: 'seek', by: 10 })
  assert.deepEqual(taps.tap(0.95, 400), { does: 'seek', by: 10 })
  assert.deepEqual(taps.tap(0.1, 500), { does: 'show' }, 'the other side')
  assert.deepEqual(taps.tap(0.1, 2000), { does: 'show' }, 'too late')
  assert.deepEqual(taps.tap(0.5, 3000), { does: 'show' })
  assert.deepEqual(taps.tap(0.5, 3100), { does: 'show' }, 'the middle has no direction')
})

test('qualities are told apart by what differs', () => {
  /** @param {number} height @param {number} bitrate */
  const level = (height, bitrate, frameRate = 30) => ({ height, bitrate, frameRate })
  const hd = [level(720, 1_500_000), level(720, 3_000_000), level(720, 4_000_000, 60)]
  const levels = [level(360, 800_000), ...hd, level(0, 64_000)]
  assert.deepEqual(levelNames(levels), ['360p', '720p · 1.5 Mbit/s', '720p · 3.0 Mbit/s', '720p60', 'Sound · 64 kbit/s'])
  const now = { auto: true, level: 0, wanted: -1 }
  assert.deepEqual(qualities(levels, now).map(({ label }) => label),
    ['Auto (360p)', '720p60', '720p · 3.0 Mbit/s', '720p · 1.5 Mbit/s', '360p', 'Sound · 64 kbit/s'])
  const chosen = qualities(levels, { ...now, auto: false, wanted: 1 })
  assert.deepEqual(chosen.filter(({ on }) => on).map(({ value }) => value), [1])
  assert.deepEqual(qualities(levels.slice(0, 1), now), [], 'nothing to choose')
})

test('captions can be turned off, and tracks without a name have one', () => {
  const tracks = [{ label: '', language: 'en', on: false }, { label: '', language: '', on: true }]
  assert.deepEqual(captions(tracks).map(({ label }) => label), ['Off', 'en', 'Track 2'])
  assert.deepEqual(captions(tracks).map(({ on }) => on), [false, false, true])
  assert.deepEqual(captions([]), [])
  assert.deepEqual(sounds(tracks.slice(0, 1)), [], 'one is no choice')
})

test('the speed goes up and down by steps, to its ends', () => {
  assert.deepEqual([[1, 1], [1, -1], [2, 1], [0.5, -1], [1.05, 1]].map(([now = 1, by = 1]) => nextRate(now, by)),
    [1.25, 0.75, 2, 0.5, 1.25])
})

test('a link leads to the page, without what only this viewer asked for', () => {
  const shared = { page: 'https://live.example/watch/show?mode=http&t=3#x', script: '', stream: 'show', playlist: '', title: '' }
  assert.equal(link(shared), 'https://live.example/watch/show')
  assert.equal(link(shared, 83.7), 'https://live.example/watch/show?t=83')
})

test('a stream\'s name stays text in the code for another site', () => {
  const name = '"><script>alert(1)</script>&amp;'
  const shared = {
    page: 'https://live.example/watch/x', script: 'https://live.example/embed.js', stream: name,
    playlist: 'https://a/b.m3u8', title: name
  }
  for (const code of [scriptCode(shared), frameCode(shared)]) {
    assert.equal((code.match(/</g) ?? []).length, 2, 'one element')
    assert.ok(!code.includes('alert(1)</'))
  }
  assert.ok(scriptCode(shared).includes('data-stream="&#34;&#62;&#60;script'))
  assert.ok(scriptCode({ ...shared, stream: null }).includes(' data-src="https://a/b.m3u8"'))
})
