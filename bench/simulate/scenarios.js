/** Which swarms are simulated, by group. Pure. */

/** @typedef {import('./world.js').Scenario} Scenario */

/** The larger a swarm, the shorter it is watched: its events grow with viewers × seconds. */
const LENGTHS = /** @type {const} */ ([[100, 90], [300, 60], [1000, 40], [3000, 24], [Infinity, 16]])
/** The time before is counted for less there, too, s. */
const SHORT = { ramp: 12, settle: 12 }
export const SIZES = /** @type {const} */ ([10, 30, 100, 300, 1000, 3000, 10_000])

/** @param {number} viewers */
const seconds = viewers => /** @type {readonly [number, number]} */ (LENGTHS.find(([most]) => viewers <= most))[1]

/**
 * What the same viewers did in real Chromium on one machine (`make bench-swarm`, a machine of 2 cores): offload.
 * @type {readonly { scenario: Scenario, measured: readonly [number, number] }[]}
 */
export const MEASURED = [
  { scenario: { name: 'loopback, N = 4', ...loopback(4) }, measured: [0.75, 0.75] },
  { scenario: { name: 'loopback, N = 6', ...loopback(6) }, measured: [0.833, 0.833] },
  { scenario: { name: 'RTT 100 ms, 20 Mbit/s down, 5 up, N = 4', ...wan(4) }, measured: [0.708, 0.75] }
]

/** @param {number} viewers @returns {Omit<Scenario, 'name'>} */
function loopback (viewers) {
  return { viewers, mbps: [1.5], seconds: 60, even: { up: 1000, down: 1000 }, rtt: 0.5, ramp: viewers }
}

/** @param {number} viewers @returns {Omit<Scenario, 'name'>} */
function wan (viewers) {
  return { viewers, mbps: [1.5], seconds: 60, even: { up: 5, down: 20 }, rtt: 100, ramp: viewers }
}

/**
 * @param {number} most viewers
 * @param {number} seed
 * @returns {Record<string, Scenario[]>}
 */
export function groups (most, seed) {
  const sizes = SIZES.filter(size => size <= most)
  /** @param {number} size @param {string} name @param {Partial<Scenario>} [more] @returns {Scenario} */
  const swarm = (size, name, more = {}) => ({
    name: `${name}, N = ${size.toLocaleString('en')}`, viewers: size, mbps: [1.5], meanUp: 1.5, seconds: seconds(size), ...(size > 1000 ? SHORT : {}), seed, ...more
  })
  return {
    growth: sizes.map(size => swarm(size, 'upload 1.5 × bit rate')),
    ample: sizes.filter(size => size <= 1000).map(size => swarm(size, 'upload 3 × bit rate', { meanUp: 3 })),
    kinds: [
      swarm(100, '3 Mbit/s', { mbps: [3] }),
      swarm(100, 'upload 0.75 × bit rate', { meanUp: 0.75 }),
      swarm(100, '0.5 % loss', { meanUp: 3, loss: 0.005 }),
      swarm(300, 'mean stay 3 min', { stay: 180 }),
      swarm(300, 'three variants mixed, mean stay 3 min', { mbps: [0.8, 1.5, 3], switches: 60, stay: 180 }),
      swarm(30, 'flash crowd: 1,000 in 10 s', { crowd: { viewers: Math.min(most, 1000), over: 10 }, seconds: 60 })
    ]
  }
}
