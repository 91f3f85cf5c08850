import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OriginError } from '../../client/origin.js'
import { parsePlaylist } from '../../client/playlist.js'
import { SiteStreams } from '../../client/site-streams.js'

const MINUTE = 60_000
/** @param {string} stream one letter */
const id = stream => stream.repeat(40)
const swarm = (/** @type {string} */ stream) => `#EXTM3U\n#EXT-X-COM-LIVETORRENT-SWARM:ID="${id(stream)}",TRACKER="wss://tv.example/announce"\n`
/** A media playlist of one segment. @param {string} stream @param {{ live?: boolean, uri?: string }} [options] */
const media = (stream, { live = true, uri = `https://cdn.example/${stream}/1.ts` } = {}) => `${swarm(stream)}#EXT-X-TARGETDURATION:2
#EXT-X-COM-LIVETORRENT:MAGNET="magnet:?xt=urn:btih:${id(stream)}",INFO="x"\n#EXTINF:2,\n${uri}\n${live ? '' : '#EXT-X-ENDLIST\n'}`

/** A site whose player asks for what is at these addresses. @param {Record<string, string>} at */
function site (at) {
  const world = { now: 0, showing: true, fetched: /** @type {string[]} */ ([]), running: /** @type {any[]} */ ([]), made: 0 }
  const streams = new SiteStreams({
    fetch: async url => {
      world.fetched.push(url)
      const text = at[url]
      if (text === undefined) throw new OriginError('no', url.endsWith('?members') ? 403 : 404)
      return { url, status: 200, contentType: '', text, at: 0 }
    },
    run: () => {
      const known = new Set()
      const running = {
        bytes: 0,
        engine: /** @type {any} */ ({
          learn: (/** @type {any} */ { text, url }) => { for (const segment of parsePlaylist(text, url).segments) known.add(segment.url) },
          knows: (/** @type {string} */ url) => known.has(url),
          segment: async (/** @type {string} */ url) => ({ data: url })
        }),
        fetched: (/** @type {string} */ _, /** @type {number} */ bytes) => { running.bytes += bytes },
        close: () => { world.running.splice(world.running.indexOf(running), 1) }
      }
      world.made += 1
      world.running.push(running)
      return running
    },
    showing: () => world.showing,
    now: () => world.now
  })
  return { streams, world }
}

const A = 'https://tv.example/a.m3u8'
const SEGMENT = 'https://cdn.example/a/1.ts'

test('a playlist with our tags has an engine made, which then knows its segments, wherever they are', async () => {
  const { streams, world } = site({ [A]: media('a') })
  assert.equal(streams.knows(SEGMENT), false)
  assert.equal((await streams.playlist(A)).text, media('a'))
  assert.equal(streams.knows(SEGMENT), true)
  assert.deepEqual(await streams.segment(SEGMENT, {}), { data: SEGMENT })
  assert.equal(world.made, 1)
})

test("a stream's playlists share an engine, and other streams have others", async () => {
  const { streams, world } = site({ [A]: `${swarm('a')}#EXT-X-STREAM-INF:BANDWIDTH=1\nv.m3u8\n`, 'https://tv.example/v.m3u8': media('a'), 'https://tv.example/b.m3u8': media('b') })
  await streams.playlist(A)
  await streams.playlist('https://tv.example/v.m3u8')
  assert.equal(world.made, 1)
  await streams.playlist('https://tv.example/b.m3u8')
  assert.equal(world.made, 2)
})

test('a playlist without our tags is given once and passed on from then on', async () => {
  const plain = 'https://tv.example/plain.m3u8'
  const { streams, world } = site({ [plain]: '#EXTM3U\n' })
  assert.equal(streams.plays(plain), true)
  assert.equal((await streams.playlist(plain)).text, '#EXTM3U\n')
  assert.equal(streams.plays(plain), false)
  assert.equal(streams.plays(`${plain}?_HLS_msn=7&_HLS_part=1`), false)
  assert.equal(world.made, 0)
})

