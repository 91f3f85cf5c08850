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

/** Settled others. @param {number} from @param {number} count @param {(n: number) => number} [line] bytes/s */
function strangers (from, count, line = () => 0) {
  return Array.from({ length: count }, (_, i) => ({ peer: peer(from + i), age: SETTLED, line: line(i), mean: 0 }))
}

/** A viewer of a swarm who knows `known` settled others. */
function viewer (me, others, known = 8) {
  const turns = new Turns(peer(me), -SETTLED, DEFAULTS)
  turns.others = others
  const followers = strangers(100_000 + 97 * me, known)
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

/** How often each of these lines (bytes/s) is the first among all, who know one another. */
function firsts (lines, need = 1, segments = 600) {
  return lines.map((line, i) => {
    const turns = new Turns(peer(i), -SETTLED, DEFAULTS)
    turns.others = lines.length - 1
    turns.need = need
    if (line > 0) turns.upload.drained(line, 1000)
    const all = lines.map((line, n) => ({ peer: peer(n), age: SETTLED, line, mean: 0 }))
    const followers = all.filter((_, n) => n !== i)
    const waits = Array.from({ length: segments }, (_, n) => turns.wait(segment(n), followers, lines.length - 1, 0))
    return waits.filter(ms => ms === 0).length / segments
  })
}

test('who carries more pulls far more often, and of each segment one is the first', () => {
  const shares = firsts([2 ** 20, 2 ** 18, 2 ** 18, 2 ** 14])
  assert.ok(Math.abs(shares.reduce((sum, share) => sum + share) - 1) < 1e-9, `${shares}`)
  assert.ok(shares[0] > 0.85 && shares[3] === 0, `${shares}`)
})

test('where segments come too late the strong pull more, not the weak', () => {
  const lines = [2 ** 19, 2 ** 19, 2 ** 15, 2 ** 15]
  const shares = firsts(lines, DEFAULTS.needMax)
  assert.deepEqual(shares.slice(0, 2), [1, 1])
  assert.ok(shares[2] < 0.1 && shares[3] < 0.1, `${shares}`)
})

test('those whose lines nobody knows, or that are all ample for the stream, share the pulling evenly', () => {
  for (const lines of [[0, 0, 0, 0], [2 ** 21, 2 ** 24, 2 ** 30, 2 ** 30]]) {
    for (const share of firsts(lines)) assert.ok(share > 0.18 && share < 0.32, `${share}`)
  }
})

test('in a large swarm, too, the strong pull, and no more in all', () => {
  let [strong, weak] = [0, 0]
  for (let i = 0; i < 300; i++) {
    const turns = new Turns(peer(i), -SETTLED, DEFAULTS)
    turns.others = 299
    const line = (/** @type {number} */ n) => n % 5 === 0 ? 2 ** 20 : 2 ** 17
    turns.upload.drained(line(i), 1000)
    const followers = strangers(1000 + 9 * i, 9, k => line(7 * i + k))
    for (let n = 0; n < 20; n++) {
      if (turns.wait(segment(n), followers, 9, 0) > 0) continue
      if (i % 5 === 0) strong += 1 / 20
      else weak += 1 / 20
    }
  }
  assert.ok(strong > 20 * weak, `${strong} and ${weak}`)
  assert.ok(strong + weak > 0.6 * pullers(300) && strong + weak < 1.4 * pullers(300), `${strong + weak}`)
})

test('where those around have strong lines one pulls more rarely, where they have weak ones more often', () => {
  const pulls = (/** @type {number} */ mean) => {
    let count = 0
    for (let i = 0; i < 300; i++) {
      const turns = new Turns(peer(i), -SETTLED, DEFAULTS)
      turns.others = 299
      turns.upload.drained(2 ** 18, 1000)
      const followers = strangers(1000 + 9 * i, 9, () => 2 ** 18).map(other => ({ ...other, mean }))
      for (let n = 0; n < 20; n++) if (turns.wait(segment(n), followers, 9, 0) === 0) count += 1
    }
    return count / 20
  }
  const [strong, alike, weak] = [30_000, 0, 700].map(pulls)
  assert.ok(strong < 0.3 * alike && weak > 2 * alike, `${strong} < ${alike} < ${weak}`)
})

test('what viewers tell one another of the lines around them settles near the mean of all', () => {
  const crowd = Array.from({ length: 60 }, (_, i) => {
    const turns = new Turns(peer(i), -SETTLED, DEFAULTS)
    turns.others = 59
    turns.upload.drained(i % 10 === 0 ? 2 ** 20 : 2 ** 17, 1000)
    return turns
  })
  for (let round = 0; round < 30; round++) {
    for (const [i, turns] of crowd.entries()) {
      const known = [1, 2, 3, 5, 8, 13, 21, 34].map(step => (i + step) % 60)
      const followers = known.map(n => ({
        peer: peer(n), age: SETTLED, line: crowd[n]?.upload.line ?? 0, mean: crowd[n]?.mean ?? 0
      }))
      turns.wait(segment(round), followers, 8, 0)
    }
  }
  const weight = (/** @type {number} */ line) => (line / 187_500) ** 3
  const mean = 1000 * (0.1 * weight(2 ** 20) + 0.9 * weight(2 ** 17))
  const told = crowd.filter((_, i) => i % 10 !== 0).map(turns => turns.mean)
  for (const value of told) assert.ok(value > 0.4 * mean && value < 1.6 * mean, `${value} of ${mean}`)
})

test('who has segments too late has the strong around it pull more', () => {
  const [late, other] = [1, 2].map(n => viewer(n, 299).turns)
  for (let i = 0; i < 10; i++) late.tooLate()
  for (const turns of [late, other]) turns.wait(segment(0), strangers(5000, 8), 8, 0)
  assert.ok(late.mean < 0.8 * other.mean, `${late.mean}, ${other.mean}`)
})

test('a line is what leaves while more waits: soon believed when faster, slowly when slower, and said in powers of two', () => {
  const upload = new Upload()
  assert.equal(upload.line, 0, 'nothing is known')
  upload.drained(150_000, 500)
  assert.equal(upload.line, 2 ** 18)
  upload.drained(20_000, 500) // one connection, to somebody far
  assert.equal(upload.line, 2 ** 18)
  for (let i = 0; i < 4; i++) upload.drained(600_000, 500)
  assert.equal(upload.line, 2 ** 20)
  for (let i = 0; i < 40; i++) upload.drained(20_000, 500)
  assert.ok(upload.line <= 2 ** 16)
})

test('who sent a lot and never had anything wait carries whatever is asked', () => {
  const upload = new Upload()
  for (let i = 0; i < 10; i++) upload.sent(100_000)
  assert.ok(upload.line > 1e9)
  upload.drained(150_000, 500)
  assert.equal(upload.line, 2 ** 18)
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
