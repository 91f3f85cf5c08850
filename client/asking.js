/**
 * What webtorrent asks of whom, steered from outside: as many blocks of a peer as its pace allows, what is overdue is
 * asked of another, and what need not come any more is taken back (BEP 3's cancel).
 */

import { BLOCK, overdue } from './pace.js'

/** @typedef {(peer: string) => number} RoundTrip ms; 0: not known */

/**
 * Ask at a peer's pace, over all its torrents. webtorrent has (speed ÷ block + 2) blocks in flight (its
 * getBlockPipelineLength for one second), so that is what it is told: a negative speed for one block, or none.
 * @param {any} wire @param {import('./pace.js').Pace} pace @param {RoundTrip} roundTrip
 */
export function keepPace (wire, pace, roundTrip) {
  wire.downloaded = 1 // skip the one-block trial
  const measured = wire.downloadSpeed
  wire.downloadSpeed = (/** @type {number | undefined} */ bytes) => {
    if (bytes !== undefined) return measured(bytes)
    const room = pace.depth(roundTrip(wire.peerId), performance.now()) - pace.open
    return (Math.max(0, wire.requests.length + room) - 2) * BLOCK
  }
  const request = wire.request.bind(wire)
  wire.request = (/** @type {number} */ index, /** @type {number} */ offset, /** @type {number} */ length, /** @type {Function} */ done) => {
    const askedAt = performance.now()
    pace.asked(askedAt)
    request(index, offset, length, (/** @type {Error | null} */ error, /** @type {Uint8Array} */ bytes) => {
      const rtt = roundTrip(wire.peerId)
      if (error) pace.lost(performance.now(), askedAt, rtt)
      else pace.got(bytes.length, performance.now(), askedAt, rtt)
      done?.(error, bytes)
    })
    const asked = wire.requests.at(-1)
    if (asked?.piece === index && asked.offset === offset) asked.at ??= askedAt // not if it was refused at once
  }
}

/**
 * Blocks of a piece that were asked for so lately that they are about to come, or so long ago that they are not.
 * @param {any} wire @param {number} index @param {RoundTrip} roundTrip @param {boolean} late
 * @returns {any[]} bittorrent-protocol's requests
 */
function asked (wire, index, roundTrip, late) {
  const now = performance.now()
  const rtt = roundTrip(wire.peerId)
  return wire.requests.filter((/** @type {any} */ { piece, at }) => piece === index && overdue(at ?? now, rtt, now) === late)
}

/**
 * Instead of webtorrent's `_hotswap`, which asks a faster peer for what is under way from another, at once and without
 * taking that back: only what is overdue there is asked for again.
 * @param {any} torrent @param {RoundTrip} roundTrip
 */
export function takeOverLate (torrent, roundTrip) {
  torrent._hotswap = (/** @type {any} */ wire, /** @type {number} */ index) => {
    for (const other of torrent.wires) {
      const [late] = other === wire ? [] : asked(other, index, roundTrip, true)
      if (!late) continue
      other.cancel(late.piece, late.offset, late.length)
      return true
    }
    return false
  }
}

/** Whether all that is missing of a piece is about to come. @param {any} torrent @param {number} index @param {RoundTrip} roundTrip */
export function coming (torrent, index, roundTrip) {
  const piece = torrent.pieces[index]
  if (!piece) return false
  let bytes = 0
  for (const wire of torrent.wires) for (const { length } of asked(wire, index, roundTrip, false)) bytes += length
  return bytes >= piece.missing
}

/** Take back what was asked of these pieces. @param {any} torrent @param {number} first @param {number} last */
export function cancel (torrent, first, last) {
  for (const wire of torrent.wires) {
    for (const { piece, offset, length } of [...wire.requests]) {
      if (piece >= first && piece <= last) wire.cancel(piece, offset, length)
    }
  }
}
