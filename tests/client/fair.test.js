import assert from 'node:assert/strict'
import { test } from 'node:test'
import Protocol from 'bittorrent-protocol'
import { askFairly } from '../../client/fair.js'
import { Burden, since } from '../../client/mesh/burden.js'
import { BLOCK, Pace } from '../../client/pace.js'

/** A torrent of two pieces with real wires, whose webtorrent would ask anybody. */
function torrent (t, peers) {
  let now = 1000
  t.mock.method(performance, 'now', () => now)
  const near = { rtt: 2, sends: 0, pieces: [0, 1] }
  const known = new Map(Object.entries(peers).map(([name, facts]) => [name, { ...near, pace: new Pace(), ...facts }]))
  const wires = [...known].map(([name, { pieces }]) => {
    const wire = new Protocol()
    wire.peerId = name
    wire.peerChoking = false
    for (const piece of pieces) wire.peerPieces.set(piece)
    return wire
  })
  const it = { wires, _request: () => true }
  askFairly(it, {
    rtt: peer => known.get(peer).rtt, burden: peer => known.get(peer).sends, pace: peer => known.get(peer).pace
  })
  const wire = name => wires.find(({ peerId }) => peerId === name)
  return {
    wire,
    known,
    asks: (name, piece = 0) => it._request(wire(name), piece, false),
    wait: ms => { now += ms }
  }
}

test('of near peers who hold a piece the one that sent least is asked', t => {
  const { asks } = torrent(t, { much: { sends: 300e3 }, some: { sends: 200e3 }, least: { sends: 100e3 } })
  assert.deepEqual(['much', 'some', 'least'].map(name => asks(name)), [false, false, true])
})

test('about as much is as good', t => {
  const { asks } = torrent(t, { one: { sends: 104e3 }, other: { sends: 100e3 } })
  assert.equal(asks('one'), true)
})

test('who holds what the others lack is asked for that, however much it sends', t => {
  const { asks } = torrent(t, { much: { sends: 300e3 }, least: { sends: 0, pieces: [1] } })
  assert.deepEqual([asks('much', 0), asks('much', 1)], [true, false])
})

test('a peer that does not get on with it, queues, chokes, is far or gone is not waited for', t => {
  const swarm = { much: { sends: 300e3 }, least: {} }
  const hinders = {
    slow: ({ wire, wait }) => { wire('least').requests.push({ piece: 0, offset: 0, length: BLOCK, at: 1000 }); wait(200) },
    queueing: ({ known }) => { known.get('least').pace.window = 1 },
    choking: ({ wire }) => { wire('least').peerChoking = true },
    gone: ({ wire }) => { wire('least').destroy() },
    far: ({ known }) => { known.get('least').rtt = 60 },
    unmeasured: ({ known }) => { known.get('least').rtt = 0 }
  }
  for (const [why, hinder] of Object.entries(hinders)) {
    const it = torrent(t, swarm)
    assert.equal(it.asks('much'), false, `not ${why}`)
    hinder(it)
    assert.equal(it.asks('much'), true, why)
    t.mock.restoreAll()
  }
})

test('far peers are asked alike: their queues tell what they can send', t => {
  const { asks } = torrent(t, { much: { sends: 300e3, rtt: 80 }, least: { rtt: 80 } })
  assert.deepEqual([asks('much'), asks('least')], [true, true])
})

test('the burden is what is sent lately, and a newcomer is not taken for one who sends nothing', () => {
  const burden = new Burden(0)
  let total = 0
  assert.equal(burden.rate(total, 1000), 0)
  for (let s = 2; s <= 6; s++) burden.rate(total += 100e3, 1000 * s)
  const young = burden.rate(total, 6000)
  assert.ok(young > 60e3 && young < 110e3, `${young} after six seconds of 100 KB/s`)
  for (let s = 7; s <= 120; s++) burden.rate(total += 100e3, 1000 * s)
  const settled = burden.rate(total, 120_000)
  assert.ok(settled > 95e3 && settled < 105e3, `${settled} after two minutes`)
  assert.ok(burden.rate(total, 240_000) < 0.05 * settled, 'it fades')
})

test('what a peer has sent us since it spoke of its burden counts', () => {
  const burden = new Burden(0)
  burden.rate(0, 60_000)
  const before = burden.rate(3e6, 60_000)
  assert.ok(Math.abs(since(before, 1e6) - burden.rate(4e6, 60_000)) < 0.2 * before)
})
