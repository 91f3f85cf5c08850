import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { Holding, HoldingStore } from '../../client/holding.js'
import { toDrop } from '../../client/keep.js'
import { Library } from '../../client/library.js'
import { pieceRange, readMetainfo, torrentFile } from '../../client/metainfo.js'
import { PieceSet } from '../../client/pieces.js'
import { parseAttributes, parsePlaylist, withoutDirectives } from '../../client/playlist.js'
import { Stats } from '../../client/stats.js'

const BASE = 'https://origin.example/live/demo/v0/index.m3u8'
const SWARM = `#EXT-X-COM-LIVETORRENT-SWARM:ID="${'ab'.repeat(20)}",TRACKER="wss://origin.example/announce",ICE="stun:a:1,stun:b:2"`

/** A real info dictionary over real bytes. */
function makeTorrent (bytes, pieceLength = 65536, name = 'a.m4s') {
  const hashes = []
  for (let at = 0; at < bytes.length; at += pieceLength) hashes.push(createHash('sha1').update(bytes.subarray(at, at + pieceLength)).digest())
  const pieces = Buffer.concat(hashes)
  const info = Buffer.concat([
    Buffer.from(`d6:lengthi${bytes.length}e4:name${Buffer.byteLength(name)}:${name}12:piece lengthi${pieceLength}e6:pieces${pieces.length}:`),
    pieces, Buffer.from('e')
  ])
  return { infohash: createHash('sha1').update(info).digest('hex'), info: info.toString('base64') }
}

function playlist (segments, { msn = 0, end = false } = {}) {
  const lines = ['#EXTM3U', SWARM, '#EXT-X-TARGETDURATION:2', `#EXT-X-MEDIA-SEQUENCE:${msn}`]
  for (const { uri, torrent } of segments) {
    if (torrent) lines.push(`#EXT-X-COM-LIVETORRENT:MAGNET="magnet:?xt=urn:btih:${torrent.infohash}&dn=x",INFO="${torrent.info}"`)
    lines.push('#EXTINF:2.000,', uri)
  }
  if (end) lines.push('#EXT-X-ENDLIST')
  return lines.join('\r\n') + '\r\n'
}

test('a playlist gives segments, torrents and the swarm', () => {
  const torrent = makeTorrent(Buffer.alloc(10))
  const parsed = parsePlaylist(playlist([{ uri: 'a%20b.m4s', torrent }, { uri: '../x.ts?y=1#z' }], { msn: 41 }), BASE)
  assert.equal(parsed.live, true)
  const { terms, ...swarm } = parsed.swarm
  assert.deepEqual(swarm, { id: 'ab'.repeat(20), tracker: 'wss://origin.example/announce', ice: ['stun:a:1', 'stun:b:2'] })
  assert.deepEqual(Object.values(terms).filter(term => term !== undefined), [])
  assert.deepEqual(parsed.segments.map(s => [s.msn, s.url, s.infohash]), [
    [41, 'https://origin.example/live/demo/v0/a%20b.m4s', torrent.infohash],
    [42, 'https://origin.example/live/demo/x.ts?y=1', '']
  ])
})

test('in a mirrored manifest the tags of the server it came from count', () => {
  const [ours, theirs] = [makeTorrent(Buffer.alloc(10, 1)), makeTorrent(Buffer.alloc(10, 2))]
  const tag = torrent => `#EXT-X-COM-LIVETORRENT:MAGNET="magnet:?xt=urn:btih:${torrent.infohash}",INFO="${torrent.info}"`
  const other = SWARM.replaceAll('ab', 'cd')
  const parsed = parsePlaylist(`#EXTM3U\n${SWARM}\n${other}\n${tag(theirs)}\n${tag(ours)}\n#EXTINF:2,\na\n`, BASE)
  assert.equal(parsed.swarm?.id, 'ab'.repeat(20))
  assert.equal(parsed.segments[0]?.infohash, ours.infohash)
})

