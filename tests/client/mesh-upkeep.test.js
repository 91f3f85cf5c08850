import assert from 'node:assert/strict'
import { test } from 'node:test'
import { score } from '../../client/elect.js'
import { Upkeep } from '../../client/mesh/upkeep.js'

/** A viewer in the middle of the alphabet, who knows that there are so many others. */
function viewer (others, { maxPeers = 12, me = 'm' } = {}) {
  const upkeep = new Upkeep(me, maxPeers)
  upkeep.counted(others)
  return upkeep
}

/** These peers came by invitation and are up. */
function meet (upkeep, peers, now, said = { shares: true, links: 6 }) {
  for (const peer of peers) {
    assert.equal(upkeep.invited(peer, now).take, true, `${peer} is taken`)
    upkeep.up(peer, said, now)
  }
}

/** A second of life: who is not silent is heard. */
function second (upkeep, now, silent = []) {
  for (const peer of upkeep.ties.keys()) if (!silent.includes(peer)) upkeep.heard(peer, now)
  return upkeep.step(now)
}

const names = (count, letter = 'p') => Array.from({ length: count }, (_, i) => `${letter}${String(i).padStart(3, '0')}`)
const closed = commands => commands.filter(({ type }) => type === 'close').map(({ peer }) => peer)
const kinds = commands => commands.map(({ type }) => type)

test('a lone viewer offers nothing and asks for nothing', () => {
  const upkeep = viewer(0)
  assert.equal(upkeep.offers(0), 0)
  assert.deepEqual(upkeep.step(0), [])
})

test('a small swarm is met whole; a large one is not, and leaves room for those who come later', () => {
  for (const others of [1, 2, 5, 6]) assert.equal(viewer(others).offers(0), others)
  for (const others of [10, 100, 1000, 10_000, 1_000_000]) {
    const { want, maxPeers } = viewer(others)
    assert.ok(want >= 6 && want <= maxPeers - 3, `${want} of ${others}`)
  }
  assert.ok(viewer(10_000).want > viewer(10).want)
  assert.equal(viewer(100, { maxPeers: 2 }).want, 2)
})

test('offers that nobody takes are repeated ever more rarely, sooner by who is alone', () => {
  const rounds = upkeep => {
    const times = []
    for (let now = 0; now < 200_000; now += 1000) {
      const count = upkeep.offers(now)
      if (count > 0) times.push(now)
      for (let i = 0; i < count; i++) upkeep.offerEnded()
      second(upkeep, now)
    }
    return times
  }
  assert.deepEqual(rounds(viewer(3)), [0, 3000, 9000, 21_000, 45_000, 93_000, 189_000])
  const settled = viewer(30)
  meet(settled, names(3), 0)
  assert.deepEqual(rounds(settled), [0, 15_000, 45_000, 105_000])
})

test('more others than at the last round are worth a new one at once', () => {
  const upkeep = viewer(1)
  assert.equal(upkeep.offers(0), 1)
  upkeep.offerEnded()
  assert.equal(upkeep.offers(100), 0)
  upkeep.counted(2)
  assert.equal(upkeep.offers(200), 2)
})

test('offers being answered count as links: a reply in between brings no more of them', () => {
  const upkeep = viewer(5)
  assert.equal(upkeep.offers(0), 5)
  upkeep.counted(6)
  assert.equal(upkeep.offers(10), 1)
  assert.equal(upkeep.answered('p', 20).take, true)
  assert.equal(upkeep.offers(100_000), 0)
})

test('when both offered, the offer of the lower peer id stays, on both sides', () => {
  for (const [me, peer] of [['a', 'b'], ['b', 'a']]) {
    const upkeep = viewer(1, { me })
    upkeep.offers(0)
    upkeep.offers(20_000)
    assert.equal(upkeep.invited(peer, 20_001).take, true)
    // The answer to our own offer comes after we took theirs.
    assert.deepEqual(upkeep.answered(peer, 20_002), me < peer
      ? { take: true, closes: [{ peer, reason: 'both offered' }] }
      : { take: false, closes: [] })
  }
  const first = viewer(1, { me: 'b' })
  first.offers(0)
  first.answered('a', 1)
  assert.deepEqual(first.invited('a', 2), { take: true, closes: [{ peer: 'a', reason: 'both offered' }] })
})

