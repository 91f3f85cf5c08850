import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Pace } from '../../client/studio/pace.js'

const M = 1_000_000

/** A recorder, a line and a server, looked at each second as `recorder-link.js` does. */
class Sending {
  /** @param {{ wanted?: number, line: (second: number) => number, noise?: () => number, fill?: number }} how
   *   line: bits/s; fill: how much of what it may the recorder makes */
  constructor ({ wanted = 2.5 * M, line, noise = () => 1, fill = 1 }) {
    Object.assign(this, { line, noise, fill })
    this.pace = new Pace(wanted)
    this.second = 0
    this.held = this.made = this.taken = this.dropped = this.most = 0
    /** Whether a dropped recorder's successor waits for room. */
    this.waits = false
    /** @type {{ second: number, how: string, bits: number }[]} */
    this.decisions = []
    this.pace.reconnected(0)
  }

  run (seconds) {
    for (const end = this.second + seconds; this.second < end; this.second++) {
      const more = this.waits ? 0 : this.pace.bits * this.fill * this.noise() / 8
      this.held += more
      this.made += more
      const went = Math.min(this.held, this.line(this.second) / 8)
      this.held -= went
      this.taken += went
      const queued = Math.max(0, this.held - this.pace.ahead)
      this.most = Math.max(this.most, this.held)
      if (this.waits) {
        this.waits = this.held > this.pace.ahead / 4
        continue
      }
      const how = this.pace.look({ held: this.held, queued, made: this.made, taken: this.taken }, this.second * 1000)
      if (how === 'keep') continue
      if (how === 'drop') {
        this.dropped += queued
        this.held -= queued
        this.waits = true
      }
      this.decisions.push({ second: this.second, how, bits: this.pace.bits })
    }
    return this
  }

  get hows () { return this.decisions.map(({ how }) => how) }
}

/** Mulberry32: the same lines in every run. */
function dice (seed) {
  return () => {
    seed = (seed + 0x6D2B79F5) | 0
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

test('a line that carries it is left alone, bursts and all', () => {
  const roll = dice(1)
  const sending = new Sending({ line: () => 4 * M, noise: () => 0.5 + roll() }).run(1800)
  assert.deepEqual(sending.decisions, [])
})

test('a line too slow is found within seconds, and what it carries is what is recorded', () => {
  const sending = new Sending({ line: () => 1.2 * M }).run(20)
  assert.equal(sending.hows[0], 'lower')
  assert.ok(sending.decisions[0].second <= 8, 'it was noticed')
  assert.ok(sending.pace.bits < 1.2 * M && sending.pace.bits > 0.6 * M, `${sending.pace.bits}`)
  assert.equal(sending.dropped, 0)
})

test('a quiet picture on a slow line is seen to be late as soon as a busy one', () => {
  const sending = new Sending({ line: () => 0.3 * M, fill: 0.2 }).run(20)
  assert.equal(sending.hows[0], 'lower')
  assert.ok(sending.decisions[0].second <= 12, `${sending.decisions[0].second}`)
})

test('a recorder that makes far more than it was told is let be where the line carries it', () => {
  const sending = new Sending({ wanted: 0.7 * M, line: () => 20 * M, fill: 10 }).run(300)
  assert.deepEqual(sending.decisions, [])
})

test('a short hiccup that drains by itself changes nothing', () => {
  const sending = new Sending({ line: second => second >= 30 && second < 34 ? 0.2 * M : 8 * M }).run(120)
  assert.deepEqual(sending.decisions, [])
})

test('when the line is good again it goes back up, in steps', () => {
  const sending = new Sending({ line: second => second < 60 ? 0.8 * M : 10 * M }).run(600)
  assert.equal(sending.pace.bits, sending.pace.wanted)
  assert.ok(sending.hows.filter(how => how === 'raise').length > 1)
  assert.ok(!sending.pace.lowered)
})

test('a step up that did not hold is tried ever more seldom: a viewer sees each as a jolt', () => {
  const sending = new Sending({ line: () => 1.2 * M }).run(3600)
  const late = sending.decisions.filter(({ second }) => second > 1800)
  assert.ok(late.length <= 14, `${late.length} changes in half an hour`)
  assert.ok(sending.decisions.length > late.length, 'it was tried')
})

test('a line that stands still costs what was recorded, not memory', () => {
  const sending = new Sending({ line: second => second > 30 && second < 90 ? 0 : 5 * M }).run(150)
  assert.ok(sending.hows.includes('drop'))
  assert.ok(sending.dropped > 0)
  assert.ok(sending.most <= 2.5 * M / 8 * 16, `${sending.most}`)
  assert.equal(sending.waits, false, 'it goes on afterwards')
})

test('as low as it gets nothing is changed for its own sake', () => {
  const pace = new Pace(150_000)
  pace.reconnected(0)
  for (let second = 0; second < 60; second++) {
    const how = pace.look({ held: 100_000, queued: 80_000, made: second * 20_000, taken: second * 1000 }, second * 1000)
    assert.equal(how, 'keep')
  }
})

test('a new connection is not judged by the last one', () => {
  const pace = new Pace(M)
  pace.look({ held: 900_000, queued: 0, made: 5_900_000, taken: 5_000_000 }, 1000)
  pace.reconnected(2000)
  assert.equal(pace.backlog, 0)
  assert.equal(pace.look({ held: 900_000, queued: 0, made: 901_000, taken: 1000 }, 3000), 'keep', 'it has not settled')
})

test('whatever the line does, memory is bounded, the rate stays in its range and a fit one is kept', () => {
  for (let seed = 1; seed <= 300; seed++) {
    const roll = dice(seed)
    const wanted = (0.3 + roll() * 5) * M
    // Steps of some seconds to minutes, from nothing to plenty; then two minutes of plenty.
    const step = () => Array(3 + Math.floor(roll() * 60)).fill(roll() < 0.2 ? 0 : roll() * 6 * M)
    const plan = Array.from({ length: 12 }, step).flat()
    const sending = new Sending({ wanted, line: second => plan[second] ?? 20 * M, noise: () => 0.7 + roll() * 0.6 })
    for (let n = 0; n < plan.length; n++) {
      sending.run(1)
      const { pace } = sending
      assert.ok(pace.bits <= wanted && pace.bits >= Math.min(wanted, 150_000), `seed ${seed}`)
      // What may be queued, what the socket and one second of the recorder's hold; at the highest rate.
      assert.ok(sending.held <= Math.max(256 << 10, wanted / 8 * 10) + 9 * wanted / 8, `seed ${seed}: ${sending.held}`)
    }
    sending.run(60)
    assert.ok(sending.pace.backlog < 1, `seed ${seed}: it is calm on a good line`)
    assert.equal(sending.waits, false, `seed ${seed}`)
    sending.run(3600)
    assert.equal(sending.pace.bits, wanted, `seed ${seed}: back at what was chosen`)
  }
})