test('a tag binds to the next segment only', () => {
  const torrent = makeTorrent(Buffer.alloc(10))
  const tag = `#EXT-X-COM-LIVETORRENT:MAGNET="magnet:?xt=urn:btih:${torrent.infohash}",INFO="${torrent.info}"`
  const parsed = parsePlaylist(`#EXTM3U\n${tag}\n#EXTINF:2,\na\n#EXTINF:2,\nb\n`, BASE)
  assert.deepEqual(parsed.segments.map(s => s.infohash !== ''), [true, false])
})

test('a range without an offset follows the range before it, where there is one of the same resource', () => {
  const torrent = makeTorrent(Buffer.alloc(10))
  const tag = `#EXT-X-COM-LIVETORRENT:MAGNET="magnet:?xt=urn:btih:${torrent.infohash}",INFO="${torrent.info}"`
  const listed = ['5@100,a', '7,a', '3@0,a', ',a', '4,a', '4@8,b', '4,a', '0@0,b', '-5@9,b', '4@-9,b', 'x@y,b']
  const lines = listed.map(text => {
    const [range, uri] = text.split(',')
    return `${tag}\n${range ? `#EXT-X-BYTERANGE:${range}\n` : ''}#EXTINF:2,\n${uri}`
  })
  const parsed = parsePlaylist(['#EXTM3U', ...lines, ''].join('\n'), BASE)
  const ranges = [[100, 105], [105, 112], [0, 3], null, null, [8, 12], ...Array(5).fill(null)]
  assert.deepEqual(parsed.segments.map(s => s.range), ranges)
  const tagged = [true, true, true, true, false, true, ...Array(5).fill(false)]
  assert.deepEqual(parsed.segments.map(s => s.infohash !== ''), tagged, 'what begins nowhere has no torrent')
})

test('ranges of one resource are segments of their own', () => {
  const [one, two] = [makeTorrent(Buffer.alloc(10, 1)), makeTorrent(Buffer.alloc(10, 2))]
  const lines = [one, two].map((torrent, i) =>
    `#EXT-X-COM-LIVETORRENT:MAGNET="magnet:?xt=urn:btih:${torrent.infohash}",INFO="${torrent.info}"\n#EXTINF:2,\n#EXT-X-BYTERANGE:10@${10 * i}\nall.ts`)
  const library = new Library()
  library.learn(BASE, parsePlaylist(['#EXTM3U', ...lines, ''].join('\n'), BASE), 0)
  const url = 'https://origin.example/live/demo/v0/all.ts'
  assert.equal(library.find(url, [0, 10])?.id, one.infohash)
  assert.equal(library.find(url, [10, 20])?.id, two.infohash)
  for (const range of [undefined, [0, 20], [5, 15], [0, 9]]) assert.equal(library.find(url, range), undefined)
})

test('a delta update numbers its segments as the whole playlist does, and what it skips is listed still', () => {
  const torrents = [0, 1, 2, 3, 4].map(n => makeTorrent(Buffer.alloc(10, n)))
  const segments = torrents.map((torrent, n) => ({ uri: `${n}.m4s`, torrent }))
  const library = new Library()
  const whole = playlist(segments.slice(0, 4), { msn: 7 })
  library.learn(BASE, parsePlaylist(whole, BASE), 0)
  const update = playlist(segments.slice(3), { msn: 8 }).replace('SEQUENCE:8', 'SEQUENCE:8\n#EXT-X-SKIP:SKIPPED-SEGMENTS=2')
  const parsed = parsePlaylist(update, BASE)
  assert.deepEqual(parsed.segments.map(s => s.msn), [10, 11])
  assert.deepEqual(library.learn(BASE, parsed, 1).map(s => s.msn), [11], 'the newest is new')
  const group = library.groups.get(BASE)
  assert.deepEqual([group?.first, group?.last], [8, 11])
  assert.deepEqual(new Set(group?.ids), new Set(torrents.slice(1).map(t => t.infohash)), 'the first has left the window')
})

test('what a player asks of a playlist is no part of its name', () => {
  for (const [asked, name] of [
    ['/a.m3u8?_HLS_msn=7&_HLS_part=2&_HLS_skip=YES', '/a.m3u8'],
    ['/a.m3u8?k=1&_HLS_msn=7', '/a.m3u8?k=1'],
    ['/a.m3u8?_HLS_msn=7&k=1&_HLS_skip=v2&l=2', '/a.m3u8?k=1&l=2'],
    ['/a.m3u8?_HLS_msn=7#x', '/a.m3u8#x'],
    ['/a.m3u8?k=1&&l', '/a.m3u8?k=1&&l']
  ]) assert.equal(withoutDirectives(asked), name)
})

