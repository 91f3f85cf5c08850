import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OriginFetches } from '../../client/fetches.js'
import { Holding } from '../../client/holding.js'
import { sha1 } from '../../client/metainfo.js'

const PIECE = 16384
const bytes = new Uint8Array(2 * PIECE).map((_, i) => i % 251)

async function holding () {
  const hashes = await Promise.all([0, 1].map(i => sha1(bytes.slice(i * PIECE, (i + 1) * PIECE))))
  return new Holding({ infohash: 'a'.repeat(40), info: new Uint8Array(0), length: bytes.length, pieceLength: PIECE, hashes })
}

/** An origin that is asked in place of the network. */
function origin (t, answer) {
  t.mock.method(globalThis, 'fetch', answer)
  const told = { pieces: [], quiet: 0, silent: false }
  const fetches = new OriginFetches({
    onBytes: () => {},
    onPiece: (id, index) => { told.pieces.push(index) },
    onQuiet: (id, silent) => { told.quiet += 1; told.silent = silent }
  })
  return { fetches, told }
}

const segment = { id: 'a'.repeat(40), url: 'http://origin.example/1.m4s' }

test('what the origin sends right is taken, and what it sends wrong is not', async t => {
  const sent = bytes.slice()
  sent[PIECE + 7] ^= 1
  const { fetches, told } = origin(t, async () => new Response(sent))
  const held = await holding()
  const outcome = await fetches.fetch(segment, held, [[0, 1]])
  assert.deepEqual(told.pieces, [0])
  assert.equal(outcome.ok, false)
  assert.equal(held.distrusted, true)
  assert.equal(fetches.has(segment.id), false)
})

test('a segment the origin refuses or does not have is a failure like another: peers and the seed may have it', async t => {
  for (const status of [403, 404, 410, 503]) {
    const { fetches } = origin(t, async () => new Response('', { status }))
    const outcome = await fetches.fetch(segment, await holding(), [[0, 1]])
    assert.deepEqual(outcome, { ok: false, trouble: `the origin answered ${status}`, bytes: 0, firstByte: 0, ms: 0 })
    t.mock.restoreAll()
  }
})

test('a range of a resource is asked for as what it is there, piece by piece where some are missing', async t => {
  const asked = []
  const { fetches, told } = origin(t, async (_, { headers: { Range } }) => {
    asked.push(Range)
    const [first, last] = /bytes=(\d+)-(\d+)/.exec(Range).slice(1).map(Number)
    const headers = { 'content-range': `bytes ${first}-${last}/99999` }
    return new Response(bytes.slice(first - 1000, last - 999), { status: 206, headers })
  })
  const ranged = { ...segment, range: [1000, 1000 + 2 * PIECE] }
  assert.equal((await fetches.fetch(ranged, await holding(), [[0, 1]])).ok, true)
  assert.equal((await fetches.fetch(ranged, await holding(), [[1, 1]])).ok, true)
  assert.deepEqual(asked, ['bytes=1000-33767', 'bytes=17384-33767'])
  assert.deepEqual([told.pieces.slice(0, 2).sort(), told.pieces.slice(2)], [[0, 1], [1]], 'in the order in which they are verified')
})

test('an origin that sends the whole resource in place of a range is not listened to', async t => {
  const { fetches, told } = origin(t, async () => new Response(bytes))
  const outcome = await fetches.fetch({ ...segment, range: [0, 2 * PIECE] }, await holding(), [[0, 1]])
  assert.equal(outcome.ok, false)
  assert.deepEqual(told.pieces, [])
})

test('an origin that hangs is noticed long before it is given up, so that peers may be asked', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const { fetches, told } = origin(t, (_, { signal }) => new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason))
  }))
  const fetching = fetches.fetch(segment, await holding(), [[0, 1]])
  t.mock.timers.tick(2000)
  assert.equal(told.quiet, 1)
  assert.equal(told.silent, true)
  assert.equal(fetches.has(segment.id), true)
  fetches.abort(segment.id)
  assert.equal((await fetching).ok, false)
})

test('a fetch that ends because peers gave the rest is no failure', async t => {
  const { fetches } = origin(t, (_, { signal }) => new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason))
  }))
  const held = await holding()
  const fetching = fetches.fetch(segment, held, [[0, 1]])
  for (const i of [0, 1]) held.put(i, bytes.slice(i * PIECE, (i + 1) * PIECE), 'peers')
  fetches.abort(segment.id)
  const { ok, trouble } = await fetching
  assert.deepEqual({ ok, trouble }, { ok: true, trouble: '' })
})