test('an offer from a peer that is here is the tracker\'s chance, unless the peer has fallen silent', () => {
  const upkeep = viewer(3)
  meet(upkeep, ['p'], 0)
  upkeep.heard('p', 9000)
  assert.equal(upkeep.invited('p', 10_000).take, false)
  assert.deepEqual(upkeep.invited('p', 12_000), { take: true, closes: [{ peer: 'p', reason: 'it connects anew' }] })
})

test('the banned are neither taken nor taken back', () => {
  const upkeep = viewer(3)
  upkeep.ban('p')
  upkeep.offers(0)
  assert.equal(upkeep.invited('p', 0).take, false)
  assert.equal(upkeep.answered('p', 0).take, false)
})

test('a flood of offers is not all answered', () => {
  const upkeep = viewer(1000)
  let taken = 0
  for (const [now, peer] of names(500).entries()) {
    if (!upkeep.invited(peer, now).take) continue
    taken += 1
    upkeep.down(peer, now)
  }
  assert.ok(taken < 30, `${taken}`)
})

test('a silent peer is dropped after seconds, and another looked for at once', () => {
  const upkeep = viewer(6)
  meet(upkeep, names(6), 0)
  let now = 0
  let commands = []
  while (closed(commands).length === 0 && now < 60_000) commands = second(upkeep, now += 1000, ['p002'])
  assert.deepEqual(closed(commands), ['p002'])
  assert.equal(now, 6000)
  upkeep.down('p002', now)
  assert.deepEqual(kinds(upkeep.step(now)), ['announce'])
  assert.equal(upkeep.offers(now), 1)
})

test('who slept asks its peers before it judges them; those that do not answer are gone soon', () => {
  const upkeep = viewer(3)
  meet(upkeep, names(3), 0)
  second(upkeep, 1000)
  const awake = upkeep.step(600_000)
  assert.deepEqual(kinds(awake), ['probe', 'probe', 'probe'])
  upkeep.heard('p001', 600_200)
  assert.deepEqual(upkeep.step(601_000).filter(({ type }) => type === 'probe').map(({ peer }) => peer), ['p000', 'p002'])
  assert.deepEqual(closed(upkeep.step(602_500)), ['p000', 'p002'])
})

test('a hidden tab whose timers hardly run keeps the peers that it hears', () => {
  const upkeep = viewer(3)
  meet(upkeep, names(3), 0)
  for (let now = 60_000; now < 600_000; now += 60_000) {
    for (const peer of names(3)) upkeep.heard(peer, now - 800)
    assert.deepEqual(upkeep.step(now), [])
  }
})

test('after a change of network every peer has to answer within seconds', () => {
  const upkeep = viewer(2)
  meet(upkeep, names(2), 0)
  second(upkeep, 1000)
  upkeep.doubt(1500)
  assert.deepEqual(kinds(upkeep.step(1500)), ['probe', 'probe'])
  upkeep.heard('p000', 1600)
  assert.deepEqual(closed(upkeep.step(4000)), ['p001'])
})

test('too many links are given back one by one, only to peers that have too many as well', () => {
  const upkeep = viewer(100)
  const { want } = upkeep
  meet(upkeep, names(6, 'few'), 0)
  meet(upkeep, names(6, 'many'), 0, { shares: true, links: 12 })
  let now = 0
  const gone = []
  while (now < 25_000) {
    for (const peer of closed(second(upkeep, now += 1000))) {
      assert.ok(peer.startsWith('many'), peer)
      upkeep.down(peer, now)
      gone.push([peer, now])
    }
  }
  assert.ok(gone.length > 0)
  while (now < 200_000) for (const peer of closed(second(upkeep, now += 1000))) upkeep.down(peer, now)
  assert.ok(upkeep.ties.size >= want)
})

