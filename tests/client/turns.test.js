import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SETTLED, pullers, tier } from '../../client/elect.js'
import { Estimate } from '../../client/estimate.js'
import { Turns } from '../../client/turns.js'
import { Upload } from '../../client/upload.js'
import { DEFAULTS } from '../../client/scheduling.js'

const id = n => (n * 7919 + 1).toString(16).padStart(40, '0')
const segment = n => ({ id: id(n), bytes: 375_000, duration: 2 })
/** Peer ids from another end of the number line than segments'. */
const peer = n => (n * 104_729 + 3).toString(16).padStart(40, 'c')

/** A viewer of a swarm who knows `known` settled others. */
function viewer (me, others, known = 8) {
  const turns = new Turns(peer(me), -SETTLED, DEFAULTS)
  turns.others = others
  const followers = Array.from({ length: known }, (_, i) => ({ peer: peer(100_000 + 97 * me + i), age: SETTLED }))
  return { turns, wait: (n, now = 0) => turns.wait(segment(n), followers, known, now) }
}

/** How many of a swarm of strangers pull a segment at once. */
function pulledBy (viewers, need = 1, segments = 20) {
  let count = 0
  for (let i = 0; i < viewers; i++) {
    const { turns, wait } = viewer(i, viewers - 1)
    turns.need = need
    for (let n = 0; n < segments; n++) if (wait(n) === 0) count += 1
  }
  return count / segments
}

test('who knows all the others goes by rank alone', () => {
  const { wait } = viewer(1, 8)
  for (let n = 0; n < 50; n++) assert.equal(wait(n) % DEFAULTS.takeover, 0)
})

test('where all know all and segments come too late, several pull at once', () => {
  const { turns, wait } = viewer(1, 8)
  const before = Array.from({ length: 90 }, (_, n) => wait(n)).filter(ms => ms === 0).length
  for (let i = 0; i < 10; i++) turns.tooLate()
  const after = Array.from({ length: 90 }, (_, n) => wait(n)).filter(ms => ms === 0).length
  assert.ok(after > 2.5 * before && after < 60, `${before}, then ${after} of 90`)
})

test('in a large swarm the number of pullers follows its logarithm, not its size', () => {
  const [small, large] = [pulledBy(250), pulledBy(2000)]
  for (const [viewers, pulled] of [[250, small], [2000, large]]) {
    assert.ok(pulled > 0.6 * pullers(viewers) && pulled < 1.4 * pullers(viewers), `${viewers}: ${pulled}`)
  }
  assert.ok(large < 3 * small)
})

test('where segments come too late more pull, but never all', () => {
  const { turns } = viewer(1, 999)
  for (let i = 0; i < 100; i++) turns.tooLate()
  assert.equal(turns.need, DEFAULTS.needMax)
  const pulled = pulledBy(500, turns.need)
  assert.ok(pulled > 2 * pullers(500) && pulled < 6 * pullers(500), `${pulled}`)
  for (let i = 0; i < 100; i++) turns.inTime()
  assert.equal(turns.need, 1)
})

test('everybody has a turn in the end, the later the fewer were to come before', () => {
  for (let i = 0; i < 40; i++) {
    const { wait } = viewer(i, 9999)
    for (let n = 0; n < 20; n++) assert.ok(wait(n) >= 0 && wait(n) < 10_000)
  }
})

test('the wait for news adapts to how long news takes here', () => {
  const { turns, wait } = viewer(5, 9999)
  const n = Array.from({ length: 100 }, (_, i) => i).find(i => wait(i) > 0)
  const before = wait(n)
  for (let i = 0; i < 20; i++) turns.news.add(50)
  const quick = wait(n)
  for (let i = 0; i < 20; i++) turns.news.add(i % 2 ? 400 : 1600)
  assert.ok(quick < before && wait(n) > before)
})

test('a newcomer is none of the first in a large swarm', () => {
  for (let n = 0; n < 500; n++) assert.ok(tier(id(n), { peer: peer(1), age: 5000 }, 200, 8).tier > 0)
})

test('tiers are as many as lead from the pullers to one in each neighbourhood', () => {
  const tiers = Array.from({ length: 3000 }, (_, n) => tier(id(n), { peer: peer(1), age: SETTLED }, 10_000, 8))
  assert.equal(Math.max(...tiers.map(t => t.tier)), 4)
  assert.ok(tiers.every(t => t.last === (t.tier === 4)))
})

test('who was seen to upload much pulls more often, who uploads little more rarely, and who is unknown as others', () => {
  const rate = 187.5
  const upload = new Upload()
  assert.equal(upload.weight(rate, 0), 1)
  for (let t = 0; t < 20_000; t += 10) upload.sent(100, t) // 10 bytes/ms: 80 kbit/s
  assert.equal(new Upload().weight(rate, 20_000), 1)
  for (let t = 20_000; t < 100_000; t += 10) upload.sent(100, t)
  assert.equal(upload.weight(rate, 100_000), 1 / 4)
  for (let t = 100_000; t < 101_000; t += 10) upload.sent(20_000, t)
  assert.ok(upload.weight(rate, 101_000) > 3)
  assert.ok(upload.weight(rate, 180_000) < 1.6, 'one good second a while ago says less')
  assert.equal(upload.weight(rate, 400_000), 1, 'and long ago nothing')
})

test('an estimate settles on what is steady and keeps away from what strays', () => {
  const [steady, straying] = [new Estimate(600, 150), new Estimate(600, 150)]
  for (let i = 0; i < 30; i++) {
    steady.add(200)
    straying.add(i % 2 ? 50 : 350)
  }
  assert.ok(steady.high(4) < 205)
  assert.ok(straying.high(4) > 600)
})

test('what a viewer carries is what it was seen to send, once that is enough to go by', () => {
  const upload = new Upload()
  upload.sent(1000, 0)
  assert.equal(upload.carries(0.5, 0), false, 'too little to tell')
  for (let now = 0; now < 1000; now += 10) upload.sent(10_000, now)
  assert.equal(upload.carries(500, 1000), true)
  assert.equal(upload.carries(2000, 1000), false)
  assert.equal(upload.carries(500, 121_000), false, 'long ago says little')
})
