import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import Protocol from 'bittorrent-protocol'
import { answerInTime } from '../../client/answering.js'
import { Wires } from '../../client/mesh/wires.js'

const BLOCK = 16384
const HASH = '0123456789abcdef'.repeat(2) + '01234567'

/** Node waits for open ports: those that client/mesh/soon.js makes are closed at the end. */
const ports = []
globalThis.MessageChannel = class extends MessageChannel {
  constructor () {
    super()
    ports.push(this.port1)
  }
}
after(() => ports.forEach(port => port.close()))

/** One end of a data channel on a line that carries nothing until it is told to. */
class Channel extends EventTarget {
  readyState = 'open'
  bufferedAmount = 0
  queue = []

  send (message) {
    this.queue.push(message.slice().buffer)
    this.bufferedAmount += message.length
  }

  carry () {
    const messages = this.queue.splice(0)
    this.bufferedAmount = 0
    for (const data of messages) this.other.dispatchEvent(Object.assign(new Event('message'), { data }))
    if (messages.length > 0) this.dispatchEvent(new Event('bufferedamountlow'))
    return messages.reduce((sum, { byteLength }) => sum + byteLength, 0)
  }
}

/** All that is to be done in this turn of the event loop, and what follows from it. */
const settled = async () => { for (let i = 0; i < 6; i++) await new Promise(resolve => setTimeout(resolve, 1)) }

/** Two peers, each with webtorrent's own wire on a sub-stream; `seeder` has every block that is asked for. */
async function pair () {
  const channels = [new Channel(), new Channel()]
  channels[0].other = channels[1]
  channels[1].other = channels[0]
  const outlet = { may: () => true, leave () {} }
  const [seeder, asker] = channels.map(channel => {
    const wires = new Wires(channel, 'p', () => {}, reason => assert.fail(reason), () => 100, outlet)
    const stream = wires.open(HASH, 1e9)
    const wire = new Protocol()
    wire.setKeepAlive(false)
    stream.pipe(wire).pipe(stream)
    answerInTime({ _peers: new Map([['p', { wire, conn: stream }]]) }, wire)
    wire.handshake(HASH, HASH, { fast: true })
    return wire
  })
  seeder.on('request', (index, offset, length, respond) => respond(null, new Uint8Array(length).fill(offset / BLOCK)))
  const carry = async () => {
    await settled()
    const bytes = channels[0].carry() + channels[1].carry()
    await settled()
    return bytes
  }
  await carry()
  seeder.unchoke()
  await carry()
  const got = []
  asker.on('piece', (index, offset, bytes) => got.push([offset / BLOCK, bytes[0]]))
  const ask = block => asker.request(0, block * BLOCK, BLOCK, () => {})
  return { seeder, asker, got, ask, carry }
}

test('all that is asked for comes, in order', async () => {
  const { got, ask, carry } = await pair()
  for (let block = 0; block < 30; block++) ask(block)
  while (await carry() > 0);
  assert.deepEqual(got, Array.from({ length: 30 }, (_, block) => [block, block]))
})

test('what is taken back while it waits for the line is not sent', async () => {
  const { asker, got, ask, carry } = await pair()
  for (let block = 0; block < 30; block++) ask(block)
  await carry() // the requests arrive, and what may be handed over ahead is
  for (let block = 20; block < 30; block++) asker.cancel(0, block * BLOCK, BLOCK)
  let bytes = 0
  for (let more = await carry(); more > 0; more = await carry()) bytes += more
  assert.deepEqual(got.map(([block]) => block), Array.from({ length: 20 }, (_, block) => block))
  assert.ok(bytes < 21 * BLOCK)
})

test('who is choked gets nothing more of what it asked for, and is told so', async () => {
  const { seeder, asker, got, ask, carry } = await pair()
  const rejected = []
  asker.on('reject', (index, offset) => rejected.push(offset / BLOCK))
  for (let block = 0; block < 30; block++) ask(block)
  await carry() // the requests arrive, and what may be handed over ahead is
  seeder.choke()
  const gone = seeder.uploaded / BLOCK
  while (await carry() > 0);
  assert.equal(seeder.uploaded / BLOCK, gone)
  assert.deepEqual(got.map(([block]) => block), Array.from({ length: gone }, (_, block) => block))
  assert.deepEqual(rejected, Array.from({ length: 30 - gone }, (_, n) => gone + n))
})

test('what is counted as uploaded is what is about to leave', async () => {
  const { seeder, ask, carry } = await pair()
  for (let block = 0; block < 30; block++) ask(block)
  await carry()
  assert.ok(seeder.uploaded > 0 && seeder.uploaded < 15 * BLOCK, `${seeder.uploaded} bytes`)
  while (await carry() > 0);
  assert.equal(seeder.uploaded, 30 * BLOCK)
})
