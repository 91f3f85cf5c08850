import assert from 'node:assert/strict'
import { test } from 'node:test'
import Protocol from 'bittorrent-protocol'
import { cancel, coming, keepPace, takeOverLate } from '../../client/asking.js'
import { BLOCK, Pace } from '../../client/pace.js'

const RTT = 50

/** A real wire to a peer that answers nothing. */
function silent (name) {
  const wire = new Protocol()
  wire.peerId = name
  wire.peerChoking = false
  const failed = []
  keepPace(wire, new Pace(), () => RTT)
  const ask = (piece, block) => wire.request(piece, block * BLOCK, BLOCK, error => error && failed.push([piece, block]))
  return { wire, failed, ask }
}

/** webtorrent's count for one second. */
const pipeline = wire => 2 + Math.ceil(wire.downloadSpeed() / BLOCK)

test('a wire has as many requests as its peer is good for, and those of another segment count', () => {
  const pace = new Pace()
  const [one, other] = [new Protocol(), new Protocol()]
  for (const wire of [one, other]) {
    wire.peerId = 'p'
    wire.peerChoking = false
    keepPace(wire, pace, () => RTT)
  }
  const all = pipeline(one)
  assert.ok(all >= 3)
  one.request(0, 0, BLOCK, () => {})
  one.request(0, BLOCK, BLOCK, () => {})
  assert.equal(pipeline(one), all)
  assert.equal(pipeline(other), all - 2)
  for (let i = 2; i < all; i++) one.request(0, i * BLOCK, BLOCK, () => {})
  assert.equal(pipeline(other), 0, 'nothing more is asked there')
  assert.equal(pipeline(one), all)
})

test('only what is overdue is asked of another peer, and it is taken back', t => {
  let now = 1000
  t.mock.method(performance, 'now', () => now)
  const [slow, fast] = [silent('slow'), silent('fast')]
  const torrent = { wires: [slow.wire, fast.wire], pieces: [{ missing: 2 * BLOCK }] }
  takeOverLate(torrent, () => RTT)
  slow.ask(0, 0)
  slow.ask(0, 1)
  assert.equal(torrent._hotswap(fast.wire, 0), false)
  assert.equal(coming(torrent, 0, () => RTT), true)
  now += 1000
  assert.equal(coming(torrent, 0, () => RTT), false, 'it was asked for too long ago')
  assert.equal(torrent._hotswap(slow.wire, 0), false, 'from itself nothing is taken over')
  assert.equal(torrent._hotswap(fast.wire, 0), true)
  assert.deepEqual(slow.failed, [[0, 0]])
  assert.equal(slow.wire.requests.length, 1)
})

test('a piece is coming when all that is missing of it was asked for, of whomever', () => {
  const [one, other] = [silent('a'), silent('b')]
  const torrent = { wires: [one.wire, other.wire], pieces: [{ missing: 2 * BLOCK }, null] }
  one.ask(0, 0)
  assert.equal(coming(torrent, 0, () => RTT), false)
  other.ask(0, 3)
  assert.equal(coming(torrent, 0, () => RTT), true)
  assert.equal(coming(torrent, 1, () => RTT), false, 'what is here does not come')
})

test('what is left to the origin is taken back from every peer, the rest stays asked for', () => {
  const [one, other] = [silent('a'), silent('b')]
  const torrent = { wires: [one.wire, other.wire], pieces: [] }
  one.ask(0, 0)
  one.ask(2, 0)
  other.ask(1, 0)
  cancel(torrent, 0, 1)
  assert.deepEqual([one.failed, other.failed], [[[0, 0]], [[1, 0]]])
  assert.deepEqual(one.wire.requests.map(({ piece }) => piece), [2])
})
