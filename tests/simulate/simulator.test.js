import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Clock } from '../../bench/simulate/clock.js'
import { Dice } from '../../bench/simulate/dice.js'
import { EventHeap } from '../../bench/simulate/heap.js'
import { Downlink, Uplink, associationRate } from '../../bench/simulate/lines.js'
import { observe } from '../../bench/simulate/observe.js'
import { MEASURED } from '../../bench/simulate/scenarios.js'
import { TOLERANCE } from '../../bench/simulate/goals.js'

test('events come out by time, and those of one moment as they went in', () => {
  const heap = new EventHeap()
  const dice = new Dice(7)
  const events = Array.from({ length: 2000 }, (_, order) => ({ at: dice.below(50), order, run: null, argument: null }))
  for (const event of events) heap.push(event)
  const out = events.map(() => heap.pop())
  assert.deepEqual(out, [...events].sort((a, b) => a.at - b.at || a.order - b.order))
  assert.equal(heap.pop(), undefined)
})

test('while a simulation runs its time is the only one, and afterwards the old one is back', () => {
  const clock = new Clock()
  const real = performance
  const seen = []
  clock.after(10, () => {
    const interval = setInterval(() => seen.push(performance.now()), 100)
    setTimeout(() => clearInterval(interval), 350)
  }, undefined)
  clock.run(1000)
  assert.deepEqual(seen, [110, 210, 310])
  assert.equal(performance, real)
})

test('an uplink serves its peers in turn, and no association beyond its own ceiling', () => {
  const clock = new Clock()
  const uplink = new Uplink(clock, 100)
  const done = []
  const ask = (link, ceiling, name) => uplink.ask(link, ceiling, {
    bytes: 10_000, wanted: () => name !== 'cancelled', sent: at => done.push([name, Math.round(at)])
  })
  const [a, b] = [{}, {}]
  ask(a, 50, 'a1')
  ask(a, 50, 'a2')
  ask(b, 1000, 'cancelled')
  ask(b, 1000, 'b1')
  clock.run(10_000)
  assert.deepEqual(done, [['a1', 212], ['b1', 212], ['a2', 424]])
})

test('a request taken back in time is not served, one that was handed over is', () => {
  const clock = new Clock()
  const uplink = new Uplink(clock, 100)
  const link = {}
  const done = []
  const blocks = Array.from({ length: 8 }, (_, i) => ({ bytes: 10_000, wanted: () => true, sent: () => done.push(i) }))
  for (const block of blocks) uplink.ask(link, 1000, block)
  clock.run(1)
  for (const i of [2, 6]) uplink.takeBack(link, blocks[i])
  clock.run(10_000)
  assert.deepEqual(done, [0, 1, 2, 3, 4, 5, 7])
})

test('a downlink takes what comes at once one after the other', () => {
  const downlink = new Downlink(106)
  assert.equal(downlink.take(1000, 500), 500)
  assert.equal(downlink.take(1000, 500), 510)
})

test('loss costs an association what the real one was seen to lose', () => {
  const rate = associationRate(100, 0.005) // 0.35 MB/s is what docs/design.md has for some RTT
  assert.ok(rate > 100 && rate < 400, `${rate} bytes/ms`)
})

test('the same seed tells the same story', () => {
  const scenario = { name: '', viewers: 12, mbps: [1.5], seconds: 20, stay: 30, ramp: 5, settle: 5 }
  const [one, again, other] = [3, 3, 4].map(seed => ({ ...observe({ ...scenario, seed }), effort: null }))
  assert.deepEqual(one, again)
  assert.notDeepEqual(one, other)
})

test('the simulator tells what real browsers did, within five points of offload', () => {
  for (const { scenario, measured: [low, high] } of MEASURED) {
    const { offload } = observe(scenario)
    assert.ok(offload > low - TOLERANCE && offload < high + TOLERANCE, `${scenario.name}: ${offload}`)
  }
})

test('without peers everything comes from the origin and nobody stalls', () => {
  const alone = observe({ name: '', viewers: 5, mbps: [1.5], seconds: 20, ramp: 5, settle: 5, peers: false })
  assert.equal(alone.stalled, 0)
  assert.ok(Math.abs(alone.offload) < 0.11, `${alone.offload}`) // what was delivered and fetched differ by a segment at the ends
})
