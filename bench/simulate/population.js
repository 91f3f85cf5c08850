/** Who the viewers are: their lines, places and habits. Pure but for the dice. */

/** @typedef {import('./viewer.js').Traits} Traits */

/** Mbit/s to bytes per ms. */
const RATE = 125

/**
 * Uplinks of those who can upload, relative to each other: ADSL, mobile, cable, VDSL, fibre. After the shape of
 * published speed tests: a few carry much, most carry little.
 * @type {readonly (readonly [number, number])[]}
 */
const UPLINKS = [[0.25, 0.5], [0.25, 1], [0.25, 2], [0.15, 4], [0.1, 8]]
const UPLINK_MEAN = UPLINKS.reduce((sum, [share, rate]) => sum + share * rate, 0)
/** A third cannot upload: half of them say so (data saver, the switch), half do not know and have next to nothing. */
const MUTE = 1 / 6
const WEAK = 1 / 6
const WEAK_MBPS = 0.1
/** No way through their NAT or firewall. */
const UNREACHABLE = 0.15
/** Downlinks, Mbit/s. @type {readonly (readonly [number, number])[]} */
const DOWNLINKS = [[0.3, 10], [0.4, 30], [0.3, 100]]
/** Round trips between any two end up at 20–200 ms: each one's own line, and the distance on a ring. */
const ACCESS = /** @type {const} */ ([10, 45])
const RING = 110

/**
 * @param {import('./dice.js').Dice} dice
 * @param {{ meanUp: number, variants: number, loss: number, even?: { up: number, down: number } }} shape
 *   meanUp: Mbit/s over all viewers; even: all alike, Mbit/s
 * @returns {Traits}
 */
export function someone (dice, { meanUp, variants, loss, even }) {
  const common = { access: dice.between(...ACCESS), place: dice.next(), variant: dice.below(variants), loss }
  if (even) return { ...common, up: even.up * RATE, down: even.down * RATE, sharing: true, connectable: true }
  const scale = meanUp / (UPLINK_MEAN * (1 - MUTE - WEAK))
  const kind = dice.next()
  const strong = dice.pick(UPLINKS) * scale
  return {
    ...common,
    up: (kind < MUTE + WEAK ? WEAK_MBPS : strong) * RATE,
    down: dice.pick(DOWNLINKS) * RATE,
    sharing: kind >= MUTE,
    connectable: dice.next() >= UNREACHABLE
  }
}

/** ms between two viewers. @param {Traits} a @param {Traits} b */
export function roundTrip (a, b) {
  const apart = Math.abs(a.place - b.place)
  return Math.min(200, Math.max(20, a.access + b.access + 2 * RING * Math.min(apart, 1 - apart)))
}

/** ms to the origin, which stands at 0 on the ring. @param {Traits} a */
export function roundTripToOrigin ({ access, place }) {
  return Math.min(200, Math.max(20, access + 5 + 2 * RING * Math.min(place, 1 - place)))
}