test('a multivariant playlist lists no segments, and garbage is no crash', () => {
  assert.equal(parsePlaylist('#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nv0/index.m3u8\n', BASE).multivariant, true)
  for (const text of ['', '\0\0', '#EXTINF', '#EXT-X-COM-LIVETORRENT:MAGNET="', '#EXT-X-COM-LIVETORRENT-SWARM:ID="x"', 'http://[bad']) {
    assert.equal(parsePlaylist(text, BASE).swarm, null)
  }
})

test('a tracker that is no WebSocket address is no swarm', () => {
  assert.equal(parsePlaylist(`#EXTM3U\n${SWARM.replace('wss:', 'javascript:')}\n`, BASE).swarm, null)
})

test('attribute lists keep commas and equals signs in quotes', () => {
  assert.deepEqual([...parseAttributes('A="x,y=z",B=5,A="late"')], [['A', 'x,y=z'], ['B', '5']])
})

test('INFO is checked against the magnet and decoded', async () => {
  const bytes = Buffer.alloc(150_000, 7)
  const { infohash, info } = makeTorrent(bytes, 65536, 'ä ö.m4s')
  const metainfo = await readMetainfo(infohash, info)
  assert.equal(metainfo.hashes.length, 3)
  assert.deepEqual(pieceRange(metainfo, 2), [131072, 150000])
  assert.equal(metainfo.hashes[1], createHash('sha1').update(bytes.subarray(65536, 131072)).digest('hex'))
  assert.equal(Buffer.from(torrentFile(metainfo)).toString('latin1').slice(0, 8), 'd4:infod')
})

test('INFO that lies is refused', async () => {
  const good = makeTorrent(Buffer.alloc(70_000))
  await assert.rejects(readMetainfo('0'.repeat(40), good.info), /does not hash/)
  for (const text of ['d6:lengthi-5ee', 'd6:lengthi5e12:piece lengthi65536e6:pieces3:abce', 'le', 'd', 'd6:lengthi99999999999e12:piece lengthi65536e6:pieces0:e']) {
    const info = Buffer.from(text)
    await assert.rejects(readMetainfo(createHash('sha1').update(info).digest('hex'), info.toString('base64')), Error, text)
  }
})

test('only what is new at the live edge is followed', () => {
  const torrents = Array.from({ length: 5 }, (_, i) => makeTorrent(Buffer.alloc(10, i)))
  const list = (from, to) => {
    const segments = torrents.slice(from, to).map((torrent, i) => ({ uri: `${from + i}.m4s`, torrent }))
    return parsePlaylist(playlist(segments, { msn: from }), BASE)
  }
  const library = new Library()
  assert.deepEqual(library.learn(BASE, list(0, 3), 0), [])
  assert.deepEqual(library.learn(BASE, list(1, 5), 0).map(s => s.msn), [3, 4])
  assert.equal(library.find('https://origin.example/live/demo/v0/4.m4s')?.id, torrents[4].infohash)
})

test('a segment whose URL is another at each reload is asked for by the newest, and known by the one before', () => {
  const torrent = makeTorrent(Buffer.alloc(10))
  const library = new Library()
  const url = token => `https://origin.example/live/demo/v0/a.m4s?token=${token}`
  for (let token = 0; token < 100; token++) {
    library.learn(BASE, parsePlaylist(playlist([{ uri: `a.m4s?token=${token}`, torrent }]), BASE), 0)
  }
  assert.deepEqual([99, 98, 97].map(token => library.find(url(token))?.url), [url(99), url(99), undefined])
  assert.equal(library.byUrl.size, 2)
})

test('a segment in two places is known by both', () => {
  const torrent = makeTorrent(Buffer.alloc(10))
  const library = new Library()
  const places = ['https://one.example/a.m4s', 'https://two.example/a.m4s']
  for (let i = 0; i < 5; i++) {
    for (const uri of places) library.learn(uri, parsePlaylist(playlist([{ uri, torrent }]), BASE), 0)
  }
  assert.deepEqual(places.map(place => library.find(place)?.id), [torrent.infohash, torrent.infohash])
})

