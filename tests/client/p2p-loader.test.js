// createP2PLoader with every hls.js that it is meant for, as Node runs it: whose engine is whose, and until when.

import assert from 'node:assert/strict'
import { afterEach, describe, test } from 'node:test'
import { createP2PLoader } from '../../client/p2p-loader.js'

/** @type {(() => unknown)[]} */
const ends = []
afterEach(async () => { for (const end of ends.splice(0)) await end() })

for (const name of ['hls.js', 'hls.js-1.6', 'hls.js-1.5']) {
  for (const file of ['', '/dist/hls.light.mjs']) {
    const { default: Hls } = await import(name + file)

    describe(`${name} ${Hls.version} ${file}`, () => {
      const make = (/** @type {import('../../client/p2p-loader.js').P2PLoader} */ p2p) => {
        const hls = new Hls({ ...p2p.config, maxBufferLength: 20 })
        ends.push(() => hls.destroy())
        return hls
      }
      const begun = (options = {}) => {
        const p2p = createP2PLoader(Hls, options)
        ends.push(() => p2p.destroy())
        return p2p
      }
      const nameOfLoader = (/** @type {any} */ hls) => new hls.config.fLoader(hls.config).constructor.name

      test('an instance has an engine that ends with it', () => {
        const p2p = begun()
        const hls = make(p2p)
        assert.equal(nameOfLoader(hls), 'EngineLoader')
        assert.equal(p2p.engine.closed, false)
        hls.destroy()
        assert.equal(p2p.engine.closed, true)
        assert.equal(p2p.stats().bytesFromPeers, 0, 'its statistics stay')
      })

      test('several on a page have an engine each', () => {
        const [one, other] = [begun(), begun()]
        const [first] = [make(one), make(other)]
        assert.notEqual(one.engine, other.engine)
        first.destroy()
        assert.deepEqual([one.engine.closed, other.engine.closed], [true, false])
      })

      test('one that is made anew has a new engine', () => {
        const p2p = begun()
        make(p2p).destroy()
        const hls = make(p2p)
        assert.equal(p2p.engine.closed, false)
        assert.equal(nameOfLoader(hls), 'EngineLoader')
      })

      test('a player within the player, with its settings, takes plain HTTP and ends nothing', () => {
        const p2p = begun()
        const hls = make(p2p)
        const advertisement = make(p2p)
        assert.notEqual(nameOfLoader(advertisement), 'EngineLoader')
        advertisement.destroy()
        assert.equal(p2p.engine.closed, false)
        assert.equal(nameOfLoader(hls), 'EngineLoader')
      })

      test('what is past the engine goes through the page\'s own loader', () => {
        const asked = /** @type {string[]} */ ([])
        class Own extends Hls.DefaultConfig.loader {
          load (/** @type {any[]} */ ...args) { asked.push(args[0].url) }
        }
        const p2p = begun()
        const hls = new Hls({ ...p2p.config, loader: Own })
        ends.push(() => hls.destroy())
        new hls.config.fLoader(hls.config).load({ url: 'https://tv.example/key', responseType: 'arraybuffer' }, { loadPolicy: {} }, {})
        assert.deepEqual(asked, ['https://tv.example/key'])
      })

      test('where the page has an fpsController of its own, loaders work and destroy ends them', async () => {
        const p2p = begun()
        const hls = new Hls({ ...p2p.config, fpsController: Hls.DefaultConfig.fpsController })
        ends.push(() => hls.destroy())
        assert.equal(nameOfLoader(hls), 'EngineLoader')
        hls.destroy()
        await p2p.destroy()
        assert.equal(p2p.engine.closed, true)
      })

      test('options reach the engine, and what our loaders need hls.js', () => {
        const p2p = begun({ sharing: false, mode: 'p2p-only' })
        assert.equal(p2p.stats().sharing, false)
        assert.equal(p2p.engine.p2pOnly, true)
        assert.equal(make(p2p).config.fragLoadPolicy.default.maxTimeToFirstByteMs, 30_000)
      })
    })
  }
}