test('a newcomer finds a place at a viewer that is full, when another link is one too many at both ends', () => {
  const upkeep = viewer(1000)
  meet(upkeep, names(11), 0)
  meet(upkeep, ['q'], 0, { shares: true, links: 12 })
  for (const peer of names(12)) upkeep.carried(peer, 1000, 25_000)
  const { take, closes } = upkeep.invited('new', 25_000)
  assert.ok(take)
  assert.deepEqual(closes.map(({ peer }) => peer), ['q'])
  assert.equal(upkeep.ties.size, 12)
  const full = viewer(1000)
  meet(full, names(12), 0)
  assert.equal(full.invited('new', 25_000).take, false)
})

test('the slow, the far and those who only take are exchanged for strangers, ever more rarely', () => {
  for (const bad of [
    upkeep => { upkeep.ties.get('p003').value = 10 },
    upkeep => upkeep.roundTrip('p003', 2000),
    upkeep => { for (const peer of names(5)) upkeep.said(peer, { shares: false }) }
  ]) {
    const upkeep = viewer(100)
    meet(upkeep, names(9), 0)
    let now = 0
    const gone = []
    while (now < 300_000) {
      now += 1000
      for (const peer of upkeep.ties.keys()) upkeep.carried(peer, 50_000, now)
      for (const peer of upkeep.ties.keys()) if (peer !== 'p003') upkeep.roundTrip(peer, 50)
      bad(upkeep)
      const peers = closed(second(upkeep, now))
      if (peers.length === 0) continue
      gone.push(now)
      upkeep.down(peers[0], now)
      if (!upkeep.ties.has('p003')) break
      meet(upkeep, peers.map(peer => `${peer}${now}`), now)
    }
    assert.ok(gone.length >= 1 && gone.length < 6, `${gone}`)
  }
})

test('where everybody is known already nobody is exchanged, however slow', () => {
  const upkeep = viewer(6)
  meet(upkeep, names(6), 0, { shares: false, links: 6 })
  for (let now = 0; now < 900_000; now += 1000) {
    upkeep.carried('p000', 1e6, now)
    assert.deepEqual(second(upkeep, now), [])
  }
})

test('the links that a hash names are kept whatever they carry', () => {
  const upkeep = viewer(1000)
  meet(upkeep, names(9), 0)
  let exchanged = 0
  for (let now = 1000; now < 3_600_000; now += 1000) {
    for (const peer of names(5)) upkeep.carried(peer, 1e6, now) // the others carry nothing
    const lots = [...upkeep.ties.keys()].sort((a, b) => score('m', a) - score('m', b))
    for (const peer of closed(second(upkeep, now))) {
      assert.ok(lots.indexOf(peer) >= 3, `${peer} of ${lots}`)
      upkeep.down(peer, now)
      meet(upkeep, [`q${now}`], now)
      exchanged += 1
    }
  }
  assert.ok(exchanged > 5 && exchanged < 20, `${exchanged} in an hour`)
})

/** Numbers below n, the same each time (mulberry32). */
function dice (seed) {
  return n => {
    seed = (seed + 0x6d2b79f5) | 0
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) % n
  }
}

