import assert from 'node:assert/strict'
import { afterEach, beforeEach, mock, test } from 'node:test'
import { Broadcast } from '../../client/studio/broadcast.js'
import { QUALITIES } from '../../client/studio/quality.js'

const FIGURES = { sent: 0, held: 0, late: 0, dropped: 0, viewers: 0, segments: 0, serving: '', media: '', slow: '' }

/** A broadcast whose connections do what the test says. */
class OnAir {
  /** @type {{ way: string, resume: string, told: Function, asked: string[] }[]} */
  links = []

  constructor (ways = ['browser']) {
    this.broadcast = new Broadcast({
      name: 'garden',
      key: 'secret',
      ways,
      quality: QUALITIES[1],
      stage: { fit: async () => {} },
      told: () => {},
      connect: (way, { resume, told }) => {
        const asked = []
        this.links.push({ way, resume, told, asked })
        const ask = what => () => { asked.push(what) }
        return { open: ask('open'), renew: ask('renew'), stop: ask('stop'), abandon: ask('abandon') }
      }
    })
    this.broadcast.start()
  }

  get link () { return this.links.at(-1) }
  get status () { return this.broadcast.status }
  get phase () { return this.status.phase }

  ready (resume = '') { this.link.told({ type: 'ready', resume }); return this }
  live () { this.link.told({ type: 'live' }); return this }
  lost (status = 0, ready = true, message = '') { this.link.told({ type: 'end', end: { status, message, ready } }); return this }
  wait (ms) { mock.timers.tick(ms); return this }
}

beforeEach(() => mock.timers.enable({ apis: ['setTimeout'] }))
afterEach(() => mock.timers.reset())

test('a lost connection is tried again with the token it had, and the time on air goes on', () => {
  const air = new OnAir().ready('token').live()
  const { since } = air.status
  air.lost()
  assert.equal(air.phase, 'waiting')
  assert.match(air.status.words.title, /trying again \(1\)/)
  air.wait(1000)
  assert.equal(air.links.length, 2)
  assert.equal(air.link.resume, 'token')
  air.ready('next').live()
  assert.equal(air.phase, 'live')
  assert.equal(air.status.words, null)
  assert.equal(air.status.since, since)
})

test('it is tried until somebody says stop, and no longer', () => {
  const air = new OnAir().ready().live()
  for (let n = 1; n <= 20; n++) {
    air.lost(0, false).wait(30_000)
    assert.equal(air.links.length, n + 1)
  }
  assert.match(air.status.words.title, /\(20\)/)
  air.lost(0, false)
  air.broadcast.stop()
  assert.equal(air.phase, 'over')
  air.wait(60_000)
  assert.equal(air.links.length, 21)
})

test('what cannot pass ends it at once, with words', () => {
  const air = new OnAir().lost(401, false)
  assert.equal(air.phase, 'over')
  assert.equal(air.status.good, false)
  assert.match(air.status.words.title, /key/)
  air.wait(60_000)
  assert.equal(air.links.length, 1)
})

test('where WebRTC finds no way the recorder does, and stays; a wrong key is no reason for it', () => {
  const air = new OnAir(['whip', 'browser']).lost(0, false)
  assert.deepEqual(air.links.map(({ way }) => way), ['whip', 'browser'])
  air.ready().live().lost().wait(1000)
  assert.deepEqual(air.links.map(({ way }) => way), ['whip', 'browser', 'browser'])
  assert.equal(new OnAir(['whip', 'browser']).lost(401, false).phase, 'over')
  const once = new OnAir(['whip', 'browser']).ready().live().lost().wait(1000)
  assert.equal(once.link.way, 'whip', 'a way that was found is there again')
})

test('stop sends the rest; stop again sends nothing more', () => {
  const air = new OnAir().ready().live()
  air.broadcast.stop()
  assert.deepEqual([air.phase, air.link.asked.at(-1)], ['finishing', 'stop'])
  air.live()
  assert.equal(air.phase, 'finishing')
  air.broadcast.stop()
  assert.equal(air.link.asked.at(-1), 'abandon')
  air.lost()
  assert.deepEqual([air.phase, air.status.good], ['over', true])
})

test('what is dropped is counted over all connections', () => {
  const air = new OnAir().ready().live()
  air.link.told({ type: 'figures', figures: { ...FIGURES, dropped: 1000 } })
  air.lost().wait(1000).ready()
  air.link.told({ type: 'figures', figures: { ...FIGURES, dropped: 50 } })
  assert.equal(air.status.dropped, 1050)
})

test('a server that gave up on too much is sent less', () => {
  const air = new OnAir().ready().live().lost(413).wait(1000)
  assert.equal(air.links.length, 2)
  assert.equal(air.status.bits, QUALITIES[1].bits / 2)
  assert.equal(air.status.lowered, true)
})

test('another quality is recorded from here on', () => {
  const air = new OnAir().ready().live()
  air.broadcast.choose(QUALITIES[3])
  assert.equal(air.link.asked.at(-1), 'renew')
  assert.deepEqual([air.status.bits, air.status.lowered], [QUALITIES[3].bits, false])
})

test('an end that comes late, of a connection that was given up, ends nothing', () => {
  const air = new OnAir().ready().live()
  const [old] = air.links
  air.lost().wait(1000).ready().live()
  old.told({ type: 'end', end: { status: 401, message: '', ready: true } })
  assert.equal(air.phase, 'live')
})
