// What client/shims/ gives instead of the package `events` does what Node's own does, as far as it is used.

import assert from 'node:assert/strict'
import { EventEmitter as Real } from 'node:events'
import { test } from 'node:test'
import Ours from '../../client/shims/events.cjs'

/** Both live through the same; what was called, with what, and what was returned. @param {(emitter: any, log: any[]) => void} story */
function same (story) {
  const [ours, real] = [Ours, Real].map(Emitter => {
    const log = []
    story(new Emitter(), log)
    return log
  })
  assert.deepEqual(ours, real)
  assert.ok(real.length > 0)
}

test('listeners are called in their order, with the emitter as this, and counted', () => same((emitter, log) => {
  const first = function (...args) { log.push(['first', this === emitter, ...args]) }
  emitter.on('a', first).addListener('a', (...args) => log.push(['second', ...args]))
  log.push(emitter.emit('a', 1, 2), emitter.emit('b'), emitter.listenerCount('a'), emitter.listenerCount('b'))
  emitter.off('a', first)
  log.push(emitter.emit('a'), emitter.listenerCount('a'))
}))

test('one that is to be called once is, and can be taken away before', () => same((emitter, log) => {
  const once = value => log.push(['once', value])
  emitter.once('a', once)
  emitter.emit('a', 1)
  emitter.emit('a', 2)
  emitter.once('a', once)
  emitter.removeListener('a', once)
  log.push(emitter.emit('a', 3))
}))

test('who is added or taken away meanwhile changes the next call, not this one', () => same((emitter, log) => {
  const late = () => log.push('late')
  const gone = () => log.push('gone')
  emitter.on('a', () => {
    emitter.on('a', late)
    emitter.off('a', gone)
  })
  emitter.on('a', gone)
  emitter.emit('a')
  log.push('|')
  emitter.emit('a')
}))

test('of one listener that was added twice the last goes first', () => same((emitter, log) => {
  const twice = () => log.push('twice')
  emitter.on('a', twice).on('a', () => log.push('between')).on('a', twice)
  emitter.off('a', twice)
  emitter.emit('a')
  emitter.removeAllListeners('a')
  log.push(emitter.emit('a'))
}))

test('who wants to know is told of new listeners, before they are there', () => same((emitter, log) => {
  emitter.on('newListener', (name, listener) => log.push([name, listener.name, emitter.listenerCount(name)]))
  emitter.once('a', function heard () {})
}))

test('an error that nobody hears is thrown', () => {
  for (const Emitter of [Ours, Real]) {
    const emitter = new Emitter()
    const error = new TypeError('bad')
    assert.throws(() => emitter.emit('error', error), error)
    assert.throws(() => emitter.emit('error', 'text'), /text/)
    emitter.on('error', () => {})
    assert.equal(emitter.emit('error', error), true)
  }
})
