/** The last segments as a row of cells, coloured by where their bytes came from; newest at the right. */

import { bytes, millis } from './format.js'

/** @typedef {import('./types').SegmentRecord} SegmentRecord */

/** As many as stay wide enough to be hit with a finger's half on a phone. */
export const CELLS = 30

const NAMES = { peers: 'from peers', origin: 'from the server', seed: 'from the server’s seed', mixed: 'from peers and server' }

/**
 * @param {SegmentRecord} record
 * @returns {string} one line
 */
export function describe ({ msn, source, ms, bytes: size, fromPeers }) {
  const share = source === 'mixed' && size > 0 ? ` (${Math.round(fromPeers / size * 100)} % peers)` : ''
  return `Segment ${msn} · ${NAMES[source]}${share} · ${bytes(size)} in ${millis(ms)}`
}

/**
 * @param {HTMLElement} list gets CELLS children once; they never move, so nothing on the page does
 * @param {HTMLElement} line where the cell under pointer or focus is described
 * @returns {(records: readonly SegmentRecord[]) => void}
 */
export function makeStrip (list, line) {
  const idle = line.textContent ?? ''
  /** @type {readonly SegmentRecord[]} */
  let shown = []
  /** @type {number | null} the described segment: it keeps its description while it moves on */
  let msn = null

  const cells = Array.from({ length: CELLS }, () => {
    const cell = document.createElement('li')
    const bar = document.createElement('span')
    bar.append(document.createElement('span'))
    cell.append(bar)
    return cell
  })
  list.replaceChildren(...cells)

  const say = () => {
    const record = shown.find(record => record.msn === msn)
    line.textContent = record ? describe(record) : idle
    cells.forEach((cell, i) => cell.classList.toggle('on', record !== undefined && shown[i - CELLS + shown.length] === record))
  }
  /** @param {number | null} next */
  const choose = next => { msn = next; say() }
  /** @param {Event} event */
  const at = event => {
    const i = cells.findIndex(cell => cell.contains(/** @type {Node} */ (event.target)))
    return i === -1 ? null : shown[i - CELLS + shown.length]?.msn ?? null
  }
  list.addEventListener('pointerover', event => choose(at(event)))
  list.addEventListener('pointerleave', () => choose(null))
  list.addEventListener('focus', () => choose(shown.at(-1)?.msn ?? null))
  list.addEventListener('blur', () => choose(null))
  // One stop for the Tab key, arrows within: thirty stops would be in everybody's way.
  list.addEventListener('keydown', event => {
    const now = shown.findIndex(record => record.msn === msn)
    const steps = { ArrowLeft: now - 1, ArrowRight: now + 1, Home: 0, End: shown.length - 1 }
    const next = steps[/** @type {keyof typeof steps} */ (event.key)]
    if (next === undefined || shown.length === 0) return
    event.preventDefault()
    choose(shown[Math.max(0, Math.min(shown.length - 1, next))].msn)
  })

  return records => {
    shown = records.slice(-CELLS)
    cells.forEach((cell, i) => {
      const record = shown[i - CELLS + shown.length]
      cell.className = record?.source ?? ''
      const part = record?.source === 'mixed' && record.bytes > 0 ? record.fromPeers / record.bytes : 0
      const inner = /** @type {HTMLElement} */ (cell.firstElementChild?.firstElementChild)
      inner.style.height = `${Math.round(part * 100)}%`
    })
    say()
  }
}
