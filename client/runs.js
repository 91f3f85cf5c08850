/** Runs of pieces, first and last index of each. Pure. */

/** @typedef {[number, number][]} Runs */

/**
 * What to fetch when some of it is about to come anyway; all of it if that would leave nothing.
 * @param {Runs} runs @param {(index: number) => boolean} coming @returns {Runs}
 */
export function leaveOut (runs, coming) {
  /** @type {Runs} */
  const left = []
  for (const [first, last] of runs) {
    for (let i = first; i <= last; i++) {
      if (coming(i)) continue
      const run = left.at(-1)
      if (run && run[1] === i - 1) run[1] = i
      else left.push([i, i])
    }
  }
  return left.length > 0 ? left : runs
}

/**
 * @param {import('./pieces.js').PieceSet} have
 * @returns {Runs} runs of missing pieces, first and last index
 */
export function missingRuns (have) {
  /** @type {Runs} */
  const runs = []
  for (let i = 0; i < have.size; i++) {
    if (have.has(i)) continue
    const last = runs.at(-1)
    if (last && last[1] === i - 1) last[1] = i
    else runs.push([i, i])
  }
  return runs
}
