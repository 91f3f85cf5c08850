import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ahead, Stalls } from '../../client/playhead.js'

/** @param {...[number, number]} list @returns {any} */
const ranges = (...list) => ({ length: list.length, start: (/** @type {number} */ i) => list[i][0], end: (/** @type {number} */ i) => list[i][1] })
const IDLE = { seeking: false, paused: false, ended: false }

test('the buffer is what lies ahead without a hole', () => {
  assert.equal(ahead(ranges([0, 10]), 4), 6)
  assert.equal(ahead(ranges([0, 10], [10.05, 12]), 4), 8)
  assert.equal(ahead(ranges([0, 10], [11, 20]), 4), 6)
  assert.equal(ahead(ranges([5, 10]), 1), 0)
  assert.equal(ahead(ranges(), 1), 0)
})

test('running dry in mid-play is a stall', () => {
  const stalls = new Stalls()
  stalls.on('playing', IDLE)
  stalls.on('waiting', IDLE)
  stalls.on('playing', IDLE)
  stalls.on('waiting', IDLE)
  assert.equal(stalls.count, 2)
})

test('the first buffering, a seek and a pause are none', () => {
  const stalls = new Stalls()
  stalls.on('waiting', IDLE)
  stalls.on('playing', IDLE)
  stalls.on('waiting', { ...IDLE, seeking: true })
  stalls.on('waiting', { ...IDLE, paused: true })
  stalls.on('waiting', { ...IDLE, ended: true })
  stalls.on('emptied', IDLE)
  stalls.on('waiting', IDLE)
  stalls.on('playing', IDLE)
  stalls.on('seeking', { ...IDLE, seeking: true })
  stalls.on('waiting', IDLE) // one picture is there, and nothing after it
  assert.equal(stalls.count, 0)
  stalls.on('playing', IDLE)
  stalls.on('waiting', IDLE)
  assert.equal(stalls.count, 1)
})
