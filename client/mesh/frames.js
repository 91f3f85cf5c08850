/**
 * Messages on a link's `wire` channel: many sub-streams, one per segment torrent, on one data channel.
 * Pure. A message is one or more frames, one after the other; each direction labels its own sub-streams, so
 * nobody has to agree on who opens:
 *
 *   OPEN  label 20 infohash     what I send under this label belongs to this torrent
 *   DATA  label n  bytes        BitTorrent wire bytes
 *   CLOSE label 0
 *
 * A header is one byte of type, four of label and four of the payload's length, big-endian. Several to a message,
 * because in Chromium each message costs a hop between threads on either side, however short it is.
 */

export const OPEN = 0
export const DATA = 1
export const CLOSE = 2

export const HEADER = 9
/** What a data channel carries in one message without further negotiation (RFC 8841 §6.1), bytes. */
export const MAX_MESSAGE = 65536

/**
 * @typedef {object} Frame
 * @property {number} type
 * @property {number} label
 * @property {Uint8Array<ArrayBuffer>} payload
 */

/** A message of frames, filled up to a size. */
export class Message {
  /** @param {number} size bytes, at most MAX_MESSAGE */
  constructor (size) {
    this.bytes = new Uint8Array(size)
    this.view = new DataView(this.bytes.buffer)
    this.length = 0
  }

  /** How long a payload the next frame may have; negative: not even an empty one fits. */
  get room () { return this.bytes.length - this.length - HEADER }

  /** @param {number} type @param {number} label @param {Uint8Array[]} payload in parts, at most `room` bytes */
  add (type, label, ...payload) {
    let end = this.length + HEADER
    for (const part of payload) {
      this.bytes.set(part, end)
      end += part.length
    }
    this.view.setUint8(this.length, type)
    this.view.setUint32(this.length + 1, label)
    this.view.setUint32(this.length + 5, end - this.length - HEADER)
    this.length = end
  }

  /** @returns {Uint8Array<ArrayBuffer>} */
  get filled () { return this.bytes.subarray(0, this.length) }
}

/**
 * @param {ArrayBuffer} message
 * @returns {Frame[] | null} null when it is not one of ours: nothing of it is to be used
 */
export function readFrames (message) {
  if (message.byteLength < HEADER || message.byteLength > MAX_MESSAGE) return null
  const view = new DataView(message)
  const frames = []
  for (let at = 0; at < message.byteLength;) {
    if (at + HEADER > message.byteLength) return null
    const type = view.getUint8(at)
    const length = view.getUint32(at + 5)
    const start = at + HEADER
    if (type > CLOSE || start + length > message.byteLength || (type === OPEN && length !== 20)) return null
    frames.push({ type, label: view.getUint32(at + 1), payload: new Uint8Array(message, start, length) })
    at = start + length
  }
  return frames
}
