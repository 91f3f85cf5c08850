import assert from 'node:assert/strict'
import { test } from 'node:test'
import { count, entries, found, staged } from '../../client/front/catalog.js'
import { ago, clock, spoken } from '../../client/front/when.js'

const stream = (name, live = true, viewers = 0) => ({ name, live, onAir: live, viewers, playlist: '', segments: 1 })
const recording = (name, started, more = {}) => ({
  name, of: 'garden', title: '', state: 'ready', started, duration: 60, bytes: 1000, viewers: 0, ...more
})
const names = list => list.map(({ name }) => name)

test('live streams stand by name, recordings the newest first, other films behind them', () => {
  const streams = [stream('zoo'), stream('garden'), stream('film', false), stream('g-1', false), stream('g-2', false)]
  const { live, recordings } = entries(streams, [recording('g-1', 100), recording('g-2', 200)])
  assert.deepEqual(names(live), ['garden', 'zoo'])
  assert.deepEqual(names(recordings), ['g-2', 'g-1', 'film'])
})

test('who stays away is not live, and not shown where a recording stands for it', () => {
  const away = { ...stream('garden'), onAir: false }
  const alone = entries([away], [])
  assert.deepEqual([alone.live, names(alone.recordings), alone.recordings[0].away], [[], ['garden'], true])
  assert.deepEqual(names(entries([away, stream('g-1', false)], [recording('g-1', 100)]).recordings), ['g-1'])
  assert.equal(staged(null, [away], []), false)
})

test('a recording that goes on is no live stream of its own', () => {
  const streams = [stream('garden'), stream('g-1')]
  const { live, recordings } = entries(streams, [recording('g-1', 100, { state: 'recording' })])
  assert.deepEqual(names(live), ['garden'])
  const { running, whole, duration, bytes } = recordings[0]
  assert.deepEqual([running, whole, duration, bytes], [true, false, 0, 0])
})

test('what the server knows of a stream besides is shown', () => {
  const { live, recordings } = entries([
    { ...stream('garden'), publishing: { since: 100 }, duration: null }, { ...stream('film', false), duration: 61.5 }
  ], [])
  assert.deepEqual([live[0].started, live[0].duration, recordings[0].duration], [100, 0, 61.5])
})

test('what is left of a stream that has ended is in its recordings', () => {
  const { live, recordings } = entries([stream('garden', false), stream('g-1', false)], [recording('g-1', 100)])
  assert.deepEqual([live, names(recordings)], [[], ['g-1']])
})

test('a card is called by its title, else by the stream that was recorded, else by its name', () => {
  const { recordings } = entries([], [
    recording('a', 3, { title: 'Dawn' }), recording('b', 2), recording('c', 1, { of: '' })
  ])
  assert.deepEqual(recordings.map(({ title, under }) => [title, under]), [['Dawn', 'garden'], ['garden', ''], ['c', '']])
})

test('what an older server does not say is not known', () => {
  const { recordings } = entries([], [{ name: 'a', of: '', title: '', state: 'ready' }])
  const { started, duration, bytes, viewers } = recordings[0]
  assert.deepEqual([started, duration, bytes, viewers], [0, 0, 0, 0])
})

test('search wants every word, in name or title, whatever case and accents', () => {
  const { recordings: all } = entries([], [
    recording('lecture-1', 3, { title: 'Übung: clocks' }), recording('b', 2), recording('c', 1, { of: '' })
  ])
  assert.deepEqual(names(found(all, '  CLOCKS ubung ')), ['lecture-1'])
  assert.deepEqual(names(found(all, 'garden')), ['lecture-1', 'b'])
  assert.deepEqual(names(found(all, 'clocks zebra')), [])
  assert.equal(found(all, ' '), all)
})

test('the stage is for a stream that was asked for, or the only one, on air', () => {
  assert.equal(staged('x', [], []), true)
  assert.equal(staged(null, [stream('demo')], []), true)
  assert.equal(staged(null, [stream('demo', false)], []), false)
  assert.equal(staged(null, [stream('demo')], [recording('a', 1)]), false)
  assert.equal(staged(null, [stream('a'), stream('b')], []), false)
  assert.equal(staged(null, [], []), false)
})

test('times are said as people say them', () => {
  const past = [-5, 0, 59, 60, 3599, 3600, 86_399, 86_400, 7 * 86_400, 45 * 86_400, 800 * 86_400]
  assert.deepEqual(past.map(seconds => ago(1e9, 1e9 + seconds)), [
    'just now', 'just now', 'just now', '1 minute ago', '59 minutes ago', '1 hour ago', '23 hours ago', 'yesterday',
    'last week', 'last month', '2 years ago'
  ])
  assert.deepEqual([0, 7.4, 59.6, 754, 3600, 36_061].map(clock), ['0:00', '0:07', '1:00', '12:34', '1:00:00', '10:01:01'])
  assert.deepEqual([0, 1, 61, 754, 3600, 3725].map(spoken), [
    '0 seconds', '1 second', '1 minute 1 second', '12 minutes 34 seconds', '1 hour', '1 hour 2 minutes'
  ])
  assert.deepEqual([count(1, 'stream', 'streams'), count(0, 'stream', 'streams')], ['1 stream', '0 streams'])
})