/** A tracker and so many viewers, whose connections come up at once and carry more the nearer the two are. */
function swarm (count, seconds, { leave = 0 } = {}) {
  const roll = dice(7)
  const viewers = new Map()
  const links = () => [...viewers.values()].reduce((sum, { ties }) => sum + ties.size, 0) / viewers.size
  const end = (a, b, now) => {
    viewers.get(a)?.down(b, now)
    viewers.get(b)?.down(a, now)
  }
  const ask = (me, now) => {
    const upkeep = viewers.get(me)
    upkeep.counted(viewers.size - 1)
    const drawn = new Set()
    const others = [...viewers.keys()].filter(id => id !== me)
    for (let left = upkeep.offers(now); left > 0; left--) {
      const peer = others[roll(others.length)]
      if (drawn.has(peer)) { upkeep.offerEnded(); continue }
      drawn.add(peer)
      const invited = viewers.get(peer).invited(me, now)
      for (const close of invited.closes) viewers.get(close.peer)?.down(peer, now)
      if (!invited.take) { upkeep.offerEnded(); continue }
      const answered = upkeep.answered(peer, now)
      if (!answered.take) { viewers.get(peer).down(me, now); continue }
      const links = id => viewers.get(id).ties.size
      for (const [a, b] of [[me, peer], [peer, me]]) viewers.get(a).up(b, { shares: true, links: links(b) }, now)
    }
  }
  let born = 0
  const join = now => {
    const id = `v${String(born++).padStart(6, '0')}`
    viewers.set(id, new Upkeep(id, 12))
    ask(id, now)
  }
  for (let second = 1; second <= seconds; second++) {
    const now = second * 1000
    while (born < count && born < second * 20) join(now)
    for (const [me, upkeep] of viewers) {
      for (const peer of [...upkeep.ties.keys()]) {
        if (!viewers.has(peer)) continue // it left without a word
        upkeep.heard(peer, now)
        upkeep.said(peer, { links: viewers.get(peer).ties.size })
        if (me.at(-1) === peer.at(-1)) upkeep.carried(peer, 100_000, now)
      }
      for (const command of upkeep.step(now)) {
        if (command.type === 'close') end(me, command.peer, now)
        else if (command.type === 'announce') ask(me, now)
      }
      if (roll(30) === 0) ask(me, now) // the tracker's interval
    }
    if (born >= count && roll(100) < leave) {
      viewers.delete([...viewers.keys()][roll(viewers.size)])
      join(now)
    }
  }
  return { viewers, links }
}

/** How many can be reached from the first over links that both ends have. */
function reached (viewers) {
  const seen = new Set([viewers.keys().next().value])
  for (const id of seen) {
    for (const peer of viewers.get(id).ties.keys()) if (viewers.get(peer)?.ties.has(id)) seen.add(peer)
  }
  return seen.size
}

test('hundreds that come one after the other become one swarm without a hub, though near ones carry more', () => {
  const { viewers, links } = swarm(300, 600)
  const degrees = [...viewers.values()].map(({ ties }) => ties.size)
  assert.equal(reached(viewers), viewers.size)
  assert.ok(Math.max(...degrees) <= 12 && Math.min(...degrees) >= 6, `${Math.min(...degrees)} to ${Math.max(...degrees)}`)
  const eldest = degrees.slice(0, 20).reduce((sum, degree) => sum + degree, 0) / 20
  assert.ok(eldest <= 1.2 * links(), `the eldest have ${eldest} links, all ${links()}`)
})

test('a swarm in which viewers come and go without a word stays one, and everybody in it linked', () => {
  const { viewers, links } = swarm(100, 600, { leave: 60 })
  assert.equal(reached(viewers), viewers.size)
  assert.ok(links() >= 6, `${links()}`)
})

test('half the swarm leaves at once: the others are one swarm again', () => {
  const { viewers } = swarm(100, 60)
  for (const id of [...viewers.keys()].filter((_, i) => i % 2)) viewers.delete(id)
  for (const [me, upkeep] of viewers) {
    const gone = [...upkeep.ties.keys()].filter(peer => !viewers.has(peer))
    for (const peer of gone) upkeep.heard(peer, 60_000)
    for (const peer of upkeep.ties.keys()) if (!gone.includes(peer)) upkeep.heard(peer, 66_000)
    const commands = upkeep.step(66_000)
    assert.deepEqual(closed(commands).sort(), gone.sort(), me)
  }
})

test('with fewer viewers than there must be nobody is offered to nor taken; with enough the mesh forms, and then stays', () => {
  const upkeep = viewer(1)
  upkeep.least = 3
  assert.equal(upkeep.offers(0), 0)
  assert.deepEqual(upkeep.invited('a', 0), { take: false, closes: [] })
  assert.deepEqual(upkeep.step(0), [])
  upkeep.counted(2)
  assert.equal(upkeep.offers(1000), 2)
  meet(upkeep, ['a', 'b'], 1000)
  upkeep.counted(1)
  upkeep.down('b', 2000)
  assert.deepEqual(closed(second(upkeep, 60_000)), [])
  assert.equal(upkeep.invited('c', 60_000).take, true)
})
