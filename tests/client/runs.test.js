import assert from 'node:assert/strict'
import { test } from 'node:test'
import { leaveOut } from '../../client/runs.js'

const among = (...pieces) => index => pieces.includes(index)

test('what is about to come is left out of what is fetched', () => {
  assert.deepEqual(leaveOut([[0, 3], [6, 8]], among(1, 6)), [[0, 0], [2, 3], [7, 8]])
  assert.deepEqual(leaveOut([[0, 3]], among()), [[0, 3]])
})

test('a fetch is never for nothing: whose turn it is asks for all rather than not at all', () => {
  assert.deepEqual(leaveOut([[2, 3]], among(2, 3)), [[2, 3]])
})