test('what only members may see is left to the browser, what is not there yet is asked for again', async () => {
  const { streams } = site({})
  for (const url of ['https://tv.example/x.m3u8?members', A]) await assert.rejects(streams.playlist(url))
  assert.equal(streams.plays('https://tv.example/x.m3u8?members'), false)
  assert.equal(streams.plays(A), true)
})

test('a live stream nobody asks for is left after a minute', async () => {
  const { streams, world } = site({ [A]: media('a') })
  await streams.playlist(A)
  world.now = MINUTE
  await streams.playlist(A)
  world.now = 2 * MINUTE
  streams.sweep()
  assert.equal(world.running.length, 1)
  world.now += 1
  streams.sweep()
  assert.equal(world.running.length, 0)
})

test('a recording is left only when its player is gone, and comes back with it', async () => {
  const { streams, world } = site({ [A]: media('a', { live: false }) })
  await streams.playlist(A)
  world.now = 10 * MINUTE
  streams.sweep()
  assert.equal(world.running.length, 1, 'paused')
  world.showing = false
  streams.sweep()
  assert.equal(world.running.length, 0)
  assert.equal(streams.knows(SEGMENT), false, 'the first comes over HTTP')
  await new Promise(resolve => setTimeout(resolve))
  assert.deepEqual([streams.knows(SEGMENT), world.running.length, world.fetched.length], [true, 1, 2])
})

test('three engines at most: the stream asked for longest ago goes', async () => {
  const { streams, world } = site(Object.fromEntries([...'abcd'].map(name => [`https://tv.example/${name}.m3u8`, media(name)])))
  for (const name of 'abcad') await streams.playlist(`https://tv.example/${name}.m3u8`)
  assert.equal(world.running.length, 3)
  assert.deepEqual([...'abcd'].map(name => world.running.some(({ engine }) => engine.knows(`https://cdn.example/${name}/1.ts`))), [true, false, true, true])
})

test('many streams one after the other leave nothing behind', async () => {
  const hex = '0123456789abcdef'
  const { streams, world } = site(Object.fromEntries([...hex].map(name => [`https://tv.example/${name}.m3u8`, media(name)])))
  for (const name of hex) await streams.playlist(`https://tv.example/${name}.m3u8`)
  streams.close()
  assert.equal(world.running.length, 0)
  assert.equal(streams.knows('https://cdn.example/0/1.ts'), false)
  await new Promise(resolve => setTimeout(resolve))
  assert.equal(world.running.length, 0, 'forgotten: not even its playlist is loaded again')
})

test('what was loaded before anybody listened is caught up with, once', async () => {
  const { streams, world } = site({ [A]: media('a'), 'https://tv.example/plain.m3u8': '#EXTM3U\n' })
  await streams.catchUp([A, 'https://tv.example/plain.m3u8', 'https://tv.example/gone.m3u8'])
  assert.equal(streams.knows(SEGMENT), true)
  await streams.catchUp([A, 'https://tv.example/plain.m3u8'])
  assert.equal(world.fetched.length, 3)
})

test('what does not look like media is named, so that the worker asks for it', async () => {
  const odd = 'https://cdn.example/a/chunk?id=1'
  const { streams } = site({ [A]: media('a', { uri: odd }), 'https://tv.example/m.m3u8': `${swarm('a')}#EXT-X-STREAM-INF:BANDWIDTH=1\nhttps://tv.example/720\n` })
  assert.deepEqual((await streams.playlist(A)).names, [[odd, 'segment']])
  assert.deepEqual((await streams.playlist('https://tv.example/m.m3u8')).names, [['https://tv.example/720', 'playlist']])
})

test('what the worker had from the origin counts for the stream it lies beside', async () => {
  const { streams, world } = site({ [A]: media('a') })
  assert.equal(streams.fetched(SEGMENT, 10), false)
  await streams.playlist(A)
  assert.equal(streams.fetched('https://cdn.example/a/0.ts', 5), true)
  assert.equal(streams.fetched('https://ads.example/0.ts', 7), false)
  assert.equal(world.running[0].bytes, 5)
})
