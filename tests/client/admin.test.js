import assert from 'node:assert/strict'
import { test } from 'node:test'
import { outcome, source, span, standing, trouble, when } from '../../client/admin/words.js'

test('times are told in two units at most', () => {
  assert.equal(span(44.6), '45 s')
  assert.equal(span(60), '1 min')
  assert.equal(span(3 * 3600 + 5 * 60 + 59), '3 h 05 min')
  assert.equal(span(12 * 86400 + 3 * 3600), '12 d 3 h')
  assert.equal(span(-3), '0 s', 'a clock that is ahead')
})

test('a moment is told from now on', () => {
  assert.equal(when(null, 1000), 'never')
  assert.equal(when(1002, 1000), 'now')
  assert.equal(when(400, 1000), '10 min ago')
  assert.equal(when(1000 + 7200, 1000), 'in 2 h 00 min')
})

test('who sends a stream is told before who makes it', () => {
  const made = { state: 'live', speed: 1, restarts: 0, segments: 3, dropped: 0, error: '' }
  assert.equal(source(made, { protocol: 'rtmp', since: 940 }, 1000), 'RTMP, for 1 min')
  assert.equal(source(made, undefined, 1000), 'Made here')
  assert.equal(source(undefined, undefined, 1000), 'Files in the feed')
})

test('of a stream that is well nothing is told', () => {
  const well = { state: 'live', speed: 1, restarts: 0, segments: 3, dropped: 0, error: '' }
  assert.equal(trouble(undefined), '')
  assert.equal(trouble(well), '')
  assert.equal(trouble({ ...well, state: 'retrying' }), 'retrying')
  assert.equal(trouble({ ...well, state: 'failed', error: 'no such file' }), 'no such file')
  assert.equal(trouble({ ...well, dropped: 2, restarts: 1 }), '2 segments could not be written; 1 restart')
})

/** @type {import('../../client/admin/words.js').Task} */
const task = {
  id: 'x', kind: 'export', about: 'garden', state: 'running', created: 0, ended: null, progress: 0.413, detail: 'copying', error: '', result: {}
}

test('a task says how far it is, and why it failed', () => {
  assert.equal(standing(task), '41 % · copying')
  assert.equal(standing({ ...task, progress: null, detail: '' }), 'Running')
  assert.equal(standing({ ...task, state: 'failed', error: 'the disk is full' }), 'Failed: the disk is full')
  assert.equal(standing({ ...task, state: 'done', result: { bytes: 1_500_000 } }), 'Done, 1.5 MB')
})

test('a result is fetched from this site and nowhere else', () => {
  const done = { ...task, state: 'done', result: { recording: 'garden-1', file: 'whole.mp4' } }
  assert.equal(outcome(done), '/api/recordings/garden-1/exports/whole.mp4')
  assert.equal(outcome({ ...done, result: { recording: '../..', file: '//x' } }), '/api/recordings/..%2F../exports/%2F%2Fx')
  assert.equal(outcome({ ...done, result: { name: 'an import' } }), null)
  assert.equal(outcome({ ...done, state: 'running' }), null, 'not before it is done')
})
