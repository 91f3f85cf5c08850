import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EarlyPlaylists } from '../../client/early.js'

const MASTER = 'https://x/live/a/master.m3u8'
const ONE = '#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nv0/index.m3u8\n'
const TWO = `${ONE}#EXT-X-STREAM-INF:BANDWIDTH=2\nv1/index.m3u8\n`
const MEDIA = '#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n1.ts\n'

/** An origin with these playlists and a clock of its own. @param {Record<string, string>} texts */
function site (texts) {
  const clock = { now: 0 }
  /** @type {string[]} */
  const asked = []
  const early = new EarlyPlaylists(async url => {
    asked.push(url)
    const text = texts[url]
    if (text === undefined) throw new Error('no such playlist')
    return { url, status: 200, contentType: '', text, at: 0 }
  }, () => clock.now)
  return { early, asked, clock }
}

const settled = () => new Promise(resolve => setImmediate(resolve))

test('the only variant is asked for as soon as it is known', async () => {
  const { early, asked } = site({ [MASTER]: ONE, 'https://x/live/a/v0/index.m3u8': MEDIA })
  early.begin(MASTER)
  await settled()
  assert.deepEqual(asked, [MASTER, 'https://x/live/a/v0/index.m3u8'])
  assert.equal((await early.take('https://x/live/a/v0/index.m3u8'))?.text, MEDIA)
})

test('which of several variants it will be is left to the player', async () => {
  const { early, asked } = site({ [MASTER]: TWO })
  early.begin(MASTER)
  await settled()
  assert.deepEqual(asked, [MASTER])
})

test('a playlist is handed out once, and not when it is old', async () => {
  const { early, clock } = site({ [MASTER]: ONE, 'https://x/live/a/v0/index.m3u8': MEDIA })
  early.begin(MASTER)
  assert.equal((await early.take(MASTER))?.text, ONE)
  assert.equal(early.take(MASTER), undefined)
  await settled()
  clock.now = 5000
  assert.equal(early.take('https://x/live/a/v0/index.m3u8'), undefined)
})

test('who takes a playlist that could not be had is told, and nobody else is disturbed', async () => {
  const { early } = site({})
  early.begin(MASTER)
  await settled()
  await assert.rejects(async () => early.take(MASTER), /no such playlist/)
})
