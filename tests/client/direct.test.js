import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Direct } from '../../client/direct.js'

/** @type {any} */
const NOTHING = Object.freeze({ bytesFromPeers: 0, bytesFromOrigin: 0, bytesFromSeed: 0, offload: 0, segments: [] })

test('nothing went past the engine: its snapshot is the truth', () => {
  assert.equal(new Direct().addTo(NOTHING), NOTHING)
})

test('bytes and segments that went past it are counted as from the origin', () => {
  const direct = new Direct()
  direct.fetched('u1', 100)
  direct.loaded('u1', 7, 12, 2)
  const segments = [{ msn: 6, at: 1 }, { msn: 8, at: 3 }]
  const snapshot = direct.addTo({ ...NOTHING, bytesFromPeers: 300, offload: 1, segments })
  assert.equal(snapshot.bytesFromOrigin, 100)
  assert.equal(snapshot.offload, 0.75)
  assert.deepEqual(snapshot.segments.map(({ msn }) => msn), [6, 7, 8])
  assert.deepEqual(snapshot.segments[1], { msn: 7, source: 'origin', ms: 12, bytes: 100, fromPeers: 0, at: 2 })
})

test('a segment the engine gave is not counted again', () => {
  const direct = new Direct()
  direct.loaded('u1', 7, 12, 2)
  assert.equal(direct.addTo(NOTHING), NOTHING)
})

test('the read-out stays short', () => {
  const direct = new Direct()
  for (let i = 0; i < 500; i++) {
    direct.fetched(`never ${i}`, 1)
    direct.fetched(`u${i}`, 1)
    direct.loaded(`u${i}`, i, 1, i)
  }
  const { segments, bytesFromOrigin } = direct.addTo(NOTHING)
  assert.equal(segments.length, 64)
  assert.equal(segments.at(-1)?.msn, 499)
  assert.equal(bytesFromOrigin, 1000)
})
