import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SETTLED, rank } from '../../client/elect.js'
import { PieceSet } from '../../client/pieces.js'
import { DEFAULTS, Scheduler, missingRuns } from '../../client/scheduler.js'

const A = 'a'.repeat(40)
const B = 'b'.repeat(40)
const C = 'c'.repeat(40)

/** A viewer and the facts of its life, told in order; `step` returns what it decided. */
class Story {
  constructor (me = A, bornAt = -SETTLED) {
    this.now = 0
    this.buffer = 6
    this.sharing = true
    this.scheduler = new Scheduler(me, bornAt)
  }

  list (id, { follow = true, group = 'v0', pieces = 4, msn = 1 } = {}) {
    this.scheduler.list({ id, group, msn, pieces, bytes: pieces * 65536, duration: 2, follow }, this.now)
    return this
  }

  /** A settled peer that follows the same playlist: it knows what we know. */
  peer (name, ...ids) { return this.peerOfAge(SETTLED, name, ...ids) }

  peerOfAge (age, name, ...ids) {
    this.scheduler.peerUp(name, this.now - age)
    for (const id of ids) this.scheduler.peerSaid(name, id, {}, this.now)
    return this
  }

  says (name, id, statement) { this.scheduler.peerSaid(name, id, statement, this.now); return this }
  want (id) { this.scheduler.want(id, true); return this }
  at (ms) { this.now = ms; return this }
  verified (id, ...indices) { for (const i of indices) this.scheduler.verified(id, i, this.now); return this }

  step () {
    const { commands, wakeAt } = this.scheduler.step(this.now, { bufferSeconds: this.buffer, sharing: this.sharing })
    this.wakeAt = wakeAt
    return commands
  }

  fetches () { return this.step().filter(c => c.type === 'fetch') }
}

/** A segment for which `first` comes before `second` in rank. */
function segmentRanking (first, second, skip = 0) {
  for (let i = 1000 * skip; i < 1000 * (skip + 1); i++) {
    const id = i.toString(16).padStart(40, '0')
    if (rank(id, { peer: first, age: SETTLED }, [{ peer: second, age: SETTLED }]) === 0) return id
  }
  throw new Error('no such segment')
}

function pieces (size, ...indices) {
  const set = new PieceSet(size)
  for (const i of indices) set.add(i)
  return set
}

const mine = segmentRanking(A, B)
const theirs = segmentRanking(B, A)

test('alone, a wanted segment is fetched at once', () => {
  const story = new Story().list(mine).want(mine)
  assert.deepEqual(story.fetches(), [{ type: 'fetch', id: mine, runs: [[0, 3]], why: 'alone' }])
})

test('a newcomer\'s first segment comes from the origin at once, however many others there are', () => {
  const story = new Story(A, 0).list(mine).want(mine)
  story.scheduler.swarmSize(5)
  story.buffer = 0
  assert.equal(story.fetches().length, 1)
})

test('its next ones wait for the links being made, but not into the buffer\'s last', () => {
  const story = new Story(A, 0).list(mine).want(mine)
  story.scheduler.swarmSize(5)
  story.buffer = 2
  assert.equal(story.fetches().length, 0)
  assert.ok(story.wakeAt > 500 && story.wakeAt < 2000 - DEFAULTS.margin)
  story.buffer -= story.wakeAt / 1000
  assert.equal(story.at(story.wakeAt).fetches().length, 1)
})

test('when nobody was met in the usual time, nobody is waited for any more', () => {
  const story = new Story(A, 0).list(mine).want(mine)
  story.scheduler.swarmSize(5)
  assert.equal(story.at(DEFAULTS.meeting - 1).fetches().length, 0)
  assert.equal(story.at(DEFAULTS.meeting).fetches().length, 1)
})

test('alone, nothing is fetched before the player asks', () => {
  const story = new Story().list(mine)
  assert.deepEqual(story.step(), [])
  assert.equal(story.wakeAt, Infinity)
})

test('the elected viewer pulls a new segment before its player asks', () => {
  const story = new Story().list(mine).peer(B, mine)
  assert.equal(story.fetches().length, 1)
})

