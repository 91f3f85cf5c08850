/**
 * `Uint8Array` to and from hex, where the browser has none yet (Chrome < 140, Firefox < 133,
 * Safari < 18.2): webtorrent 3 calls them. Imported before webtorrent.
 */

import { fromHex, hex } from './bytes.js'

const bytes = /** @type {any} */ (Uint8Array)

bytes.prototype.toHex ??= function toHex () {
  return hex(this)
}

bytes.fromHex ??= function (/** @type {string} */ text) {
  if (text.length % 2 !== 0 || /[^0-9a-f]/i.test(text)) throw new SyntaxError('not hex')
  return fromHex(text)
}
