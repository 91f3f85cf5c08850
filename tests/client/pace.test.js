import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BLOCK, Pace } from '../../client/pace.js'

/** A peer asked for `depth` blocks at a time, over a line of `rate` bytes/ms and a round trip of `rtt` ms. */
function exchange (pace, { rate, rtt, blocks }) {
  let now = 0
  /** @type {number[]} when each block that is under way arrives */
  const under = []
  let sentAt = 0
  for (let got = 0; got < blocks;) {
    while (pace.open < pace.depth(rtt) && got + under.length < blocks) {
      pace.asked(now)
      sentAt = Math.max(sentAt, now + rtt / 2) + BLOCK / rate
      under.push(sentAt + rtt / 2)
    }
    now = under.shift() ?? now
    pace.got(BLOCK, now)
    got += 1
  }
}

test('a far and fast peer gets as many requests as fill its line', () => {
  const pace = new Pace()
  exchange(pace, { rate: 2500, rtt: 100, blocks: 400 })
  assert.ok(pace.rate > 2000, `${pace.rate} bytes/ms of 2500`)
  assert.ok(pace.depth(100) * BLOCK >= 2500 * 100, 'a round trip of the line is in flight')
})

test('a slow peer gets few: what it cannot send soon is left to others', () => {
  const pace = new Pace()
  exchange(pace, { rate: 60, rtt: 100, blocks: 100 })
  assert.ok(pace.depth(100) <= 4, `${pace.depth(100)} blocks`)
})

test('a near peer gets few at a time, so that its load is shared', () => {
  const pace = new Pace()
  assert.ok(pace.depth(2) <= 4)
})

test('a peer that was misjudged is found out upwards, too', () => {
  const pace = new Pace()
  exchange(pace, { rate: 100, rtt: 100, blocks: 100 })
  const low = pace.rate
  exchange(pace, { rate: 2500, rtt: 100, blocks: 600 })
  assert.ok(pace.rate > 5 * low, `${low} → ${pace.rate}`)
})

test('blocks that never came are not waited for, and those that nobody asked for do not count', () => {
  const pace = new Pace()
  pace.asked(0)
  pace.asked(0)
  pace.lost(1)
  pace.lost(5)
  assert.equal(pace.open, 0)
  const before = pace.rate
  for (let i = 0; i < 100; i++) pace.got(BLOCK, i)
  assert.equal(pace.rate, before)
})