test('a newcomer is not elected while a settled viewer is there', () => {
  const story = new Story().list(theirs).peerOfAge(SETTLED - 1, B, theirs)
  assert.equal(story.fetches().length, 1)
})

test('among newcomers the oldest is elected, and those of one age by hash', () => {
  const newcomer = age => ({ peer: A, age })
  assert.equal(rank(mine, newcomer(5000), [{ peer: B, age: 20_000 }]), 1)
  assert.equal(rank(theirs, newcomer(20_000), [{ peer: B, age: 5000 }]), 0)
  assert.equal(rank(mine, newcomer(5000), [{ peer: B, age: 5500 }]), 0)
  assert.equal(rank(theirs, newcomer(5500), [{ peer: B, age: 5000 }]), 1)
})

test('the more viewers there are, the sooner a newcomer takes its share of the pulling', () => {
  const others = ['1', '2', '3', '4', '5'].map(name => ({ peer: name.repeat(40), age: SETTLED }))
  const firsts = age => Array.from({ length: 60 }, (_, i) => i.toString(16).padStart(40, '0'))
    .filter(id => rank(id, { peer: A, age }, others) === 0).length
  assert.equal(firsts(SETTLED / 5 - 1), 0)
  assert.ok(firsts(SETTLED / 5) > 0)
  assert.equal(rank(mine, { peer: A, age: SETTLED / 5 }, [{ peer: B, age: SETTLED }]), 1, 'between two it stays as it is')
})

test('who is not elected waits, and takes over when nobody supplies it', () => {
  const story = new Story().list(theirs).peer(B, theirs)
  assert.deepEqual(story.fetches(), [])
  assert.deepEqual(story.at(DEFAULTS.takeover - 1).fetches(), [])
  assert.equal(story.at(DEFAULTS.takeover).fetches().length, 1)
})

test('while a peer pulls, a wanted segment waits for it until its deadline nears', () => {
  const story = new Story().list(theirs).peer(B, theirs).says(B, theirs, { pulls: true }).want(theirs)
  assert.deepEqual(story.at(1000).fetches(), [])
  story.at(2000).says(B, theirs, { pieces: pieces(4, 0) })
  story.at(3000).says(B, theirs, { pieces: pieces(4, 0, 1) })
  story.buffer = 3
  assert.deepEqual(story.fetches(), [])
  story.buffer = 0.5
  assert.equal(story.fetches().length, 1)
})

test('at the deadline only the missing pieces are fetched', () => {
  const story = new Story().list(theirs).peer(B, theirs)
    .says(B, theirs, { pieces: new PieceSet(4, true) }).want(theirs).verified(theirs, 0, 2)
  story.buffer = 0
  assert.deepEqual(story.fetches()[0]?.runs, [[1, 1], [3, 3]])
})

test('a complete segment is never fetched', () => {
  const story = new Story().list(mine).peer(B, mine).want(mine).verified(mine, 0, 1, 2, 3)
  story.buffer = 0
  assert.deepEqual(story.step(), [])
})

test('a puller that goes silent is not waited for', () => {
  const story = new Story().list(theirs).peer(B, theirs).says(B, theirs, { pulls: true })
  assert.deepEqual(story.fetches(), [])
  const silent = DEFAULTS.pullStall + DEFAULTS.takeover
  assert.deepEqual(story.at(silent - 1).fetches(), [])
  assert.equal(story.at(silent).fetches().length, 1)
})

test('a puller that leaves is replaced at once by the only one left who wants it', () => {
  const story = new Story().list(theirs).peer(B, theirs).says(B, theirs, { pulls: true }).want(theirs)
  assert.deepEqual(story.fetches(), [])
  story.at(100).scheduler.peerDown(B)
  assert.equal(story.fetches().length, 1)
})

test('who says the same again keeps nobody waiting longer', () => {
  for (const [promise, patience] of [
    [{ pieces: pieces(4, 0, 1, 2, 3) }, DEFAULTS.supplyStall],
    [{ pulls: true }, DEFAULTS.pullStall]
  ]) {
    const story = new Story().list(theirs).peer(B, theirs).says(B, theirs, promise)
    const until = patience + DEFAULTS.takeover
    for (let t = 0; t < until; t += 100) assert.deepEqual(story.at(t).says(B, theirs, promise).fetches(), [])
    assert.equal(story.at(until).says(B, theirs, promise).fetches().length, 1)
  }
})

