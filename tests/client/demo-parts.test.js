import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bytes, millis, percent, rate, seconds } from '../../client/format.js'
import { ceiling } from '../../client/plot.js'
import { Series, SECONDS } from '../../client/series.js'
import { pick } from '../../client/streams.js'
import { describe } from '../../client/strip.js'

test('bytes keep to three digits and their unit', () => {
  assert.deepEqual([0, 999, 1000, 999_499, 999_500, 12_345_678, 123_456_789, 5e12].map(bytes),
    ['0 B', '999 B', '1 kB', '999 kB', '1.0 MB', '12.3 MB', '123 MB', '5.0 TB'])
})

test('other numbers read as people say them', () => {
  assert.equal(rate(187_500), '1.5 Mbit/s')
  assert.equal(rate(12_500), '100 kbit/s')
  assert.equal(seconds(6.24), '6.2 s')
  assert.equal(millis(312.4), '312 ms')
  assert.equal(millis(2412), '2.4 s')
  assert.equal(percent(0.835), '84')
  assert.equal(percent(null), '0')
})

test('each second of the series holds what arrived in it', () => {
  const series = new Series()
  series.add({ peers: 0, origin: 400, seed: 0 }, 10_000)
  series.add({ peers: 400, origin: 400, seed: 0 }, 11_200)
  series.add({ peers: 800, origin: 400, seed: 0 }, 11_900)
  // The mean of four seconds: 400 of origin and 800 of peers.
  assert.deepEqual(series.rates.at(-1), { peers: 200, origin: 100, seed: 0 })
  assert.equal(series.rates.length, SECONDS)
  assert.equal(series.share, 2 / 3)
})

test('what is older than the plot is forgotten', () => {
  const series = new Series()
  assert.equal(series.share, null)
  series.add({ peers: 100, origin: 0, seed: 0 }, 1000)
  series.add({ peers: 100, origin: 50, seed: 0 }, (SECONDS + 5) * 1000)
  assert.equal(series.share, 0)
  series.add({ peers: 100, origin: 50, seed: 0 }, 1e9)
  assert.equal(series.share, null)
})

test('a clock that stands still or steps back loses nothing', () => {
  const series = new Series()
  series.add({ peers: 1, origin: 0, seed: 0 }, 5000)
  series.add({ peers: 2, origin: 0, seed: 0 }, 4000)
  assert.equal(series.share, 1)
})

test('another stream begins at zero', () => {
  const series = new Series()
  series.add({ peers: 500, origin: 0, seed: 0 }, 1000)
  series.reset()
  assert.equal(series.share, null)
  series.add({ peers: 0, origin: 10, seed: 0 }, 2000)
  assert.equal(series.share, 0)
})

test("the plot's axis ends at a round rate above everything", () => {
  for (const max of [0, 1, 1e4, 187_500, 2e5, 12_345_678]) {
    const top = ceiling(max)
    assert.ok(top >= max)
    assert.match(rate(top), /^[125]0*(\.0)? [kM]bit\/s$/)
  }
})

test('the stream shown is the one asked for, else demo, else the first live one', () => {
  const [a, b, demo] = [['a', false], ['b', true], ['demo', false]].map(([name, onAir]) => /** @type {any} */ ({ name, onAir }))
  assert.equal(pick([a, b, demo], null), demo)
  assert.equal(pick([a, b], null), b)
  assert.equal(pick([a], null), a)
  assert.equal(pick([], null), null)
  assert.equal(pick([a, demo], 'a'), a)
  assert.equal(pick([a, demo], 'gone'), null)
})

test('a segment is described in one line', () => {
  const record = /** @type {const} */ ({ msn: 7, source: 'peers', ms: 312, bytes: 702_000, fromPeers: 702_000, at: 0 })
  assert.equal(describe(record), 'Segment 7 · from peers · 702 kB in 312 ms')
  assert.equal(describe({ ...record, source: 'mixed', fromPeers: 351_000 }), 'Segment 7 · from peers and server (50 % peers) · 702 kB in 312 ms')
})
