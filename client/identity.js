/** Who this page is to other viewers. */

import { hex } from './bytes.js'

/** A peer id (BEP 20): `-LV`, version, `-`, random. @returns {string} 40 hex digits */
export function newPeerId () {
  const bytes = crypto.getRandomValues(new Uint8Array(20))
  bytes.set(new TextEncoder().encode('-LV0100-'))
  return hex(bytes)
}
