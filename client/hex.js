/**
 * `Uint8Array` to and from hex, where the browser has none yet (Chrome < 140, Firefox < 133,
 * Safari < 18.2): webtorrent 3 calls them. Imported before webtorrent.
 */

const bytes = /** @type {any} */ (Uint8Array)

bytes.prototype.toHex ??= function toHex () {
  return Array.from(this, (/** @type {number} */ byte) => byte.toString(16).padStart(2, '0')).join('')
}

bytes.fromHex ??= function fromHex (/** @type {string} */ text) {
  if (text.length % 2 !== 0 || /[^0-9a-f]/i.test(text)) throw new SyntaxError('not hex')
  return Uint8Array.from({ length: text.length / 2 }, (_, i) => Number.parseInt(text.slice(2 * i, 2 * i + 2), 16))
}