/** B promises segments one after the other and sends nothing: each is fetched when its deadline is near. */
function brokenPromises (count) {
  const story = new Story().peer(B)
  for (let msn = 0; msn < count; msn++) {
    const id = segmentRanking(B, A, msn + 1)
    story.list(id, { msn }).says(B, id, { pulls: true, pieces: pieces(4, 0, 1, 2, 3) })
    story.buffer = 6
    assert.deepEqual(story.want(id).fetches(), [], 'it is waited for')
    story.at(story.now + 4000).buffer = 0.5
    assert.equal(story.fetches().length, 1)
    story.verified(id, 0, 1, 2, 3).scheduler.fetched(id, { ok: true, bytes: 262144, firstByte: 50, ms: 300 }, story.now)
  }
  story.buffer = 6
  return story
}

test('a peer whose promises brought nothing three times is not waited for', () => {
  const story = brokenPromises(3).list(theirs, { msn: 9 }).says(B, theirs, { pulls: true }).want(theirs)
  assert.equal(story.fetches().length, 1)
})

test('a block from a peer that was doubted restores it, and so does time', () => {
  for (const restore of [
    story => story.scheduler.received(theirs, B, story.now),
    story => story.at(story.now + 60_000)
  ]) {
    const story = brokenPromises(3)
    restore(story)
    story.list(theirs, { msn: 9 }).says(B, theirs, { pulls: true }).want(theirs)
    assert.deepEqual(story.fetches(), [])
  }
})

test('a puller that gives up is replaced by the next in rank, and beginning again keeps nobody waiting', () => {
  const story = new Story().list(theirs).peer(B, theirs).says(B, theirs, { pulls: true })
  assert.deepEqual(story.fetches(), [])
  story.at(500).says(B, theirs, { pulls: false })
  assert.deepEqual(story.fetches(), [])
  assert.equal(story.at(500 + DEFAULTS.takeover).fetches().length, 1)

  const again = new Story().list(theirs).peer(B, theirs)
  for (let t = 0; t < DEFAULTS.pullStall + 1000; t += 500) {
    again.at(t).says(B, theirs, { pulls: true }).step()
    again.at(t + 100).says(B, theirs, { pulls: false }).step()
    again.at(t + 300).says(B, theirs, { pulls: true }).step()
  }
  assert.ok(again.scheduler.segments.get(theirs).fetching)
})

test('whose fetch failed lets the other viewers try first', () => {
  const story = new Story().list(mine).peer(B, mine)
  assert.equal(story.fetches().length, 1)
  story.scheduler.fetched(mine, { ok: false, bytes: 0, firstByte: 0, ms: 0 }, 0)
  assert.deepEqual(story.at(DEFAULTS.takeover - 1).fetches(), [])
})

test('nothing more of a variant the player has left is pulled for others', () => {
  const story = new Story().list(mine).peer(B, mine)
  story.scheduler.unfollow('v0')
  assert.deepEqual(story.fetches(), [])
  assert.equal(story.want(mine).fetches().length, 1, 'what the player asks for is')
})

test('holders that send nothing are not counted on', () => {
  const story = new Story().list(theirs).peer(B, theirs).says(B, theirs, { pieces: new PieceSet(4, true) })
  assert.deepEqual(story.fetches(), [])
  assert.equal(story.at(DEFAULTS.supplyStall + DEFAULTS.takeover + 1).fetches().length, 1)
})

test('a peer that does not share is neither waited for nor elected', () => {
  const story = new Story().list(theirs).peer(B, theirs).says(B, theirs, { pieces: new PieceSet(4, true) })
  story.scheduler.peerShares(B, false)
  assert.deepEqual(story.fetches(), [])
  assert.equal(story.want(theirs).fetches().length, 1)
})

