// The torrents as pages have them (bundled with the trimmed webtorrent): two viewers' at the ends of a link's wires.

import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, before, mock, test } from 'node:test'
import { build } from 'esbuild'
import { trimmed } from '../../client/shims/plugin.mjs'

const root = resolve(import.meta.dirname, '../..')
const PIECE = 16384
const PIECES = 4
/** ms */
const LAG = 20
/** Many times what it takes, turns of LAG. */
const PATIENCE = 100

/** @type {any} what the bundle exports */
let lib
/** @type {string} */
let folder

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'live-torrent-'))
  const outfile = join(folder, 'swarm.mjs')
  const contents = ['swarm', 'holding', 'metainfo', 'mesh/wires', 'mesh/outlet', 'mesh/cap']
    .map(name => `export * from './client/${name}.js'`).join('\n')
  await build({
    ...trimmed(root).options, absWorkingDir: root, stdin: { contents, resolveDir: root }, bundle: true, format: 'esm', outfile
  })
  // As in a page, but no channel that keeps the process waiting for its end (soon.js).
  class Unwaited extends MessageChannel {
    constructor () {
      super()
      queueMicrotask(() => { for (const port of [this.port1, this.port2]) port.unref() })
    }
  }
  Object.assign(globalThis, { self: globalThis, MessageChannel: Unwaited })
  lib = await import(outfile)
})

after(() => rm(folder, { recursive: true }))

/** One end of a data channel: all that is said within LAG ms arrives at the other one at once. */
class Channel extends EventTarget {
  readyState = 'open'
  bufferedAmount = 0
  /** @type {Channel | null} */
  other = null
  /** @type {ArrayBufferLike[]} */
  said = []

  /** @param {Uint8Array} message */
  send (message) {
    if (this.said.push(message.slice().buffer) > 1) return
    setTimeout(() => {
      for (const data of this.said.splice(0)) this.other?.dispatchEvent(Object.assign(new Event('message'), { data }))
    }, LAG)
  }
}

/** A segment's metainfo. @param {Buffer} bytes */
async function segment (bytes) {
  const hashes = Array.from({ length: PIECES }, (_, i) =>
    createHash('sha1').update(bytes.subarray(i * PIECE, (i + 1) * PIECE)).digest())
  const head = `d6:lengthi${bytes.length}e4:name1:s12:piece lengthi${PIECE}e6:pieces${20 * PIECES}:`
  const info = Buffer.concat([Buffer.from(head), ...hashes, Buffer.from('e')])
  return lib.readMetainfo(createHash('sha1').update(info).digest('hex'), info.toString('base64'))
}

/** A viewer with one link, whose wires it opens as dialogue.js does: who has all waits to be asked. */
class Viewer {
  complete = false

  /** @param {string} name one hex digit @param {string} peer the other's @param {Channel} channel */
  constructor (name, peer, channel) {
    const open = (/** @type {string} */ id) => {
      if (!this.swarm.ready(id, this.wires.peer) || (this.complete && !this.wires.offered(id))) return
      const stream = this.wires.open(id, 1 << 20)
      if (stream) this.swarm.addPeer(id, stream)
    }
    const id = (/** @type {string} */ digit) => `2d4c56303130302d${digit.repeat(24)}`
    this.wires = new lib.Wires(channel, id(peer), open, assert.fail, () => 1, new lib.Outlet(new lib.Cap()))
    this.swarm = new lib.Swarm(id(name), {
      onPiece () {}, onBytes () {}, onUpload () {}, onAbuse: assert.fail, onReady: open,
      sharing: () => true, rtt: () => 1, wanters: () => [], carries: () => true
    }, () => {})
  }

  /** @param {any} metainfo @param {Buffer} [bytes] */
  hold (metainfo, bytes) {
    const holding = new lib.Holding(metainfo)
    if (bytes) for (let i = 0; i < PIECES; i++) holding.put(i, bytes.subarray(i * PIECE, (i + 1) * PIECE), 'origin')
    this.complete = holding.have.complete
    this.swarm.add(holding)
    return holding
  }

  close () {
    this.swarm.close()
    this.wires.close()
  }
}

/** @param {() => boolean} holds */
async function until (holds) {
  for (let i = 0; i < PATIENCE && !holds(); i++) await new Promise(resolve => setTimeout(resolve, LAG))
}

test('whom a segment is not asked of again no stream is opened to, so that none goes back and forth', async t => {
  const [here, there] = [new Channel(), new Channel()]
  ;[here.other, there.other] = [there, here]
  const [newcomer, settled] = [new Viewer('a', 'b', here), new Viewer('b', 'a', there)]
  t.after(() => { for (const viewer of [newcomer, settled]) viewer.close() })
  const bytes = randomBytes(PIECES * PIECE)
  const metainfo = await segment(bytes)
  settled.hold(metainfo, bytes)
  await until(() => settled.swarm.ready(metainfo.infohash, settled.wires.peer))
  newcomer.hold(metainfo)
  const { stalled, torrent } = newcomer.swarm.entries.get(metainfo.infohash)
  stalled.add(newcomer.wires.peer)
  await until(() => torrent.ready)
  for (let i = 0; i < 10; i++) await new Promise(resolve => setTimeout(resolve, LAG))
  assert.deepEqual([newcomer, settled].map(viewer => viewer.wires.nextLabel), [1, 1], 'streams opened')
})

test('who opens a stream to a peer that holds all asks it at once, not when it next looks', async t => {
  mock.timers.enable({ apis: ['setInterval'] }) // which looking goes by
  const [here, there] = [new Channel(), new Channel()]
  ;[here.other, there.other] = [there, here]
  const [newcomer, settled] = [new Viewer('a', 'b', here), new Viewer('b', 'a', there)]
  t.after(() => {
    for (const viewer of [newcomer, settled]) viewer.close()
    mock.timers.reset()
  })
  const bytes = randomBytes(PIECES * PIECE)
  const metainfo = await segment(bytes)
  settled.hold(metainfo, bytes)
  await until(() => settled.swarm.ready(metainfo.infohash, settled.wires.peer))
  const holding = newcomer.hold(metainfo)
  await until(() => holding.have.complete)
  assert.ok(holding.have.complete, `${holding.have.count} of ${PIECES} pieces`)
  assert.deepEqual(Buffer.from(holding.bytes), bytes)
})
