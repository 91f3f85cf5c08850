/** The command `make simulate`: simulated swarms of 10 to 10,000 viewers of the real client's decisions. */

import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus, loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import { TOLERANCE, goals } from './goals.js'
import { observe } from './observe.js'
import { MEASURED, SIZES, groups } from './scenarios.js'
import { picture } from './svg.js'
import { LEGEND, table } from './table.js'

const HELP = `make simulate ARGS="…"
  --most N        the largest swarm (default ${SIZES.at(-1)}; 1000 takes a few minutes, 10000 a quarter of an hour)
  --groups a,b    of: validate, growth, ample, kinds (default: all)
  --seed N        another draw of the same swarms
Results: tables here; bench/out/simulate.json and bench/out/simulate.svg.`

/** @typedef {import('./observe.js').Figures} Figures */

function main () {
  const { values } = parseArgs({
    options: {
      most: { type: 'string', default: String(SIZES.at(-1)) },
      groups: { type: 'string', default: 'validate,growth,ample,kinds' },
      seed: { type: 'string', default: '1' },
      help: { type: 'boolean', default: false }
    }
  })
  const [most, seed] = [Number(values.most), Number(values.seed)]
  const known = groups(most, seed)
  const asked = values.groups.split(',')
  const strange = asked.find(name => name !== 'validate' && !(name in known))
  if (values.help || !(most >= 10) || !Number.isInteger(seed) || strange !== undefined) {
    console.log(strange === undefined ? HELP : `there is no group ${strange}\n${HELP}`)
    return values.help ? 0 : 2
  }
  let valid = true
  if (asked.includes('validate')) valid = validate()
  /** @type {Record<string, Figures[]>} */
  const results = {}
  for (const [name, scenarios] of Object.entries(known)) {
    if (!asked.includes(name)) continue
    results[name] = scenarios.map(scenario => {
      const figures = observe(scenario)
      console.log(`   ${figures.name}: ${figures.effort.wall.toFixed(0)} s`)
      return figures
    })
    console.log(`\n== ${name}\n${table(results[name])}\n`)
  }
  console.log(LEGEND)
  const reached = goals(results['growth'] ?? [], Object.values(results).flat())
  for (const { goal, reached: yes, why } of reached) console.log(`${yes ? 'ok    ' : 'MISSED'} ${goal}${why ? ` (${why})` : ''}`)
  write(results, reached, seed)
  return valid ? 0 : 1
}

/** The simulator against real browsers. */
function validate () {
  console.log('== simulated beside real Chromium (make bench-swarm)')
  let valid = true
  for (const { scenario, measured: [low, high] } of MEASURED) {
    const { offload, bound, copies } = observe(scenario)
    const apart = Math.max(0, low - offload, offload - high)
    valid &&= apart <= TOLERANCE
    const real = low === high ? low.toFixed(3) : `${low.toFixed(3)}–${high.toFixed(3)}`
    console.log(`${apart <= TOLERANCE ? 'ok    ' : 'APART '} ${scenario.name}: offload ${offload.toFixed(3)}, real ${real}, bound ${bound.toFixed(3)}; ${copies.all.toFixed(2)} copies`)
  }
  console.log('')
  return valid
}

/** @param {Record<string, Figures[]>} results @param {object} reached @param {number} seed */
function write (results, reached, seed) {
  const out = new URL('../out/', import.meta.url)
  mkdirSync(out, { recursive: true })
  const machine = { cores: cpus().length, load: loadavg()[0], node: process.version }
  writeFileSync(new URL('simulate.json', out), `${JSON.stringify({ bench: 'simulate', machine, seed, goals: reached, results }, null, 1)}\n`)
  if (results['growth']) {
    const title = 'Simulated swarms as viewers grow: mean upload 1.5 × bit rate, a third cannot upload, 15 % cannot connect, RTT 20–200 ms'
    writeFileSync(new URL('simulate.svg', out), picture(results['growth'], title))
  }
}

process.exitCode = main()
