/** The goals a simulation is held against. Pure. */

/** @typedef {import('./observe.js').Figures} Figures */

const OFFLOAD = 0.9
const CAPACITY = 1.5
const STALLED = 0.001
/** Simulated and real offload may differ by so much. */
export const TOLERANCE = 0.05

/**
 * @param {readonly Figures[]} growth rows of growing swarms
 * @param {readonly Figures[]} all
 * @returns {{ goal: string, reached: boolean, why: string }[]}
 */
export function goals (growth, all) {
  const rich = all.filter(row => row.capacity >= 0.93 * CAPACITY) // a draw of the lines around the mean
  const poor = rich.filter(row => row.reachable < Math.min(OFFLOAD, 0.99 * row.bound))
  const stalling = all.filter(row => row.stalled > STALLED)
  const growing = grows(growth)
  const name = (/** @type {Figures} */ row, /** @type {number} */ share) => `${row.name}: ${(100 * share).toFixed(2)} %`
  return [
    {
      goal: 'offload ≥ 0.90 of viewers that can connect, where mean upload ≥ 1.5 × bit rate',
      reached: poor.length === 0, why: poor.map(row => name(row, row.reachable)).join('; ')
    },
    { goal: 'pulled copies a segment grow no faster than log N', reached: growing === '', why: growing },
    {
      goal: 'stalled viewer time ≤ 0.1 %', reached: stalling.length === 0,
      why: stalling.map(row => name(row, row.stalled)).join('; ')
    }
  ]
}

/** Where pulled copies outgrow log N by more than a half, '' if nowhere. @param {readonly Figures[]} rows */
function grows (rows) {
  const first = rows[0]
  if (!first) return ''
  const scale = Math.max(1, first.copies.pull) / Math.log(first.viewers)
  return rows.filter(row => row.copies.pull > 1.5 * scale * Math.log(row.viewers))
    .map(row => `${row.name}: ${row.copies.pull.toFixed(1)}`).join('; ')
}
