/** Who this page is to other viewers, and what its user asked of it. */

import { hex } from './bytes.js'

/** A peer id (BEP 20): `-LV`, version, `-`, random. @returns {string} 40 hex digits */
export function newPeerId () {
  const bytes = crypto.getRandomValues(new Uint8Array(20))
  bytes.set(new TextEncoder().encode('-LV0100-'))
  return hex(bytes)
}

/** The user asked for less traffic. */
export function saveData () {
  const { connection } = /** @type {{ connection?: { saveData?: boolean } }} */ (globalThis.navigator ?? {})
  return connection?.saveData === true
}
