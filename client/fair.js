/**
 * Who is asked when several near peers hold a piece: the one that sent least lately. Each segment comes to the viewers
 * one after the other, as their playlists are reloaded; asked all alike, those who have it first would send the most,
 * segment after segment. Far peers are asked alike: there the queues at their lines tell how much they can send (pace.js).
 */

import { isNear } from './near.js'

/** Who lets us wait so long for a block does not get on with it: a dozen round trips and busy event loops, ms. */
const SLOW = 150
/** A peer with less room than this queues at its line (Pace.window), blocks. */
const ROOM = 3
/** What is known of others' sending is some seconds old: about equal counts as equal. */
const MUCH = 0.9

/**
 * @typedef {object} Peers what is known of them, by peer id
 * @property {(peer: string) => number} rtt ms; 0: not known
 * @property {(peer: string) => number} burden what it uploads lately, bytes/s
 * @property {(peer: string) => import('./pace.js').Pace} pace
 */

/**
 * Have a torrent ask so.
 * @param {any} torrent webtorrent's @param {Peers} peers
 */
export function askFairly (torrent, peers) {
  const request = torrent._request.bind(torrent)
  torrent._request = (/** @type {any} */ wire, /** @type {number} */ index, /** @type {boolean} */ hotswap) => {
    const now = performance.now()
    if (near(wire, peers) && torrent.wires.some((/** @type {any} */ other) => other !== wire && instead(other, wire, index, peers, now))) return false
    return request(wire, index, hotswap)
  }
}

/**
 * Whether another is to be asked for a piece instead of a peer.
 * @param {any} other @param {any} wire @param {number} index @param {Peers} peers @param {number} now ms
 */
function instead (other, wire, index, peers, now) {
  if (other.destroyed || other.peerChoking || !other.peerPieces.get(index) || !near(other, peers)) return false
  if (peers.burden(other.peerId) >= MUCH * peers.burden(wire.peerId)) return false
  if (peers.pace(other.peerId).window < ROOM) return false
  return other.requests.every((/** @type {any} */ { at }) => now - (at ?? now) < SLOW)
}

/** @param {any} wire @param {Peers} peers */
const near = (wire, peers) => isNear(peers.rtt(wire.peerId))
