/** Figures as lines of text. Pure. */

/** @typedef {import('./observe.js').Figures} Figures */

const percent = (/** @type {number} */ share, digits = 1) => `${(100 * share).toFixed(digits)} %`

/** @type {readonly (readonly [string, (figures: Figures) => string])[]} */
const COLUMNS = [
  ['offload', f => percent(f.offload)],
  ['reachable', f => percent(f.reachable)],
  ['bound', f => percent(f.bound)],
  ['pulled', f => f.copies.pull.toFixed(2)],
  ['deadline', f => f.copies.deadline.toFixed(2)],
  ['alone', f => f.copies.alone.toFixed(2)],
  ['starting', f => f.copies.start.toFixed(2)],
  ['stalled', f => percent(f.stalled, 3)],
  ['start p50/p95', f => `${f.start.p50.toFixed(0)}/${f.start.p95.toFixed(0)} ms`],
  ['delay p50/p99', f => `${f.delay.p50.toFixed(1)}/${f.delay.p99.toFixed(1)} s`],
  ['tree', f => `${f.tree.toFixed(1)} s`],
  ['latency', f => `${f.latency.toFixed(1)} s`],
  ['links', f => f.peers.toFixed(1)],
  ['messages', f => `${f.signalling.messages.toFixed(0)}+${f.signalling.pings.toFixed(0)}/s`],
  ['signalling', f => `${(f.signalling.bytes / 1000).toFixed(1)} kB/s`],
  ['upload p95, max', f => `${f.upload.p95.toFixed(1)}, ${f.upload.max.toFixed(1)}×`],
  ['twice', f => percent(f.duplicates)],
  ['took', f => `${f.effort.wall.toFixed(0)} s`]
]

/** What the columns mean, for below a table. */
export const LEGEND = `offload: of all delivered; reachable: of the viewers whose connections work (15 % have none); bound: min{(M−1)/M, upload ÷ demand} of these M.
pulled, deadline, alone, starting: copies of a segment from the origin, by why they were fetched. delay: from listed here to complete; tree: in a tree ⌈log N⌉ deep of mean lines.
messages: control messages a viewer sends (pings apart); upload: busiest viewers ÷ mean of those who can; twice: bytes from peers that came twice.`

/** @param {readonly Figures[]} rows */
export function table (rows) {
  const cells = rows.map(row => [row.name, ...COLUMNS.map(([, of]) => of(row))])
  const head = ['', ...COLUMNS.map(([name]) => name)]
  const widths = head.map((title, i) => Math.max(title.length, ...cells.map(row => (row[i] ?? '').length)))
  return [head, ...cells].map(row => row.map((cell, i) =>
    i === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[i] ?? 0)).join('  ')).join('\n')
}
