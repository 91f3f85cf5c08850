import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Flow } from '../../client/mesh/flow.js'

const FAR = 100
const BLOCK = 16 << 10

/**
 * Hand over all that may be, whenever half of it is gone (as `bufferedamountlow` tells).
 * @param {number} rate the line's, bytes per ms
 * @param {number} seconds
 * @param {number} [every] how often the page comes round to it, ms
 */
function busy (rate, seconds, flow = new Flow(), every = 5) {
  let buffered = 0
  let carried = 0
  for (let now = 1; now <= 1000 * seconds; now += every) {
    const gone = Math.min(buffered, every * rate)
    buffered -= gone
    carried += gone
    if (buffered > flow.most / 2) continue
    flow.look(buffered, FAR, now)
    for (let size = flow.message(FAR); size > 0; size = flow.message(FAR)) {
      flow.handed(size)
      buffered += size
    }
  }
  return { flow, used: carried / (1000 * seconds * rate) }
}

/** Messages handed over in one turn. @param {Flow} flow @param {number} bytes @param {number} rtt @param {number} now */
function turn (flow, bytes, rtt, now) {
  const sizes = []
  flow.look(0, rtt, now)
  for (let left = bytes; left > 0;) {
    const size = Math.min(left, flow.message(rtt))
    flow.handed(size)
    sizes.push(size)
    left -= size
  }
  return sizes
}

test('what is handed over ahead is what the line takes in a moment, and the line never waits', () => {
  for (const rate of [60, 625, 2500]) {
    const { flow, used } = busy(rate, 4)
    assert.ok(flow.most <= Math.max(2 * BLOCK + 128, 150 * rate), `${flow.most} bytes at ${rate} bytes/ms`)
    assert.ok(used > 0.97, `${used} of ${rate} bytes/ms`)
  }
})

test('a line that has become faster is used, one that has become slower is handed less', () => {
  const { flow } = busy(100, 3)
  const slow = flow.most
  const { used } = busy(2000, 3, flow)
  assert.ok(used > 0.95)
  assert.ok(flow.most > 3 * slow)
  busy(100, 5, flow)
  assert.ok(flow.most < 1.3 * slow, `${flow.most} after ${slow}`)
})

test('a page that comes round late hands over more, so that the line need not wait', () => {
  assert.ok(busy(625, 4, new Flow(), 200).used > 0.75)
})

test('what few bytes took in a long pause tells nothing of the line', () => {
  const { flow } = busy(1000, 3)
  flow.look(0, FAR, 3010)
  const before = flow.most
  flow.handed(200)
  flow.look(0, FAR, 60_000)
  assert.equal(flow.most, before)
})

test('to a far peer a message is a burst of packets until acknowledgements come all the time, then a block', () => {
  const flow = new Flow()
  const sizes = turn(flow, 60 << 10, FAR, 1000)
  assert.ok(sizes.slice(0, 11).every(size => size <= 4608))
  assert.ok((sizes.at(-1) ?? 0) > 4608)
  assert.ok(turn(flow, 20_000, FAR, 1005).some(size => size > BLOCK), 'that was a moment ago')
  assert.ok(turn(flow, 20_000, FAR, 1600).every(size => size <= 4608), 'that was long ago')
})

test('while something still waits in the channel, a message is a block, too', () => {
  const flow = new Flow()
  flow.look(0, FAR, 1000)
  flow.handed(4608)
  flow.look(20_000, FAR, 9000)
  assert.ok(flow.message(FAR) > BLOCK)
})

test('to a near peer messages are long from the first', () => {
  assert.deepEqual(turn(new Flow(), 64 << 10, 2, 1000), [32 << 10, 32 << 10])
})
