/** What holds of the scheduler whatever happens: random lives of a viewer, told by seed. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PieceSet } from '../../client/pieces.js'
import { DEFAULTS, Scheduler } from '../../client/scheduler.js'

const SEEDS = 60
const EVENTS = 400

/** @param {number} seed */
function dice (seed) {
  let state = seed * 2654435761 >>> 0
  const next = () => {
    state = state + 0x6d2b79f5 >>> 0
    let t = Math.imul(state ^ state >>> 15, 1 | state)
    t = t + Math.imul(t ^ t >>> 7, 61 | t) ^ t
    return ((t ^ t >>> 14) >>> 0) / 2 ** 32
  }
  return { below: n => Math.floor(n * next()), chance: p => next() < p }
}

/** One viewer's random life; `check` sees every step. */
function live (seed, check) {
  const { below, chance } = dice(seed)
  const name = n => n.toString(16).padStart(40, 'b')
  const scheduler = new Scheduler('a'.repeat(40), 0)
  let now = 0
  let msn = 0
  /** What is truly here, told by verified() alone; requests and failures by piece or segment. */
  const life = { scheduler, held: new Map(), asked: new Map(), failed: new Map(), running: new Set(), given: new Set() }
  const anyId = () => name(1000 + below(Math.max(1, msn)))
  const player = { bufferSeconds: 6, sharing: true }
  const events = [
    () => {
      const id = name(1000 + msn)
      const pieces = 1 + below(12)
      life.held.set(id, new PieceSet(pieces))
      scheduler.list({ id, group: 'v0', msn, pieces, bytes: pieces * 65536, duration: 2, follow: chance(0.8) }, now)
      msn += 1
    },
    () => scheduler.want(anyId(), chance(0.9)),
    () => scheduler.peerUp(name(below(6)), now - below(100_000)),
    () => scheduler.peerDown(name(below(6))),
    () => scheduler.peerShares(name(below(6)), chance(0.7)),
    () => {
      const id = anyId()
      const size = life.held.get(id)?.size ?? 4
      const pieces = new PieceSet(size)
      for (let i = 0; i < size; i++) if (chance(0.5)) pieces.add(i)
      scheduler.peerSaid(name(below(6)), id, chance(0.5) ? { pulls: chance(0.7) } : { pieces }, now)
    },
    () => {
      const id = anyId()
      const have = life.held.get(id)
      if (!have) return
      const index = below(have.size)
      have.add(index)
      scheduler.received(id, name(below(6)), now)
      scheduler.verified(id, index, now)
    },
    () => {
      const [id] = life.running
      if (id === undefined) return
      life.running.delete(id)
      const ok = chance(0.7)
      const have = life.held.get(id)
      for (let i = 0; ok && i < have.size; i++) if (have.add(i)) scheduler.verified(id, i, now)
      if (!ok) life.failed.set(id, (life.failed.get(id) ?? 0) + 1)
      scheduler.fetched(id, { ok, bytes: 65536, firstByte: below(300), ms: 300 + below(2000) }, now)
    },
    () => scheduler.swarmSize(below(5000)),
    () => scheduler.uploaded(below(100_000)),
    () => scheduler.drained(below(100_000), 1 + below(1000)),
    () => scheduler.peerLine(name(below(6)), below(2 ** 30)),
    () => scheduler.late(),
    () => { player.bufferSeconds = below(12) },
    () => { player.sharing = chance(0.8) },
    () => { now += below(1500) }
  ]
  for (let i = 0; i < EVENTS; i++) {
    events[below(events.length)]()
    now += below(50)
    const { commands, wakeAt } = scheduler.step(now, player)
    check({ ...life, commands, wakeAt, now })
  }
}

test('what is wanted and missing is requested, or waited for until a moment that is named, or given up aloud', () => {
  for (let seed = 0; seed < SEEDS; seed++) {
    live(seed, ({ scheduler, running, commands, wakeAt, now }) => {
      for (const command of commands) if (command.type === 'fetch') running.add(command.id)
      for (const [id, segment] of scheduler.segments) {
        if (!segment.wanted || segment.have.complete) continue
        assert.ok(running.has(id) || (wakeAt > now && wakeAt < Infinity), `seed ${seed}: ${id} is forgotten`)
      }
    })
  }
})

test('a piece is requested from the origin once, and again only after a fetch of its segment failed', () => {
  for (let seed = 0; seed < SEEDS; seed++) {
    live(seed, ({ held, asked, failed, running, commands }) => {
      for (const command of commands) {
        if (command.type !== 'fetch') continue
        assert.ok(!running.has(command.id), 'it is being fetched')
        running.add(command.id)
        for (const [first, last] of command.runs) {
          for (let i = first; i <= last; i++) {
            assert.ok(!held.get(command.id).has(i), 'it is here')
            const key = `${command.id} ${i}`
            asked.set(key, (asked.get(key) ?? 0) + 1)
            assert.ok(asked.get(key) <= 1 + (failed.get(command.id) ?? 0), `seed ${seed}: ${key} again`)
          }
        }
      }
      assert.ok(running.size <= DEFAULTS.fetches)
    })
  }
})

test('only what was verified counts as held, whatever peers say', () => {
  for (let seed = 0; seed < SEEDS; seed++) {
    live(seed, ({ scheduler, held, commands, running }) => {
      for (const command of commands) if (command.type === 'fetch') running.add(command.id)
      for (const [id, { have }] of scheduler.segments) assert.deepEqual(have.bits, held.get(id).bits)
    })
  }
})
