import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BLOCK, Pace, overdue } from '../../client/pace.js'

/** A peer's uplink: `rate` bytes/ms, in `queue` ms of which it begins with what it is asked; `rtt` ms away. */
class Peer {
  constructor ({ rate, rtt, queue = 0 }) {
    Object.assign(this, { rate, rtt, queue })
    this.pace = new Pace()
    this.now = 0
    this.sentAt = 0
    /** @type {{ askedAt: number, at: number }[]} under way */
    this.under = []
    this.most = 0
  }

  /** Ask for as much as may be asked until so many blocks are here. */
  exchange (blocks) {
    const { pace, rtt } = this
    for (let got = 0; got < blocks;) {
      while (pace.open < pace.depth(rtt, this.now) && got + this.under.length < blocks) {
        pace.asked(this.now)
        this.sentAt = Math.max(this.sentAt, this.now + rtt / 2 + this.queue) + BLOCK / this.rate
        this.under.push({ askedAt: this.now, at: this.sentAt + rtt / 2 })
      }
      this.most = Math.max(this.most, pace.open)
      const next = this.under.shift()
      if (!next) { this.now += 50; continue } // not now: it is asked again later
      this.now = next.at
      pace.got(BLOCK, this.now, next.askedAt, rtt)
      got += 1
    }
    return this
  }

  /** Nothing happens for so long, ms. */
  rest (ms) { this.now += ms; return this }

  get depth () { return this.pace.depth(this.rtt, this.now) }
}

test('a far and fast peer gets as many requests as fill its line', () => {
  const { pace } = new Peer({ rate: 2500, rtt: 100 }).exchange(400)
  assert.ok(pace.rate > 2000, `${pace.rate} bytes/ms of 2500`)
  assert.ok(pace.depth(100, 1e6) * BLOCK >= 2500 * 100, 'a round trip of the line is in flight')
})

test('a slow peer gets few: what it cannot send soon is left to others', () => {
  const { depth } = new Peer({ rate: 60, rtt: 100 }).exchange(100)
  assert.ok(depth <= 1, `${depth} blocks`)
})

test('a near peer gets few at a time, so that its load is shared, and an idle one no fewer than three', () => {
  assert.ok(new Pace().depth(2, 0) <= 4)
  const { depth } = new Peer({ rate: 5000, rtt: 2 }).exchange(100)
  assert.ok(depth >= 3 && depth <= 6, `${depth} blocks`)
})

test('a peer whose uplink serves others is asked less and less, in the end a block now and then', () => {
  const peer = new Peer({ rate: 2500, rtt: 50, queue: 1000 }).exchange(30)
  peer.most = 0
  const from = peer.now
  peer.exchange(10)
  assert.equal(peer.most, 1)
  assert.ok(peer.now - from > 10 * 1000, 'there are pauses between blocks')
})

test('a peer that is free again gets its requests back within a few blocks', () => {
  const peer = new Peer({ rate: 2500, rtt: 50, queue: 1000 }).exchange(30)
  peer.queue = 0
  assert.ok(peer.rest(3000).exchange(8).depth >= 3, `${peer.depth} blocks`)
})

test('one late round is one reason to ask for less, not as many as it had blocks', () => {
  const pace = new Pace()
  for (let i = 0; i < 4; i++) pace.asked(0)
  for (let i = 0; i < 4; i++) pace.got(BLOCK, 500, 0, 50)
  assert.ok(pace.depth(50, 501) >= 2)
})

test('a peer that was misjudged is found out upwards, too', () => {
  const peer = new Peer({ rate: 100, rtt: 100 }).exchange(100)
  const low = peer.pace.rate
  peer.rate = 2500
  peer.exchange(600)
  assert.ok(peer.pace.rate > 5 * low, `${low} → ${peer.pace.rate}`)
})

test('blocks that never came are not waited for, and those that nobody asked for do not count', () => {
  const pace = new Pace()
  pace.asked(0)
  pace.asked(0)
  for (let i = 0; i < 3; i++) pace.lost(1, 0, 10)
  assert.equal(pace.open, 0)
  const before = pace.rate
  for (let i = 0; i < 100; i++) pace.got(BLOCK, i, 0, 10)
  assert.equal(pace.rate, before)
})

test('a block given up after long says that the peer is slow, one given up at once says nothing', () => {
  const [late, soon] = [new Pace(), new Pace()]
  for (const pace of [late, soon]) pace.asked(0)
  late.lost(2000, 0, 50)
  soon.lost(100, 0, 50)
  assert.ok(late.depth(50, 2000) < soon.depth(50, 2000))
})

test('a block is overdue beyond twice the queue a peer is asked to have', () => {
  assert.equal(overdue(0, 50, 440), false)
  assert.equal(overdue(0, 50, 460), true)
  assert.equal(overdue(0, 0, 440), false, 'where the round trip is not known one is assumed')
})

test('however blocks come and go, between none and 32 are asked for, and some sooner or later', () => {
  let seed = 7
  const dice = () => (seed = seed * 48271 % 2147483647) / 2147483647
  for (let run = 0; run < 50; run++) {
    const pace = new Pace()
    const rtt = 200 * dice()
    let now = 0
    for (let i = 0; i < 300; i++) {
      const askedAt = now
      pace.asked(now)
      now += 3000 * dice() ** 4
      if (dice() < 0.8) pace.got(BLOCK, now, askedAt, rtt)
      else pace.lost(now, askedAt, rtt)
      const depth = pace.depth(rtt, now)
      assert.ok(Number.isInteger(depth) && depth >= 0 && depth <= 32, `${depth}`)
      assert.ok(pace.depth(rtt, now + 5000) >= 1, 'after five seconds it may be asked again')
    }
  }
})
