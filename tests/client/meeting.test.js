// What a viewer that has just come waits for, and what it does not: the tracker's count, the first links, their word.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Handed } from '../../client/handed.js'
import { PieceSet } from '../../client/pieces.js'
import { DEFAULTS, Scheduler } from '../../client/scheduler.js'

const ID = 'a'.repeat(40)
const PEER = 'b'.repeat(40)

/** A viewer that came at 0, has one segment on the screen and wants the next. */
class Newcomer {
  constructor () {
    this.scheduler = new Scheduler('c'.repeat(40), 0)
    this.scheduler.list({ id: ID, group: 'v0', msn: 1, pieces: 4, bytes: 262_144, duration: 2, follow: false }, 0)
    this.scheduler.want(ID, true)
  }

  /** @param {number | null} others */
  counts (others) { this.scheduler.swarmSize(others); return this }

  /** @param {number} now */
  fetches (now, bufferSeconds = 2) {
    const { commands, wakeAt } = this.scheduler.step(now, { bufferSeconds, sharing: true })
    this.wakeAt = wakeAt
    return commands.some(({ type }) => type === 'fetch')
  }
}

test('while the tracker has not answered, what the buffer does not need yet is not fetched', () => {
  const viewer = new Newcomer().counts(null)
  assert.equal(viewer.fetches(0), false)
  assert.ok(viewer.wakeAt <= DEFAULTS.counting)
})

test('a lone viewer waits for the tracker\'s reply and no longer', () => {
  const viewer = new Newcomer().counts(null)
  assert.equal(viewer.fetches(20), false)
  assert.equal(viewer.counts(0).fetches(21), true)
})

test('a tracker that does not answer is not waited for again', () => {
  const viewer = new Newcomer().counts(null)
  assert.equal(viewer.fetches(DEFAULTS.counting - 1, 6), false)
  assert.equal(viewer.fetches(DEFAULTS.counting, 6), true)
})

test('what the player needs at once is fetched, whether or not the tracker has answered', () => {
  assert.equal(new Newcomer().counts(null).fetches(0, 0), true)
  assert.equal(new Newcomer().counts(5).fetches(0, 0), true)
})

test('a first link that has not said yet what there is: its word is waited for, and what it holds is left to it', () => {
  const viewer = new Newcomer().counts(1)
  viewer.scheduler.peerUp(PEER, -100_000)
  assert.equal(viewer.fetches(300), false)
  const pieces = new PieceSet(4)
  for (let i = 0; i < 4; i++) pieces.add(i)
  viewer.scheduler.peerSaid(PEER, ID, { pieces }, 310)
  assert.equal(viewer.fetches(310), false)
})

test('a first link that knows other variants only is not waited for', () => {
  const viewer = new Newcomer().counts(1)
  viewer.scheduler.peerUp(PEER, -100_000)
  viewer.scheduler.peerSaid(PEER, 'd'.repeat(40), {}, 310)
  assert.equal(viewer.fetches(310), true)
})

test('what was handed to the player counts before it is in its buffer', () => {
  const handed = new Handed()
  assert.equal(handed.ahead(0, 0), 0)
  handed.gave({ group: 'video', msn: 7, duration: 2 }, 0, 100)
  assert.equal(handed.ahead(0, 100), 2)
  assert.equal(handed.ahead(0, 600), 1.5, 'it may be playing')
  handed.gave({ group: 'video', msn: 8, duration: 2 }, 0, 600)
  assert.equal(handed.ahead(0, 600), 3.5)
  assert.equal(handed.ahead(3.9, 650), 3.9, 'the buffer\'s word counts for more')
})

test('what is not in the buffer after a second was not for its end', () => {
  const handed = new Handed()
  handed.gave({ group: 'video', msn: 7, duration: 2 }, 0, 0)
  assert.equal(handed.ahead(0.3, 1000), 0.3)
})
