/**
 * Frames on a link's `wire` channel: many sub-streams, one per segment torrent, on one data channel.
 * Pure. Each direction labels its own sub-streams, so nobody has to agree on who opens:
 *
 *   OPEN  label infohash(20)    what I send under this label belongs to this torrent
 *   DATA  label bytes           BitTorrent wire bytes
 *   CLOSE label
 *
 * A header is one byte of type and four of label, big-endian.
 */

export const OPEN = 0
export const DATA = 1
export const CLOSE = 2

/** Chromium's SCTP hands out few packets per send: larger messages wait for acknowledgements. */
export const MAX_FRAME = 4400
export const HEADER = 5

/**
 * @param {number} type
 * @param {number} label
 * @param {Uint8Array} [payload] at most MAX_FRAME - HEADER bytes
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function frame (type, label, payload) {
  const bytes = new Uint8Array(HEADER + (payload?.length ?? 0))
  bytes[0] = type
  new DataView(bytes.buffer).setUint32(1, label)
  if (payload) bytes.set(payload, HEADER)
  return bytes
}

/**
 * @param {ArrayBuffer} message
 * @returns {{ type: number, label: number, payload: Uint8Array<ArrayBuffer> } | null} null when it is no frame
 */
export function readFrame (message) {
  if (message.byteLength < HEADER || message.byteLength > 65536) return null
  const view = new DataView(message)
  const type = view.getUint8(0)
  const payload = new Uint8Array(message, HEADER)
  if (type > CLOSE || (type === OPEN && payload.length !== 20)) return null
  return { type, label: view.getUint32(1), payload }
}