test('who does not share pulls nothing for others', () => {
  const story = new Story().list(mine).peer(B, mine)
  story.sharing = false
  assert.deepEqual(story.at(60_000).fetches(), [])
})

test('a failed fetch is retried with growing waits, looks for the seed, and is given up in the end', () => {
  const story = new Story().list(mine).want(mine)
  let now = 0
  let fetches = 0
  let seeks = 0
  let failed = false
  for (let i = 0; i < 100 && !failed; i++) {
    const commands = story.at(now).step()
    seeks += commands.filter(c => c.type === 'seek-seed').length
    failed = commands.some(c => c.type === 'fail')
    if (commands.some(c => c.type === 'fetch')) {
      fetches += 1
      story.scheduler.fetched(mine, { ok: false, bytes: 0, firstByte: 0, ms: 0 }, now)
    }
    now += 500
  }
  assert.ok(failed)
  assert.equal(fetches, DEFAULTS.attempts)
  assert.equal(seeks, DEFAULTS.attempts - 1)
})

test('a segment the origin does not give may still come from a peer, and then the player hears of no failure', () => {
  const story = new Story().list(mine).peer(B, mine).want(mine)
  assert.equal(story.fetches().length, 1)
  story.scheduler.fetched(mine, { ok: false, bytes: 0, firstByte: 0, ms: 0 }, 0)
  story.says(B, mine, { pieces: pieces(4, 0, 1, 2, 3) })
  assert.deepEqual(story.at(DEFAULTS.supplyStall - 1).step(), [], 'it is waited for')
  assert.deepEqual(story.verified(mine, 0, 1, 2, 3).at(60_000).step(), [])
})

test('a peer that knows a newer segment makes the elected viewer reload, and nobody else', () => {
  const known = 'f'.repeat(40)
  for (const [me, other] of [[A, B], [B, A]]) {
    const story = new Story(me).list(known).peer(other, known)
    const fresh = segmentRanking(A, B)
    story.says(other, fresh, {})
    const reloads = story.step().filter(c => c.type === 'reload')
    assert.equal(reloads.length, me === A ? 1 : 0)
  }
})

test('fetches from the origin are bounded', () => {
  const story = new Story()
  for (let i = 0; i < 10; i++) story.list(i.toString(16).padStart(40, '0'), { msn: i }).want(i.toString(16).padStart(40, '0'))
  assert.equal(story.fetches().length, DEFAULTS.fetches)
})

test('one of three viewers pulls each segment, and over many segments each its share', () => {
  const pulls = { [A]: 0, [B]: 0, [C]: 0 }
  for (let i = 0; i < 600; i++) {
    const id = (i * 7919).toString(16).padStart(40, '0')
    const pullers = [A, B, C].filter(me => {
      const story = new Story(me).list(id)
      for (const other of [A, B, C]) if (other !== me) story.peer(other, id)
      return story.fetches().length > 0
    })
    assert.equal(pullers.length, 1)
    pulls[pullers[0]] += 1
  }
  for (const count of Object.values(pulls)) assert.ok(count > 130 && count < 270, JSON.stringify(pulls))
})

test('what peers say is remembered only within bounds', () => {
  const story = new Story().peer(B)
  for (let i = 0; i < 10_000; i++) story.says(B, i.toString(16).padStart(40, '0'), {})
  assert.ok(story.scheduler.peers.get(B).said.size <= 64)
})

test('missing runs are maximal', () => {
  const have = new PieceSet(7)
  for (const i of [0, 3, 6]) have.add(i)
  assert.deepEqual(missingRuns(have), [[1, 2], [4, 5]])
})

test('who has some of a segment and ever more is waited for; who has some and no more is not for long', () => {
  const story = new Story().list(theirs).peer(B, theirs)
  for (let i = 0; i < 4; i++) {
    story.at(1000 * i).says(B, theirs, { pieces: pieces(6, ...Array(i + 1).keys()) })
    assert.deepEqual(story.fetches(), [])
  }
  assert.deepEqual(story.at(3000 + DEFAULTS.pullStall - 1).fetches(), [])
  assert.equal(story.at(3000 + DEFAULTS.pullStall + DEFAULTS.takeover).fetches().length, 1)
})

