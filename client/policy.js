/**
 * Whether this page may have peers, and what it may give them: from what the operator says (in the manifest), what the
 * page says (its options), what the viewer says, and how things are. Pure.
 *
 * - Of operator and page the stricter counts, term by term; what neither mentions has its default.
 * - `off` means no peers at all: no announce, no connection, plain HTTP. `ask`: the same until the viewer says yes.
 * - The viewer's no always counts. The viewer's yes answers `ask`, and nothing else.
 * - Cellular, Save-Data, a hidden tab and what is spent stop uploading, not downloading.
 */

import { DEFAULT_UPLOAD } from './mesh/cap.js'

/** After the ratio was reached, so much must have become free, bytes: else each block would be said to everybody. */
const RESUME = 128 << 10
/** @type {import('./types.js').Sharing[]} the strictest last */
const STRICT = ['on', 'ask', 'off']

/**
 * @typedef {import('./types.js').Terms} Terms
 * @typedef {Required<Terms> & { sharing: import('./types.js').Sharing }} Agreed
 */

/**
 * What all of them allow. What is no number counts as not said; a word for sharing that is not known, as `off`.
 * @param {readonly Terms[]} said
 * @returns {Readonly<Agreed>}
 */
export function agreed (...said) {
  const numbers = (/** @type {'maxUpload' | 'maxRatio' | 'minViewers'} */ key) => said.map(terms => terms[key] ?? NaN)
    .filter(value => typeof value === 'number' && value >= 0 && value < Infinity)
  const may = (/** @type {'uploadOnCellular' | 'uploadWhenHidden'} */ key) =>
    said.some(terms => terms[key] === true) && said.every(terms => terms[key] !== false)
  const strict = said.map(({ sharing = true }) => sharing === true ? 0 : STRICT.findIndex(word => word === sharing))
  const upload = numbers('maxUpload')
  return Object.freeze({
    sharing: strict.includes(-1) ? 'off' : STRICT[Math.max(...strict)] ?? 'off',
    maxUpload: upload.length > 0 ? Math.min(...upload) : DEFAULT_UPLOAD,
    maxRatio: Math.min(Infinity, ...numbers('maxRatio')),
    minViewers: Math.max(1, ...numbers('minViewers')),
    uploadOnCellular: may('uploadOnCellular'),
    uploadWhenHidden: may('uploadWhenHidden'),
    iceTransportPolicy: said.some(terms => terms.iceTransportPolicy === 'relay') ? 'relay' : 'all'
  })
}

/**
 * @typedef {object} Facts
 * @property {boolean | null} word the viewer's; null: none yet
 * @property {boolean} [here] it was given on this page, not remembered
 * @property {string} [type] as navigator.connection says: 'cellular', 'wifi' …
 * @property {string} [effectiveType] 'slow-2g' to '4g'; '3g' is what a busy machine or a far server looks like, too
 * @property {boolean} [saveData] the viewer asked for less traffic
 * @property {boolean} [hidden] nobody looks (also at a tab that is listened to)
 * @property {number} sent bytes to peers
 * @property {number} received bytes, wherever they came from
 *
 * @typedef {object} Allowed
 * @property {boolean} connect announce, and have peers
 * @property {boolean} asks the viewer has to be asked first
 * @property {boolean} shares the viewer's switch is on
 * @property {boolean} upload now
 */

/**
 * @param {Agreed} terms
 * @param {Facts} facts
 * @param {boolean} [uploading] it was allowed until now
 * @returns {Allowed}
 */
export function allowed (terms, facts, uploading = false) {
  const { word, here = false, type, effectiveType = '', saveData = false, hidden = false, sent, received } = facts
  const { sharing, maxUpload, maxRatio } = terms
  const connect = word !== false && (sharing === 'on' || (sharing === 'ask' && word === true))
  // Save-Data is the viewer's, too: what was said since then counts.
  const shares = connect && (!saveData || (here && word === true))
  const cheap = type !== 'cellular' && !effectiveType.endsWith('2g')
  const fit = (cheap || terms.uploadOnCellular) && (!hidden || terms.uploadWhenHidden)
  const spent = maxRatio < Infinity && maxRatio * received - sent <= (uploading ? 0 : RESUME)
  return {
    connect,
    asks: sharing === 'ask' && word === null,
    shares,
    upload: shares && maxUpload > 0 && !spent && fit
  }
}

/** The same as it changes. */
export class Policy {
  #page
  #facts
  #onChange

  /**
   * @param {Terms} page what its options say
   * @param {() => Facts} facts how things are now
   * @param {(before: Allowed) => void} onChange `now` is another
   */
  constructor (page, facts, onChange) {
    this.#page = page
    this.#facts = facts
    this.#onChange = onChange
    this.terms = agreed(page)
    this.now = allowed(this.terms, facts())
  }

  /** @param {Terms} operator what the manifest says @returns {boolean} whether that is something else */
  heed (operator) {
    const before = JSON.stringify(this.terms)
    this.terms = agreed(this.#page, operator)
    this.look()
    return JSON.stringify(this.terms) !== before
  }

  /** Things may have changed. */
  look () {
    const before = this.now
    this.now = allowed(this.terms, this.#facts(), before.upload)
    const { connect, asks, upload } = this.now
    if (connect !== before.connect || asks !== before.asks || upload !== before.upload) this.#onChange(before)
  }
}
