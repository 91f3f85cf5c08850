import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bounds, range } from '../../sw/range.js'

test('a range within the body is a part of it', () => {
  assert.deepEqual(range('bytes=0-', 10), { status: 206, start: 0, end: 10 })
  assert.deepEqual(range('bytes=2-5', 10), { status: 206, start: 2, end: 6 })
  assert.deepEqual(range('bytes=2-99', 10), { status: 206, start: 2, end: 10 })
  assert.deepEqual(range('bytes=-3', 10), { status: 206, start: 7, end: 10 })
  assert.deepEqual(range('bytes=-30', 10), { status: 206, start: 0, end: 10 })
})

test('a range outside of it cannot be satisfied', () => {
  for (const header of ['bytes=10-', 'bytes=11-12', 'bytes=-0']) assert.deepEqual(range(header, 10), { status: 416 })
  assert.deepEqual(range('bytes=0-', 0), { status: 416 })
})

test('what is no single range of bytes is ignored', () => {
  for (const header of [null, '', 'bytes=', 'bytes=-', 'bytes=5-2', 'bytes=0-1,4-5', 'pieces=0-1', 'bytes=a-b']) {
    assert.deepEqual(range(header, 10), { status: 200 }, String(header))
  }
})

test('every part of every small body lies within it', () => {
  for (let size = 0; size < 6; size++) {
    for (let first = -1; first < 8; first++) {
      for (let last = -1; last < 8; last++) {
        const header = `bytes=${first < 0 ? '' : first}-${last < 0 ? '' : last}`
        const part = range(header, size)
        if (part.status === 206) assert.ok(part.start >= 0 && part.start < part.end && part.end <= size, `${header} of ${size}`)
      }
    }
  }
})

test('only a range with both ends can be a segment by itself', () => {
  assert.deepEqual(bounds('bytes=2-5'), [2, 6])
  for (const header of [null, '', 'bytes=2-', 'bytes=-5', 'bytes=0-1,4-5', 'items=2-5']) assert.equal(bounds(header), undefined)
})
