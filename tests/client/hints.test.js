import assert from 'node:assert/strict'
import { mock, test } from 'node:test'
import { Hints } from '../../client/hints.js'

const URL = 'https://origin.example/v0/index.m3u8'

/** Time is the test's: timers and performance.now move only by `tick`. */
function clock (t) {
  let now = 0
  t.mock.timers.enable({ apis: ['setTimeout'] })
  t.mock.method(performance, 'now', () => now)
  return ms => {
    for (const end = now + ms; now < end;) { now += 10; t.mock.timers.tick(10) }
    return new Promise(resolve => setImmediate(resolve))
  }
}

test('a hint right after a load is kept, not dropped', async t => {
  const tick = clock(t)
  const load = mock.fn(async () => {})
  const hints = new Hints(load)
  hints.loaded(URL, false)
  hints.reload(URL)
  hints.reload(URL)
  await tick(100)
  assert.equal(load.mock.callCount(), 0)
  await tick(100)
  assert.equal(load.mock.callCount(), 1)
})

test('hints that bring nothing cost ever less', async t => {
  const tick = clock(t)
  const load = mock.fn(async () => hints.loaded(URL, false))
  const hints = new Hints(load)
  for (let i = 0; i < 600; i++) { hints.reload(URL); await tick(100) }
  assert.ok(load.mock.callCount() < 25, `${load.mock.callCount()} loads in a minute`)
})

test('what the player loads meanwhile makes a hint pointless', async t => {
  const tick = clock(t)
  const load = mock.fn(async () => {})
  const hints = new Hints(load)
  hints.loaded(URL, true)
  hints.reload(URL)
  hints.loaded(URL, true)
  await tick(1000)
  assert.equal(load.mock.callCount(), 0)
})

test('nothing is loaded after the end', async t => {
  const tick = clock(t)
  const load = mock.fn(async () => {})
  const hints = new Hints(load)
  hints.reload(URL)
  hints.close()
  await tick(1000)
  assert.equal(load.mock.callCount(), 0)
})
