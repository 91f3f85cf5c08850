// What the player is told of throughput, and how much it is thought to have.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { countedTime, pace } from '../../client/counted-time.js'
import { Handed } from '../../client/handed.js'
import { LineRate } from '../../client/line-rate.js'

/** Fetches one after the other. @param {LineRate} line @param {[number, number][]} fetches bytes and ms from the first */
function fetch (line, ...fetches) {
  let now = 0
  for (const [bytes, ms] of fetches) {
    line.begin(now)
    line.got(bytes)
    line.end(now += ms)
    now += 1000
  }
}

test('for the choice of variant waiting for peers does not count, and having it already is not infinitely fast', () => {
  const facts = { bytes: 500_000, duration: 2, rate: 1000, ms: 1500 }
  assert.equal(countedTime({ ...facts, waited: 1500 }), 500)
  assert.equal(countedTime({ ...facts, waited: 0.1 }), 500)
  assert.equal(countedTime({ ...facts, waited: 2500 }), 2500, 'slower than it plays')
})

test('before anything was fetched from the origin, a segment in memory took what it took to come', () => {
  const facts = { bytes: 500_000, duration: 2, rate: 0, waited: 0 }
  assert.equal(countedTime({ ...facts, ms: 80 }), 80, 'soon: the line carries that')
  const counted = countedTime({ ...facts, ms: 5000 })
  const ownRate = facts.bytes / 2000
  const told = facts.bytes / counted
  assert.ok(told > ownRate && 0.7 * told < ownRate, 'late, for want of peers: it stays where it is, and goes no higher')
  assert.equal(countedTime({ ...facts, ms: 0 }), 1)
})

test('the rate of a line is what came while something came', () => {
  const line = new LineRate()
  assert.equal(line.rate, 0)
  fetch(line, [100_000, 1000], [200_000, 1000])
  assert.equal(line.rate, 150)
})

test('fetches at the same time share the line', () => {
  const line = new LineRate()
  line.begin(0)
  line.begin(0)
  for (let i = 0; i < 10; i++) line.got(10_000)
  line.end(800)
  line.got(20_000)
  line.end(1000)
  assert.equal(line.rate, 120)
})

test('audio segments, there at once, do not make a slow line fast', () => {
  const line = new LineRate()
  fetch(line, [16_000, 1])
  assert.equal(line.rate, 0, 'one alone says nothing')
  fetch(line, [250_000, 1000], [16_000, 1], [250_000, 1000], [16_000, 1])
  assert.ok(line.rate < 300, `${line.rate} of 250 bytes per ms`)
})

test('audio segments in plenty do not make it forgotten either', () => {
  const line = new LineRate()
  fetch(line, [250_000, 1000], ...Array(20).fill([2000, 1]))
  assert.ok(line.rate > 240 && line.rate < 300, `${line.rate} of 250 bytes per ms`)
  fetch(line, ...Array(40).fill([2000, 1]))
  assert.equal(line.rate, 2000, 'but for so many that they are something to go by')
})

test('a line that became another is known as such after six fetches', () => {
  const line = new LineRate()
  fetch(line, ...Array(9).fill([100_000, 1000]))
  fetch(line, ...Array(6).fill([100_000, 100]))
  assert.equal(line.rate, 1000)
})

test('audio beside the picture makes nothing play longer', () => {
  const handed = new Handed()
  const [video, audio] = ['video', 'audio'].map(group => ({ group, msn: 7, duration: 2 }))
  handed.gave(video, 0, 0)
  handed.gave(audio, 0, 250)
  assert.equal(handed.ahead(0, 250), 1.75)
  handed.gave({ ...video, msn: 8 }, 0, 500)
  assert.equal(handed.ahead(0, 500), 1.75, 'the next picture waits for its audio')
  handed.gave({ ...audio, msn: 8 }, 0, 750)
  assert.equal(handed.ahead(0, 750), 3.25)
})

test('what was given before a seek plays nothing after it', () => {
  const handed = new Handed()
  handed.gave({ group: 'video', msn: 7, duration: 2 }, 20, 0)
  handed.asked('video', 8)
  assert.equal(handed.ahead(0, 100), 21.9, 'the next one is for behind it')
  handed.asked('video', 3)
  assert.equal(handed.ahead(0, 100), 0, 'another one is for elsewhere, where nothing is')
})

test('a player that measures by itself waits as long as the line takes, and never so long that its buffer shrinks', () => {
  const facts = { ms: 5, bytes: 100_000, duration: 2 }
  assert.equal(pace({ ...facts, rate: 1000 }), 100)
  assert.ok(pace({ ...facts, rate: 1 }) < 2000)
  assert.equal(pace({ ...facts, rate: 0 }), 5, 'what peers gave soon shows what the line carries')
})
