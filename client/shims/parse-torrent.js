// Replaces parse-torrent: torrents are added as the files that ../metainfo.js makes, of one info dictionary each.
import bencode from 'bencode'
import { arr2hex, arr2text, hash } from 'uint8-util'

/** @param {any} torrent the file's bytes, or what was made of them here */
export default async function parse(torrent) {
  if (torrent.infoHash) return torrent
  const { info } = bencode.decode(torrent)
  const { length, pieces: hashes, 'piece length': pieceLength } = info
  const infoBuffer = bencode.encode(info)
  const infoHashBuffer = await hash(infoBuffer)
  const name = arr2text(info.name)
  const pieces = []
  for (let i = 0; i < hashes.length; i += 20) pieces.push(arr2hex(hashes.slice(i, i + 20)))
  return {
    info,
    infoBuffer,
    infoHashBuffer,
    infoHash: arr2hex(infoHashBuffer),
    name,
    announce: [],
    urlList: [],
    files: [{ path: name, name, length, offset: 0 }],
    length,
    pieceLength,
    lastPieceLength: length % pieceLength || pieceLength,
    pieces
  }
}

// Nobody asks for them; without metadata they would not be asked for of peers either, for it is never missing.
export const toMagnetURI = () => ''
export const toTorrentFile = () => true

/** @param {unknown} torrent @param {(error: Error) => void} done */
export const remote = (torrent, done) => done(new Error('no torrent file'))
