import assert from 'node:assert/strict'
import { mock, test } from 'node:test'
import { watchAir } from '../../client/controls/air.js'

test('a picture that stands still is off air only if the server says so, and on air as soon as it moves', async () => {
  mock.timers.enable({ apis: ['setInterval'] })
  globalThis.document = /** @type {any} */ ({ hidden: false })
  const video = { currentTime: 1, paused: false, ended: false, seeking: false }
  let on = true
  /** @type {boolean[]} */
  const told = []
  let asked = 0
  watchAir(/** @type {any} */ (video), async () => { asked += 1; return on }, air => told.push(air))
  const looks = async (/** @type {number} */ count, moves = false) => {
    for (; count > 0; count--) {
      if (moves) video.currentTime += 2
      mock.timers.tick(2000)
      await new Promise(resolve => setImmediate(resolve))
    }
  }
  await looks(5, true)
  assert.equal(asked, 0, 'nobody is asked while it plays')
  await looks(4)
  assert.deepEqual([asked > 0, told], [true, []], 'a slow line')
  on = false
  await looks(2)
  assert.deepEqual(told, [false])
  await looks(3)
  assert.deepEqual(told, [false], 'said once')
  await looks(1, true)
  assert.deepEqual(told, [false, true])
  video.paused = true
  await looks(5)
  assert.deepEqual(told, [false, true], 'who paused it knows')
  mock.timers.reset()
})
