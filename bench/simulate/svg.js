/** How figures change with the number of viewers, as a picture. Pure. */

/** @typedef {import('./observe.js').Figures} Figures */
/** @typedef {{ name: string, colour: string, dashed?: boolean, of: (figures: Figures) => number }} Line */
/** @typedef {{ title: string, unit: string, log?: boolean, lines: Line[] }} Plot */

const [WIDTH, HEIGHT, GAP, TOP, LEFT] = [330, 150, 70, 60, 50]
const [GREEN, ORANGE, RED, TEXT, SOFT, RULE] = ['#1f9d6b', '#d9822b', '#c0392b', '#1d2127', '#5f6772', '#d8dce2']

/** @type {readonly Plot[]} */
const PLOTS = [
  {
    title: 'offload', unit: '%', lines: [
      { name: 'bound', colour: SOFT, dashed: true, of: f => 100 * f.bound },
      { name: 'of those who can connect', colour: GREEN, of: f => 100 * f.reachable },
      { name: 'of all', colour: ORANGE, of: f => 100 * f.offload }
    ]
  },
  {
    title: 'copies of a segment from the origin', unit: '', log: true, lines: [
      { name: 'log₂ N', colour: SOFT, dashed: true, of: f => Math.log2(f.viewers) },
      { name: 'pulled', colour: GREEN, of: f => f.copies.pull },
      { name: 'by deadline', colour: RED, of: f => f.copies.deadline },
      { name: 'nobody to ask', colour: ORANGE, of: f => f.copies.alone }
    ]
  },
  {
    title: 'delay from listed to complete', unit: 's', lines: [
      { name: 'half', colour: GREEN, of: f => f.delay.p50 },
      { name: '99 %', colour: ORANGE, of: f => f.delay.p99 }
    ]
  },
  {
    title: 'control messages a viewer sends in a second', unit: '', lines: [
      { name: 'said', colour: GREEN, of: f => f.signalling.messages },
      { name: 'pings', colour: ORANGE, of: f => f.signalling.pings }
    ]
  },
  {
    title: 'upload ÷ mean of those who can', unit: '×', lines: [
      { name: '95th percentile', colour: GREEN, of: f => f.upload.p95 },
      { name: 'highest', colour: ORANGE, of: f => f.upload.max }
    ]
  },
  {
    title: 'time stalled', unit: '%', lines: [{ name: 'of the time watched', colour: RED, of: f => 100 * f.stalled }]
  }
]

/** @param {readonly Figures[]} rows by growing N @param {string} title */
export function picture (rows, title) {
  const columns = 3
  const width = LEFT + columns * (WIDTH + GAP)
  const height = TOP + Math.ceil(PLOTS.length / columns) * (HEIGHT + GAP + 20)
  const out = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="system-ui, sans-serif" font-size="12" fill="${TEXT}">`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    `<text x="16" y="24" font-weight="600">${escape(title)}</text>`
  ]
  for (const [i, plot] of PLOTS.entries()) {
    const [row, column] = [Math.floor(i / columns), i % columns]
    out.push(...draw(plot, rows, LEFT + column * (WIDTH + GAP), TOP + 20 + row * (HEIGHT + GAP + 20)))
  }
  return [...out, '</svg>', ''].join('\n')
}

/** @param {Plot} plot @param {readonly Figures[]} rows @param {number} x @param {number} y */
function draw ({ title, unit, log = false, lines }, rows, x, y) {
  const values = lines.flatMap(line => rows.map(line.of)).filter(Number.isFinite)
  const most = Math.max(...values, 0) || 1
  const least = log ? 0.1 : 0
  const low = Math.log10(rows[0]?.viewers ?? 1)
  const span = Math.log10(rows.at(-1)?.viewers ?? 10) - low || 1
  const across = (/** @type {Figures} */ row) => x + WIDTH * (Math.log10(row.viewers) - low) / span
  const up = (/** @type {number} */ value) => {
    const logs = Math.log(Math.max(least, value) / least) / Math.log(Math.max(2 * least, most) / least)
    const share = log ? logs : value / most
    return y + HEIGHT * (1 - share)
  }
  const out = [
    `<text x="${x}" y="${y - 26}" font-weight="600">${escape(title)}</text>`,
    `<path d="M${x} ${y}v${HEIGHT}h${WIDTH}" fill="none" stroke="${RULE}"/>`,
    `<text x="${x - 5}" y="${y + 9}" text-anchor="end" fill="${SOFT}">${short(most)}${unit}</text>`,
    `<text x="${x - 5}" y="${y + HEIGHT}" text-anchor="end" fill="${SOFT}">${log ? '≤0.1' : 0}</text>`,
    ...rows.map(row => `<text x="${across(row).toFixed(1)}" y="${y + HEIGHT + 14}" text-anchor="middle" fill="${SOFT}">${row.viewers}</text>`)
  ]
  let at = x
  for (const { name, colour, dashed, of } of lines) {
    const path = rows.map((row, i) => `${i === 0 ? 'M' : 'L'}${across(row).toFixed(1)} ${up(of(row)).toFixed(1)}`).join('')
    out.push(`<path d="${path}" fill="none" stroke="${colour}" stroke-width="2"${dashed ? ' stroke-dasharray="4 4"' : ''}/>`)
    out.push(`<text x="${at}" y="${y - 10}" fill="${colour}">${escape(name)}</text>`)
    at += 14 + 6.5 * name.length
  }
  return out
}

/** @param {number} value */
const short = value => value >= 100 ? value.toFixed(0) : value.toPrecision(2)
/** @param {string} text */
const escape = text => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
