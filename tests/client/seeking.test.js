// When the server's seed takes the origin's place: HTTP fails or hangs, or may not be used at all (p2p-only).

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { modes } from '../../client/mode.js'
import { DEFAULTS, Scheduler } from '../../client/scheduler.js'

const ID = 'a'.repeat(40)
const OTHER = 'b'.repeat(40)

/** @param {boolean} p2pOnly @param {string[]} ids */
function viewer (p2pOnly, ...ids) {
  const scheduler = new Scheduler('c'.repeat(40), -100_000)
  for (const [msn, id] of ids.entries()) {
    scheduler.list({ id, group: 'v0', msn, pieces: 4, bytes: 262_144, duration: 2, follow: true }, 0)
  }
  const step = (/** @type {number} */ now) => {
    const { commands, wakeAt } = scheduler.step(now, { bufferSeconds: 6, sharing: true, p2pOnly })
    return { types: commands.map(({ type }) => type), wakeAt }
  }
  return { scheduler, step }
}

test('as long as the origin gives what it is asked for, nobody looks for the seed', () => {
  const { scheduler, step } = viewer(false, ID)
  scheduler.want(ID, true)
  assert.deepEqual(step(0).types, ['join', 'fetch'])
  for (let i = 0; i < 4; i++) scheduler.verified(ID, i, 100 + i)
  scheduler.fetched(ID, { ok: true, bytes: 262_144, firstByte: 20, ms: 110 }, 110)
  for (let now = 200; now < 10_000; now += 200) assert.deepEqual(step(now).types, [])
})

test('an origin that takes the request and sends nothing: the seed is looked for beside it, once', () => {
  const { scheduler, step } = viewer(false, ID)
  scheduler.want(ID, true)
  step(0)
  scheduler.silent(ID)
  assert.deepEqual(step(1500).types, ['seek-seed'])
  assert.deepEqual(step(1600).types, [])
})

test('nobody looks for the seed for what no player waits for', () => {
  const { scheduler, step } = viewer(false, ID)
  scheduler.want(ID, true)
  step(0)
  scheduler.want(ID, false)
  scheduler.silent(ID)
  assert.deepEqual(step(1500).types, [])
})

test('p2p-only: the seed is looked for as soon as a segment is listed, and nothing is ever fetched', () => {
  const { scheduler, step } = viewer(true, ID)
  assert.deepEqual(step(0).types, ['seek-seed'])
  scheduler.want(ID, true)
  const seen = new Set()
  for (let now = 100; now < 100_000; now += 100) for (const type of step(now).types) seen.add(type)
  assert.deepEqual([...seen].sort(), ['fail', 'join', 'seek-seed'])
})

test('p2p-only: a seed that sends is left in peace, one that stopped is asked for again', () => {
  const { scheduler, step } = viewer(true, ID)
  const { seekStall } = DEFAULTS
  assert.equal(step(0).wakeAt, seekStall)
  scheduler.verified(ID, 0, seekStall - 1)
  assert.deepEqual(step(seekStall + 1).types, [])
  assert.deepEqual(step(2 * seekStall).types, [], 'a short breath first')
  assert.deepEqual(step(2 * seekStall + 1000).types, ['seek-seed'])
})

test('p2p-only: what is complete makes room for the next, and more than a few at once is never asked for', () => {
  const ids = ['1', '2', '3', '4', '5'].map(digit => digit.repeat(40))
  const { scheduler, step } = viewer(true, ...ids)
  assert.equal(step(0).types.filter(type => type === 'seek-seed').length, DEFAULTS.fetches)
  for (let i = 0; i < 4; i++) scheduler.verified(ids[0], i, 100)
  assert.deepEqual(step(100).types, ['seek-seed'])
})

test('p2p-only: while a peer has it from the seed the others wait for the peer', () => {
  const { scheduler, step } = viewer(true, ID)
  scheduler.peerUp(OTHER, -200_000)
  scheduler.peerSaid(OTHER, ID, { pulls: true }, 0)
  assert.deepEqual(step(100).types, ['join'])
})

test('p2p-only goes through the loader, and not at all where only the element itself can play', () => {
  const can = { secure: true, sameOrigin: true, mse: true, native: true }
  assert.deepEqual(modes(can, 'p2p-only'), ['loader'])
  assert.deepEqual(modes({ ...can, mse: false }, 'p2p-only'), [])
})
