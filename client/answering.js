/**
 * What peers asked of us, answered when it is about to leave. webtorrent answers at once, into the wire's queue, where
 * a request that is taken back (BEP 3's cancel) would be answered all the same.
 */

/** Answers on their way to the link, bytes: more than two blocks, so that one can follow the other. */
const AHEAD = 40 << 10

/**
 * Have a wire answer in time; not one to the server's seed, which is no sub-stream of a link.
 * @param {any} torrent webtorrent's @param {any} wire
 */
export function answerInTime (torrent, wire) {
  const stream = [...torrent._peers.values()].find(peer => peer.wire === wire)?.conn
  if (!stream?.onTaken) return
  /** @type {[index: number, offset: number, bytes: Uint8Array][]} as many as a peer may ask for: swarm.js counts */
  const waiting = []
  let gone = 0
  const piece = wire.piece.bind(wire)
  const send = stream.onTaken = () => {
    while (waiting[0] && gone - stream.taken < AHEAD) {
      gone += waiting[0][2].length
      piece(...waiting.shift() ?? [])
    }
  }
  wire.piece = (/** @type {[number, number, Uint8Array]} */ ...answer) => {
    waiting.push(answer)
    send()
  }
  const choke = wire.choke.bind(wire)
  wire.choke = () => {
    choke()
    // What it asked for and did not get is dropped with the rest (BEP 3), and said to be (BEP 6).
    for (const [index, offset, { length }] of waiting.splice(0)) if (wire.hasFast) wire.reject(index, offset, length)
  }
  wire.on('cancel', (/** @type {number} */ index, /** @type {number} */ offset) => {
    const at = waiting.findIndex(answer => answer[0] === index && answer[1] === offset)
    if (at >= 0) waiting.splice(at, 1)
  })
}
