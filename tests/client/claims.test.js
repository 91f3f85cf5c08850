import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Claims } from '../../client/claims.js'
import { Allowance } from '../../client/mesh/allowance.js'
import { Library } from '../../client/library.js'
import { PieceSet } from '../../client/pieces.js'

const all = new PieceSet(4, true)

test('a peer that takes its promises back and makes them again is judged by the first', () => {
  const peer = new Claims(0)
  for (const [i, id] of ['a', 'b', 'c'].entries()) {
    for (let t = 0; t < 2000; t += 200) {
      peer.say(id, { pieces: all }, 10_000 * i + t)
      peer.lose(id)
    }
    peer.reliedInVain(id, 1500, 10_000 * i + 2000)
  }
  assert.equal(peer.counts(22_001), false)
})

test('one broken promise counts once, and a young one not at all', () => {
  const peer = new Claims(0)
  peer.say('a', { pieces: all }, 0)
  for (let i = 0; i < 5; i++) peer.reliedInVain('a', 1500, 2000)
  for (const id of ['b', 'c', 'd']) {
    peer.say(id, { pulls: true }, 2000)
    peer.reliedInVain(id, 1500, 2500)
  }
  assert.equal(peer.counts(2500), true)
})

test('an allowance lets bursts pass and floods not', () => {
  const messages = new Allowance(10, 2)
  const taken = Array.from({ length: 15 }, () => messages.take(1, 1000)).filter(Boolean).length
  assert.equal(taken, 10)
  assert.equal(messages.take(1, 1400), false)
  assert.equal(messages.take(1, 1500), true)
})

test('a player that changes the query of its playlist at each load does not fill the library', () => {
  const library = new Library()
  for (let i = 0; i < 500; i++) {
    const infohash = i.toString(16).padStart(40, '0')
    const segment = { url: `http://o/${i}.ts`, msn: i, duration: 2, infohash, info: '', magnet: '' }
    const segments = [segment]
    const playlist = { multivariant: false, live: true, targetDuration: 2, swarm: null, segments, skipped: 0 }
    library.learn(`http://o/index.m3u8?t=${i}`, playlist, i)
  }
  assert.ok(library.groups.size <= 16)
  assert.ok(library.byId.size <= 100)
})

test('a live playlist the player no longer loads is left, also when hints go on loading it', () => {
  const library = new Library()
  const playlist = { multivariant: false, live: true, targetDuration: 2, swarm: null, segments: [], skipped: 0 }
  library.learn('http://o/hi.m3u8', playlist, 0)
  library.learn('http://o/lo.m3u8', playlist, 60_000)
  const segment = { url: 'http://o/1.ts', msn: 1, duration: 2, infohash: 'a'.repeat(40), info: '', magnet: '' }
  assert.deepEqual(library.learn('http://o/hi.m3u8', { ...playlist, segments: [segment] }, 60_000, false), [])
  assert.deepEqual(library.left(60_000).map(group => group.url), ['http://o/hi.m3u8'])
})
