import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CLOSE, DATA, HEADER, Message, OPEN, readFrames } from '../../client/mesh/frames.js'
import { MAX_MESSAGE, decode, encode } from '../../client/mesh/gossip.js'
import { iceServers } from '../../client/mesh/ice.js'
import { PieceSet } from '../../client/pieces.js'

const ID = '0123456789abcdef'.repeat(2) + '01234567'

test('every gossip message survives the channel', () => {
  const pieces = new PieceSet(11)
  for (const i of [0, 4, 10]) pieces.add(i)
  for (const message of [
    { t: 'hello', v: 1, id: ID, share: true, age: 1234.5 }, { t: 'share', share: false }, { t: 'know', ids: [ID] },
    { t: 'lost', ids: [] }, { t: 'pull', id: ID, on: true }, { t: 'ping', at: 12.5 }, { t: 'pong', at: 12.5 },
    { t: 'have', id: ID, pieces }
  ]) assert.deepEqual(decode(encode(message)), message)
})

test('the largest message fits the bound', () => {
  assert.ok(encode({ t: 'have', id: ID, pieces: new PieceSet(4096, true) }).length < MAX_MESSAGE)
  assert.ok(encode({ t: 'know', ids: Array(64).fill(ID) }).length < MAX_MESSAGE)
})

test('nonsense from a peer is dropped, never thrown', () => {
  for (const text of [
    '', '{', 'null', '[]', '"x"', '{"t":"have"}', `{"t":"have","id":"${ID}","n":1e9,"bits":"f"}`,
    '{"t":"know","ids":[1]}', `{"t":"know","ids":${JSON.stringify(Array(65).fill(ID))}}`, '{"t":"hello","v":1,"id":"../x"}',
    '{"t":"ping","at":"x"}', '{"t":"__proto__"}', 'x'.repeat(MAX_MESSAGE + 1), 7, null, new ArrayBuffer(3)
  ]) assert.equal(decode(text), null, String(text).slice(0, 60))
})

test('a bitfield of the wrong length claims nothing beyond its size', () => {
  const message = decode(`{"t":"have","id":"${ID}","n":3,"bits":"ffffffff"}`)
  assert.equal(message?.t === 'have' && message.pieces.count, 3)
})

/** @param {(message: Message) => void} fill */
function message (fill, size = 4400) {
  const message = new Message(size)
  fill(message)
  return message.filled.slice().buffer
}

test('a message keeps its frames, their types, labels and payloads, in order', () => {
  const read = readFrames(message(m => {
    m.add(OPEN, 1, new Uint8Array(20).fill(7))
    m.add(DATA, 0xfffffffe, Uint8Array.of(1, 2), Uint8Array.of(3))
    m.add(CLOSE, 7)
  }))
  assert.deepEqual(read, [
    { type: OPEN, label: 1, payload: new Uint8Array(20).fill(7) },
    { type: DATA, label: 0xfffffffe, payload: Uint8Array.of(1, 2, 3) },
    { type: CLOSE, label: 7, payload: new Uint8Array(0) }
  ])
})

test('a full message says that it has no room', () => {
  const full = new Message(HEADER + 4)
  assert.equal(full.room, 4)
  full.add(DATA, 1, new Uint8Array(4))
  assert.ok(full.room < 0)
})

test('of a message with anything wrong in it, nothing is read', () => {
  const good = message(m => m.add(DATA, 1, Uint8Array.of(1)))
  for (const bad of [
    new ArrayBuffer(0),
    new ArrayBuffer(HEADER - 1),
    new ArrayBuffer(70_000),
    message(m => m.add(9, 1)),
    message(m => m.add(OPEN, 1, new Uint8Array(19))),
    good.slice(0, good.byteLength - 1),
    message(m => { m.add(DATA, 1, Uint8Array.of(1)); m.add(9, 1) })
  ]) assert.equal(readFrames(bad), null)
})

test('ICE addresses that Chromium would throw on are left out and named', () => {
  const bad = ['stun:a.example?transport=udp', 'turn:a.example', 'http://x', 'stun:', 'stun:a b', '']
  const { servers, refused } = iceServers([...bad, 'stun:a.example:3478', 'stun:[::1]:3478', 'stun:a.example:3478'])
  assert.deepEqual(servers, [{ urls: 'stun:a.example:3478' }, { urls: 'stun:[::1]:3478' }])
  assert.deepEqual(refused, bad)
})

test('a TURN server needs its credentials, which no message names; the first of a URL counts', () => {
  const login = { username: '1700000000:ab', credential: 'SECRET' }
  const urls = ['turn:a.example:3478?transport=udp', 'turns:[::1]?transport=tcp']
  const { servers, refused } = iceServers([
    { urls, ...login }, { urls: 'turn:b.example', username: 'x' }, { urls: 'turn:c.example:70000', ...login },
    { urls: 'turn:d.example?transport=sctp', ...login }, { urls: urls[0], username: 'old', credential: 'old' }, null, 7, {}
  ])
  assert.deepEqual(servers, urls.map(urls => ({ urls, ...login })))
  assert.deepEqual(refused, ['turn:b.example', 'turn:c.example:70000', 'turn:d.example?transport=sctp', 'undefined'])
  assert.ok(!JSON.stringify(refused).includes('SECRET'))
})

test('no more servers are used than help, whoever lists them', () => {
  const { servers, refused } = iceServers(Array.from({ length: 9 }, (_, n) => `stun:s${n}.example`))
  assert.equal(servers.length, 4)
  assert.equal(refused.length, 5)
})
