/**
 * Media playlists as the client needs them (RFC 8216bis §4): segments, their torrents, the swarm.
 * Pure: text and its URL in, frozen records out. What is not understood is left to the player.
 */

import { readTerms } from './terms.js'

/** @typedef {import('./types.js').ByteRange} ByteRange */

/**
 * @typedef {object} ListedSegment
 * @property {string} url absolute, without fragment
 * @property {ByteRange | null} range the bytes of it that are the segment; null: all of them
 * @property {number} msn media sequence number
 * @property {number} duration seconds
 * @property {string} infohash 40 hex digits, '' when the manifest names no torrent
 * @property {string} info base64 of the bencoded info dictionary
 * @property {string} magnet
 */

/**
 * @typedef {object} SwarmAddress
 * @property {string} id the stream's rendezvous infohash, 40 hex digits
 * @property {string} tracker ws(s) URL
 * @property {string[]} ice ICE server URLs as written, not yet validated
 * @property {import('./types.js').Terms} terms what the operator allows
 */

/**
 * @typedef {object} MediaPlaylist
 * @property {boolean} multivariant
 * @property {string[]} variants absolute URLs of a multivariant playlist's media playlists, in order
 * @property {boolean} live no EXT-X-ENDLIST
 * @property {number} targetDuration seconds
 * @property {ListedSegment[]} segments in order
 * @property {number} skipped segments before those that a delta update leaves out (EXT-X-SKIP)
 * @property {SwarmAddress | null} swarm
 */

const TAG = '#EXT-X-COM-LIVETORRENT:'
const SWARM_TAG = '#EXT-X-COM-LIVETORRENT-SWARM:'

/**
 * @param {string} text
 * @param {string} base the playlist's URL after redirects
 * @returns {MediaPlaylist}
 */
export function parsePlaylist (text, base) {
  /** @type {ListedSegment[]} */
  const segments = []
  /** @type {string[]} */
  const variants = []
  /** @type {SwarmAddress | null} */
  let swarm = null
  let msn = 0
  let skipped = 0
  let duration = 0
  let targetDuration = 0
  let multivariant = false
  let live = true
  let byteRange = ''
  /** The end of the range before, which one without an offset follows; '': that was no range. */
  let before = { url: '', end: 0 }
  // A mirrored manifest may carry another server's tags, too: the nearest server's come first after
  // #EXTM3U, and last before #EXTINF.
  let torrent = NO_TORRENT

  for (const raw of text.split('\n')) {
    const line = raw.trim()
    if (line === '') continue
    if (line[0] !== '#') {
      const url = resolve(line, base)
      const range = byteRange ? parseRange(byteRange, before.url === url ? before.end : NaN) : null
      // A range that begins nowhere is no bytes that could be fetched.
      const { infohash, info, magnet } = byteRange && !range ? NO_TORRENT : torrent
      if (multivariant && url) variants.push(url)
      else if (url) segments.push(Object.freeze({ url, range, msn: msn + skipped, duration, infohash, info, magnet }))
      before = range ? { url, end: range[1] } : { url: '', end: 0 }
      msn += 1
      duration = 0
      byteRange = ''
      torrent = NO_TORRENT
    } else if (line.startsWith(TAG)) torrent = parseTorrentTag(line.slice(TAG.length))
    else if (line.startsWith(SWARM_TAG)) swarm ??= parseSwarmTag(line.slice(SWARM_TAG.length), base)
    else if (line.startsWith('#EXTINF:')) duration = Number.parseFloat(line.slice(8)) || 0
    else if (line.startsWith('#EXT-X-BYTERANGE:')) byteRange = line.slice(17)
    else if (line.startsWith('#EXT-X-MEDIA-SEQUENCE:')) msn = Number.parseInt(line.slice(22), 10) || 0
    else if (line.startsWith('#EXT-X-TARGETDURATION:')) targetDuration = Number.parseFloat(line.slice(22)) || 0
    else if (line.startsWith('#EXT-X-SKIP:')) skipped = Number(parseAttributes(line).get('SKIPPED-SEGMENTS')) || 0
    else if (line.startsWith('#EXT-X-STREAM-INF:')) multivariant = true
    else if (line === '#EXT-X-ENDLIST') live = false
  }
  live &&= !multivariant
  return Object.freeze({ multivariant, variants, live, targetDuration, segments, skipped, swarm })
}

/**
 * The playlist's own URL: a player that asks for a segment or part to come (RFC 8216bis §6.2.5) asks for another
 * one each time.
 * @param {string} url
 */
export const withoutDirectives = url => url.includes('_HLS_')
  ? url.replace(/([?&])_HLS_[^&#]*/g, '$1').replace(/([?&])&+/g, '$1').replace(/[?&](?=#|$)/, '')
  : url

/** @type {Readonly<{ infohash: string, info: string, magnet: string }>} */
const NO_TORRENT = Object.freeze({ infohash: '', info: '', magnet: '' })

/**
 * RFC 8216bis §4.4.4.2.
 * @param {string} text `length[@offset]`
 * @param {number} follows where it begins when it does not say so; NaN: nowhere
 * @returns {ByteRange | null}
 */
function parseRange (text, follows) {
  const [length = NaN, start = follows] = text.split('@').map(Number)
  const end = start + length
  return length > 0 && start >= 0 && Number.isSafeInteger(end) ? [start, end] : null
}

/** @param {string} text */
function parseTorrentTag (text) {
  const attributes = parseAttributes(text)
  const magnet = attributes.get('MAGNET') ?? ''
  const info = attributes.get('INFO') ?? ''
  const infohash = /[?&]xt=urn:btih:([0-9a-f]{40})(?:&|$)/i.exec(magnet)?.[1]?.toLowerCase() ?? ''
  return infohash && info ? Object.freeze({ infohash, info, magnet }) : NO_TORRENT
}

/**
 * @param {string} text
 * @param {string} base
 * @returns {SwarmAddress | null}
 */
function parseSwarmTag (text, base) {
  const attributes = parseAttributes(text)
  const id = (attributes.get('ID') ?? '').toLowerCase()
  const tracker = resolve(attributes.get('TRACKER') ?? '', base)
  if (!/^[0-9a-f]{40}$/.test(id) || !/^wss?:/.test(tracker)) return null
  const ice = (attributes.get('ICE') ?? '').split(',').filter(Boolean)
  return Object.freeze({ id, tracker, ice, terms: readTerms(attributes) })
}

/**
 * An attribute list (RFC 8216bis §4.2); quoted values lose their quotes.
 * @param {string} text
 * @returns {Map<string, string>}
 */
export function parseAttributes (text) {
  const attributes = new Map()
  for (const [, name, quoted, bare] of text.matchAll(/([A-Z0-9-]+)=(?:"([^"]*)"|([^",]*))/g)) {
    if (name !== undefined && !attributes.has(name)) attributes.set(name, quoted ?? bare ?? '')
  }
  return attributes
}

/**
 * @param {string} uri
 * @param {string} base
 * @returns {string} '' when it cannot be resolved
 */
function resolve (uri, base) {
  if (uri === '') return ''
  try {
    const url = new URL(uri, base)
    url.hash = ''
    return url.href
  } catch {
    return ''
  }
}
