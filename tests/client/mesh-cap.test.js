import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Cap, order } from '../../client/mesh/cap.js'

test('no more goes out than the cap, however greedily it is asked', () => {
  const cap = new Cap(1_000_000)
  let sent = 0
  for (let now = 0; now <= 10_000; now += 7) sent += cap.take(100_000, now)
  assert.ok(sent <= 10_000_000 + 500_000 + 1, `${sent}`)
  assert.ok(sent >= 9_900_000, `${sent}`)
})

test('what is allowed may be less than was asked, and how long to wait is said', () => {
  const cap = new Cap(100_000)
  const burst = cap.take(1e9, 0)
  assert.ok(burst >= 50_000 && burst <= 65_536)
  assert.equal(cap.take(10_000, 0), 0)
  const wait = cap.waitMs(0)
  assert.ok(wait > 0)
  assert.equal(cap.waitMs(wait), 0)
  assert.equal(cap.take(10_000, wait), 10_000)
})

test('a second of rest brings back no more than a burst', () => {
  const cap = new Cap(1_000_000)
  cap.take(1e9, 0)
  assert.equal(cap.take(1e9, 60_000), 500_000)
})

test('who gives comes before who only takes', () => {
  const askers = [
    { peer: 'taker', gave: 0, got: 5_000_000 },
    { peer: 'giver', gave: 4_000_000, got: 4_000_000 },
    { peer: 'generous', gave: 4_000_000, got: 1_000_000 }
  ]
  assert.deepEqual(order(askers, 0), ['generous', 'giver', 'taker'])
})

test('a newcomer is served every few turns, however much the others give', () => {
  const books = new Map([['new', { gave: 0, got: 0 }], ['a', { gave: 0, got: 0 }], ['b', { gave: 0, got: 0 }]])
  for (let turn = 0; turn < 100; turn++) {
    const [first = ''] = order([...books].map(([peer, book]) => ({ peer, ...book })), turn)
    const book = books.get(first)
    book.got += 16_384
    for (const [peer, { got }] of books) if (peer !== 'new') books.get(peer).gave = got + 16_384
  }
  assert.ok(books.get('new').got >= 20 * 16_384, `${books.get('new').got}`)
  assert.ok(books.get('new').got <= 40 * 16_384, `${books.get('new').got}`)
})

test('a cap that changes holds from then on, with what was used of the former', () => {
  const cap = new Cap(1_000_000)
  cap.take(1e9, 0)
  cap.limit(200_000)
  assert.equal(cap.take(1e9, 0), 0)
  assert.equal(cap.take(1e9, 1000), 100_000)
})
