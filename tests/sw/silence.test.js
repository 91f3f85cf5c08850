import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Silence } from '../../sw/silence.js'

test('a page that did not answer is left alone for a while, then asked again', () => {
  const silence = new Silence()
  silence.note('a', 0)
  assert.equal(silence.has('a', 9_999), true)
  assert.equal(silence.has('b', 1), false)
  assert.equal(silence.has('a', 10_000), false)
})

test('a page that speaks up is asked at once', () => {
  const silence = new Silence()
  silence.note('a', 0)
  silence.heard('a')
  assert.equal(silence.has('a', 1), false)
})

test('only the latest pages are remembered', () => {
  const silence = new Silence()
  for (let i = 0; i < 100; i++) silence.note(String(i), 0)
  assert.equal(silence.has('0', 1), false)
  assert.equal(silence.has('99', 1), true)
})

test('a page that has answered before is only busy', () => {
  const silence = new Silence()
  silence.heard('busy')
  silence.note('busy', 0)
  silence.note('silent', 0)
  assert.deepEqual([silence.has('busy', 999), silence.has('busy', 1000), silence.has('silent', 1000)], [true, false, true])
})
