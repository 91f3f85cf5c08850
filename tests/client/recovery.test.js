import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Recovery } from '../../client/recovery.js'

test('the origin is tried again ever less often, but for ever', () => {
  const recovery = new Recovery()
  const delays = Array.from({ length: 20 }, (_, i) => recovery.next('network', i))
  assert.deepEqual(delays.slice(0, 6).map(({ delayMs }) => delayMs), [500, 1000, 2000, 4000, 8000, 8000])
  assert.deepEqual(delays.at(-1), { action: 'reload', delayMs: 8000 })
})

test('after something was loaded the next outage is a new one', () => {
  const recovery = new Recovery()
  for (let i = 0; i < 5; i++) recovery.next('network', i)
  recovery.well()
  assert.equal(recovery.next('network', 9).delayMs, 500)
})

test('media errors are recovered, then with the other audio codec, then begun anew', () => {
  const recovery = new Recovery()
  const actions = [0, 1000, 2000, 3000].map(now => recovery.next('media', now).action)
  assert.deepEqual(actions, ['recover-media', 'swap-audio', 'rebuild', 'rebuild'])
})

test('media errors far apart are each the first', () => {
  const recovery = new Recovery()
  recovery.next('media', 0)
  assert.equal(recovery.next('media', 60_000).action, 'recover-media')
})

test('what hls.js cannot name is begun anew', () => {
  assert.equal(new Recovery().next('other', 0).action, 'rebuild')
})