test('the library forgets what left the window long ago', () => {
  const library = new Library()
  for (let msn = 0; msn < 1000; msn++) {
    library.learn(BASE, parsePlaylist(playlist([{ uri: `${msn}.m4s`, torrent: makeTorrent(Buffer.from(String(msn))) }], { msn }), BASE), 0)
  }
  assert.ok(library.byId.size <= 70, String(library.byId.size))
  assert.ok(library.byUrl.size <= 70)
})

test('a URL whose bytes changed leads to the new torrent', () => {
  const library = new Library()
  const [old, fresh] = [makeTorrent(Buffer.alloc(10, 1)), makeTorrent(Buffer.alloc(10, 2))]
  for (const torrent of [old, fresh]) library.learn(BASE, parsePlaylist(playlist([{ uri: 'a.m4s', torrent }]), BASE), 0)
  assert.equal(library.find('https://origin.example/live/demo/v0/a.m4s')?.id, fresh.infohash)
})

test('segments are kept a little behind the live window, then dropped, and never while busy', () => {
  const kept = (msn, busy = false) => ({ id: String(msn), group: 'v', msn, bytes: 1, busy, usedAt: msn })
  const windows = new Map([['v', { first: 10, live: true }]])
  assert.deepEqual(toDrop([kept(7), kept(8), kept(9), kept(12), kept(1, true)], windows), ['7'])
  assert.deepEqual(toDrop([kept(12)], new Map()), ['12'])
})

test('what is kept stays within bytes and count, least lately used going first', () => {
  const windows = new Map([['v', { first: 0, live: false }]])
  const held = Array.from({ length: 10 }, (_, i) => ({ id: String(i), group: 'v', msn: i, bytes: 10, busy: false, usedAt: i }))
  assert.deepEqual(toDrop(held, windows, { segments: 8, bytes: 1000 }).sort(), ['0', '1'])
  assert.deepEqual(toDrop(held, windows, { segments: 80, bytes: 70 }).sort(), ['0', '1', '2'])
})

test('a holding counts verified bytes once, by source, and serves only what it holds', async () => {
  const bytes = Buffer.alloc(100_000, 3)
  const { infohash, info } = makeTorrent(bytes)
  const holding = new Holding(await readMetainfo(infohash, info))
  const store = new HoldingStore(holding, (index, piece) => holding.put(index, piece, 'peers'))
  const get = (index, range) => new Promise((resolve, reject) => {
    store.get(index, range, (error, data) => error ? reject(error) : resolve(data))
  })
  await assert.rejects(get(0, null))
  store.put(0, bytes.subarray(0, 65536))
  assert.equal(holding.put(0, bytes.subarray(0, 65536), 'origin'), false)
  assert.equal(holding.put(1, bytes.subarray(65536), 'origin'), true)
  assert.deepEqual(holding.from, { peers: 65536, origin: 34464, seed: 0 })
  assert.equal(holding.source, 'mixed')
  assert.equal((await get(1, { offset: 16384, length: 16384 })).length, 16384)
  assert.equal((await get(1, null)).length, 34464)
})

test('piece sets travel as hex of any length', () => {
  for (let size = 1; size < 40; size++) {
    const set = new PieceSet(size)
    for (let i = 0; i < size; i += 3) set.add(i)
    assert.deepEqual(PieceSet.fromHex(set.toHex(), size), set)
  }
})

test('a snapshot is frozen and its list bounded', () => {
  const stats = new Stats()
  for (let msn = 0; msn < 1000; msn++) stats.record({ msn, source: 'peers', ms: 1, bytes: 1, fromPeers: 1, at: msn })
  const snapshot = stats.snapshot({ peers: 0, connectionsMade: 0, mode: 'loader', sharing: true, trouble: '' }, null)
  assert.ok(Object.isFrozen(snapshot))
  assert.equal(snapshot.segments.length, 120)
  assert.equal(snapshot.segments.at(-1).msn, 999)
})
