import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Reveal } from '../../client/reveal.js'

const ID = 'ab'.repeat(20)
const PEERS = ['a', 'b', 'c'].map(letter => letter.repeat(40))
const near = () => 10

/** @param {Reveal} reveal @param {number} pieces @returns {Record<string, number>} pieces told, by peer */
const told = (reveal, pieces) => Object.fromEntries(PEERS.map(peer =>
  [peer[0], Array.from({ length: pieces }, (_, i) => i).filter(i => !reveal.hides(i, peer)).length]))

test('each neighbour is told of its own share first', () => {
  const reveal = new Reveal(ID)
  for (let i = 0; i < 6; i++) reveal.keep(i, PEERS, near, 0)
  assert.deepEqual(told(reveal, 6), { a: 2, b: 2, c: 2 })
})

test('when a neighbour had its time, everybody is told', () => {
  const reveal = new Reveal(ID)
  for (let i = 0; i < 3; i++) reveal.keep(i, PEERS, peer => peer === PEERS[0] ? 200 : 10, 1000)
  assert.deepEqual(reveal.due(1000), [])
  const soon = reveal.due(1000 + 400)
  assert.equal(soon.length, 2, 'the far one has longer')
  assert.deepEqual(told(reveal, 3), { a: 3, b: 2, c: 2 })
  assert.equal(reveal.due(reveal.next).length, 1)
  assert.deepEqual(told(reveal, 3), { a: 3, b: 3, c: 3 })
  assert.equal(reveal.next, Infinity)
})

test('a single neighbour, or none, is told at once', () => {
  const reveal = new Reveal(ID)
  reveal.keep(0, PEERS.slice(0, 1), near, 0)
  reveal.keep(1, [], near, 0)
  assert.deepEqual(told(reveal, 2), { a: 2, b: 2, c: 2 })
})

test('another segment begins with another neighbour', () => {
  const first = new Set()
  for (let n = 0; n < 40; n++) {
    const reveal = new Reveal(n.toString(16).padStart(40, '0'))
    reveal.keep(0, PEERS, near, 0)
    first.add(PEERS.find(peer => !reveal.hides(0, peer)))
  }
  assert.equal(first.size, 3)
})

test('a peer that came later waits with the others', () => {
  const reveal = new Reveal(ID)
  reveal.keep(0, PEERS.slice(0, 2), near, 0)
  assert.ok(reveal.hides(0, PEERS[2] ?? ''))
})
