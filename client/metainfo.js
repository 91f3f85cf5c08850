/**
 * The info dictionary of a segment's torrent (BEP 3, v1, one file), as the manifest's INFO carries it.
 */

import { hex } from './bytes.js'

/**
 * @typedef {object} Metainfo
 * @property {string} infohash 40 hex digits
 * @property {Uint8Array<ArrayBuffer>} info the bencoded info dictionary
 * @property {number} length bytes of the segment
 * @property {number} pieceLength bytes of every piece but the last
 * @property {string[]} hashes SHA-1 of each piece, 40 hex digits
 */

/** A segment larger than this is no live segment; its torrent is ignored and HTTP serves it. */
const MAX_LENGTH = 256 << 20

/**
 * Decode and check INFO against the magnet's infohash.
 * @param {string} infohash 40 hex digits
 * @param {string} base64
 * @returns {Promise<Metainfo>} rejects with an Error that says what is wrong
 */
export async function readMetainfo (infohash, base64) {
  const info = Uint8Array.from(atob(base64), c => c.charCodeAt(0))
  if (await sha1(info) !== infohash) throw new Error('INFO does not hash to the magnet')
  const dictionary = decode(info)
  const length = Number(dictionary.get('length'))
  const pieceLength = Number(dictionary.get('piece length'))
  const pieces = dictionary.get('pieces')
  if (!(length > 0 && length <= MAX_LENGTH)) throw new Error('INFO has no usable length')
  if (!(pieceLength >= 16384 && pieceLength <= MAX_LENGTH)) throw new Error('INFO has no usable piece length')
  if (!(pieces instanceof Uint8Array) || pieces.length !== 20 * Math.ceil(length / pieceLength)) {
    throw new Error('INFO has the wrong number of piece hashes')
  }
  const hashes = []
  for (let i = 0; i < pieces.length; i += 20) hashes.push(hex(pieces.subarray(i, i + 20)))
  return Object.freeze({ infohash, info, length, pieceLength, hashes })
}

/**
 * @param {Metainfo} metainfo
 * @param {number} index
 * @returns {[number, number]} first byte and the one after the last
 */
export function pieceRange ({ length, pieceLength }, index) {
  return [index * pieceLength, Math.min(length, (index + 1) * pieceLength)]
}

/**
 * A .torrent file that says nothing but the info dictionary: no tracker, no web seed.
 * @param {Metainfo} metainfo
 */
export function torrentFile ({ info }) {
  const file = new Uint8Array(info.length + 8)
  file.set(new TextEncoder().encode('d4:info'))
  file.set(info, 7)
  file[file.length - 1] = 0x65
  return file
}

/**
 * @param {Uint8Array<ArrayBuffer>} bytes
 * @returns {Promise<string>} 40 hex digits
 */
export async function sha1 (bytes) {
  return hex(new Uint8Array(await crypto.subtle.digest('SHA-1', bytes)))
}

/**
 * Bencoded dictionary of strings and integers; nested values are skipped over. The text is the
 * manifest's, already hashed to the magnet, so a plain reader that throws on nonsense is enough.
 * @param {Uint8Array<ArrayBuffer>} bytes
 * @returns {Map<string, number | Uint8Array<ArrayBuffer>>}
 */
function decode (bytes) {
  let at = 0
  const text = new TextDecoder('latin1')
  const bad = () => new Error('INFO is not bencoded')

  /** @param {number} end */
  const until = (end) => {
    const stop = bytes.indexOf(end, at)
    if (stop < 0) throw bad()
    const digits = text.decode(bytes.subarray(at, stop))
    at = stop + 1
    if (!/^-?\d{1,16}$/.test(digits)) throw bad()
    return Number(digits)
  }
  const string = () => {
    const length = until(0x3a)
    if (length < 0 || at + length > bytes.length) throw bad()
    at += length
    return bytes.subarray(at - length, at)
  }
  /** @param {number} depth @returns {number | Uint8Array<ArrayBuffer>} */
  const value = (depth) => {
    const head = bytes[at]
    if (depth > 4) throw bad()
    if (head === 0x69) { at += 1; return until(0x65) }
    if (head === 0x6c || head === 0x64) {
      at += 1
      while (bytes[at] !== 0x65) value(depth + 1)
      at += 1
      return 0
    }
    return string()
  }

  if (bytes[at++] !== 0x64) throw bad()
  const dictionary = new Map()
  while (bytes[at] !== 0x65) dictionary.set(text.decode(string()), value(0))
  return dictionary
}
