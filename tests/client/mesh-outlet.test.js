import assert from 'node:assert/strict'
import { mock, test } from 'node:test'
import { Cap } from '../../client/mesh/cap.js'
import { Outlet } from '../../client/mesh/outlet.js'

const MESSAGE = 16384

/** A page that may upload so much, and its clock. @param {number} perSecond */
function page (t, perSecond) {
  mock.timers.enable({ apis: ['setTimeout'] })
  t.after(() => mock.timers.reset())
  const clock = { now: 1000 }
  /** What the line was seen to carry. @type {{ bytes: number, ms: number }[]} */
  const runs = []
  const outlet = new Outlet(new Cap(perSecond), (bytes, ms) => runs.push({ bytes, ms }), () => clock.now)
  /** Let time pass. @param {number} ms */
  const pass = ms => {
    for (let i = 0; i < ms; i += 10) {
      clock.now += 10
      mock.timers.tick(10)
    }
  }
  return { outlet, pass, runs, clock }
}

/** A link whose peer asks for all it can get. */
class Taker {
  constructor (outlet, peer, gave = 0) {
    Object.assign(this, { outlet, peer, gave, got: 0, unsent: 0 })
  }

  pump () { while (this.outlet.may(this, MESSAGE)) this.got += MESSAGE }
}

test('however many ask, no more goes out than the cap', t => {
  const { outlet, pass } = page(t, 200_000)
  const takers = ['a', 'b', 'c'].map(peer => new Taker(outlet, peer))
  for (const taker of takers) taker.pump()
  pass(10_000)
  const sent = takers.reduce((sum, { got }) => sum + got, 0)
  assert.ok(sent <= 200_000 * 10.5 + 65536 + MESSAGE, `${sent} bytes in ten seconds`)
  assert.ok(sent >= 200_000 * 9, `${sent} bytes in ten seconds: the line is used`)
})

test('when it is short, who gives gets more, and who has nothing to give is not starved', t => {
  const { outlet, pass } = page(t, 200_000)
  const giver = new Taker(outlet, 'giver', 10_000_000)
  const newcomer = new Taker(outlet, 'newcomer')
  for (const taker of [newcomer, giver]) taker.pump()
  pass(20_000)
  assert.ok(giver.got > 1.5 * newcomer.got, `${giver.got} and ${newcomer.got}`)
  assert.ok(newcomer.got > 0.15 * giver.got, `${newcomer.got} of ${giver.got}`)
})

test('with room for everybody nobody waits', t => {
  const { outlet } = page(t, 10_000_000)
  const first = new Taker(outlet, 'a')
  assert.equal(outlet.may(first, MESSAGE), true)
  assert.equal(outlet.may(new Taker(outlet, 'b'), MESSAGE), true)
  assert.equal(outlet.waiting.size, 0)
})

test('requests of ours pass while blocks wait', t => {
  const { outlet } = page(t, 100_000)
  const taker = new Taker(outlet, 'a')
  taker.pump()
  assert.equal(outlet.may(taker, MESSAGE), false)
  assert.equal(outlet.may(new Taker(outlet, 'b'), 200), true)
})

test('a link that went down is not served, and the others are', t => {
  const { outlet, pass } = page(t, 100_000)
  const takers = ['a', 'b'].map(peer => new Taker(outlet, peer))
  for (const taker of takers) taker.pump()
  const [gone, there] = takers
  outlet.leave(gone)
  const before = [gone.got, there.got]
  pass(3000)
  assert.equal(gone.got, before[0])
  assert.ok(there.got > before[1])
})

/** A link on a line of 100 bytes/ms that has something to send all the time. */
function busy ({ outlet, clock }, taker, ms) {
  for (const end = clock.now + ms; clock.now < end; clock.now += 10) {
    taker.unsent = Math.max(0, taker.unsent - 1000)
    if (taker.unsent < 32_000 && outlet.may(taker, MESSAGE)) taker.unsent += MESSAGE
  }
}

test('while something waits in a channel, what leaves is what the line carries', t => {
  const here = page(t, 10_000_000)
  busy(here, new Taker(here.outlet, 'a'), 3000)
  assert.ok(here.runs.length >= 4)
  for (const { bytes, ms } of here.runs) assert.ok(bytes / ms > 80 && bytes / ms < 120, `${bytes} in ${ms} ms`)
})

test('a line that takes everything at once, or a link that is gone with what waited, measures nothing', t => {
  const here = page(t, 10_000_000)
  const taker = new Taker(here.outlet, 'a')
  for (let i = 0; i < 300; i++, here.clock.now += 10) here.outlet.may(taker, MESSAGE)
  taker.unsent = 1e6
  here.outlet.may(taker, MESSAGE)
  here.clock.now += 50
  taker.unsent = NaN
  here.outlet.may(new Taker(here.outlet, 'b'), MESSAGE)
  assert.deepEqual(here.runs, [])
})