/** A large swarm of which we know eight: how long after its listing each of many segments is pulled by us. */
function pullsInASwarm (others) {
  const known = Array.from({ length: 8 }, (_, i) => `${i + 1}`.repeat(40))
  return Array.from({ length: 150 }, (_, i) => {
    const id = (i * 7919 + 5).toString(16).padStart(40, '0')
    const story = new Story().list(id)
    story.scheduler.swarmSize(others)
    for (const peer of known) story.peer(peer, id)
    let at = 0
    while (story.at(at).fetches().length === 0) at += 100
    return at
  })
}

test('in a large swarm hardly anybody pulls at once, and everybody does before long if nobody else did', () => {
  const [small, large] = [pullsInASwarm(8), pullsInASwarm(2000)]
  const atOnce = delays => delays.filter(delay => delay === 0).length
  assert.ok(atOnce(small) > 5, `${atOnce(small)}`)
  assert.ok(atOnce(large) < 4, `${atOnce(large)}`)
  assert.ok(Math.max(...large) < 10_000)
})

test('alone in a swarm whose others cannot be reached, a wanted segment is fetched at once', () => {
  const story = new Story().list(mine).want(mine)
  story.scheduler.swarmSize(5000)
  assert.equal(story.fetches().length, 1)
})

test('the margin before a deadline is what the fetches stray, and more after a stall', () => {
  const fetched = (...durations) => {
    const { scheduler } = new Story()
    for (const ms of durations) scheduler.fetched('', { ok: true, bytes: 262144, firstByte: 50, ms }, 0)
    return scheduler
  }
  const steady = fetched(...Array(20).fill(300))
  const straying = fetched(...Array.from({ length: 20 }, (_, i) => i % 2 ? 300 : 1100))
  assert.equal(new Story().scheduler.origin.margin, DEFAULTS.margin)
  assert.equal(steady.origin.margin, DEFAULTS.marginMin)
  assert.ok(straying.origin.margin > 2 * steady.origin.margin)
  steady.late()
  assert.ok(steady.origin.margin > DEFAULTS.marginMin)
  for (let i = 0; i < 100; i++) straying.late()
  assert.equal(straying.origin.margin, DEFAULTS.marginMax)
})

test('audio of its own is due with the picture beside it, not after it', () => {
  const sound = segmentRanking(B, A, 1)
  const story = new Story().list(theirs).list(sound, { group: 'audio' }).peer(B, theirs, sound)
  story.says(B, theirs, { pulls: true }).says(B, sound, { pulls: true }).want(theirs).want(sound)
  story.buffer = 2
  assert.deepEqual(story.fetches(), [])
  const due = story.wakeAt
  story.buffer -= due / 1000
  assert.deepEqual(story.at(due).fetches().map(({ id, why }) => [id, why]), [[theirs, 'deadline'], [sound, 'deadline']])
})

test('who went back waits for nobody at the live edge to pull what only it plays', () => {
  const [edge, old] = ['e', 'f'].map(c => c.repeat(40))
  const peers = ['1', '2', '3', '4', '5', '6'].map(c => c.repeat(40))
  const story = new Story('0'.repeat(40)).list(edge, { msn: 500 }).list(old, { msn: 20, follow: false })
  for (const peer of peers) story.peer(peer, edge)
  story.buffer = 20
  assert.deepEqual(story.want(old).fetches().map(({ id }) => id), [old])
})

test('who plays the same part of a recording is waited for', () => {
  const [here, next] = ['e', 'f'].map(c => c.repeat(40))
  const peers = ['1', '2', '3', '4', '5', '6'].map(c => c.repeat(40))
  const story = new Story(peers.pop()).list(here, { msn: 19, follow: false }).list(next, { msn: 20, follow: false })
  for (const peer of peers) story.peer(peer, here)
  story.buffer = 20
  const turn = rank(next, { peer: story.scheduler.me, age: SETTLED }, peers.map(peer => ({ peer, age: SETTLED })))
  assert.notEqual(turn, 0, 'else this shows nothing')
  assert.deepEqual(story.want(next).fetches(), [])
})
