/** Bytes as text: hex for people and maps, Latin-1 for the tracker's JSON (a character a byte). Pure. */

/** @param {Uint8Array} bytes */
export function hex (bytes) {
  let text = ''
  for (const byte of bytes) text += byte.toString(16).padStart(2, '0')
  return text
}

/** @param {string} text hex digits, an even number of them */
export function fromHex (text) {
  return Uint8Array.from({ length: text.length / 2 }, (_, i) => Number.parseInt(text.slice(2 * i, 2 * i + 2), 16))
}

/** @param {Uint8Array} bytes */
export const latin1 = bytes => String.fromCharCode(...bytes)

/** @param {string} text */
export const fromLatin1 = text => Uint8Array.from(text, character => character.charCodeAt(0) & 0xff)

/** @param {number} length bytes @returns {string} as many random ones, as hex */
export const randomHex = length => hex(crypto.getRandomValues(new Uint8Array(length)))
