import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FASTER, playbackRate } from '../../client/catch-up.js'

const target = 6

test('far behind its target a full buffer is played faster until it is there', () => {
  assert.equal(playbackRate(1, { latency: 9, target, buffer: 8 }), FASTER)
  assert.equal(playbackRate(FASTER, { latency: 7, target, buffer: 6 }), FASTER)
  assert.equal(playbackRate(FASTER, { latency: 6.4, target, buffer: 6 }), 1)
})

test('the swing of playlist reloads changes nothing', () => {
  assert.equal(playbackRate(1, { latency: 7.9, target, buffer: 7 }), 1)
})

test('no hurry out of a thin buffer', () => {
  assert.equal(playbackRate(1, { latency: 12, target, buffer: 3 }), 1)
  assert.equal(playbackRate(FASTER, { latency: 12, target, buffer: 3 }), 1)
})

test('a rate somebody else chose stays', () => {
  for (const rate of [0.5, 2]) assert.equal(playbackRate(rate, { latency: 12, target, buffer: 8 }), rate)
})
