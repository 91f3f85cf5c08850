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
 * The fractions of i × an irrational number fill [0, 1) evenly: any few viewers are a fair sample, so that small
 * swarms have the mean upload they are said to have.
 * @param {number} i @param {number} irrational
 */
const even = (i, irrational) => (i + 1) * irrational % 1

/** @template T @param {number} at in [0, 1) @param {readonly (readonly [number, T])[]} choices share and value @returns {T} */
function choose (at, choices) {
  for (const [share, value] of choices) if ((at -= share) < 0) return value
  return /** @type {readonly [number, T]} */ (choices[choices.length - 1])[1]
}

/**
 * @param {import('./dice.js').Dice} dice
 * @param {number} i how many came before
 * @param {{ meanUp: number, variants: number, loss: number, alike?: { up: number, down: number } }} shape
 *   meanUp: Mbit/s over all viewers; alike: everybody's, Mbit/s
 * @returns {Traits}
 */
export function someone (dice, i, { meanUp, variants, loss, alike }) {
  const common = { access: dice.between(...ACCESS), place: dice.next(), variant: i % variants, loss }
  if (alike) return { ...common, up: alike.up * RATE, down: alike.down * RATE, sharing: true, connectable: true }
  const scale = (meanUp - WEAK * WEAK_MBPS) / (UPLINK_MEAN * (1 - MUTE - WEAK))
  const kind = even(i, Math.SQRT2)
  const strong = choose(even(i, Math.sqrt(3)), UPLINKS) * scale
  return {
    ...common,
    up: (kind < MUTE + WEAK ? WEAK_MBPS : strong) * RATE,
    down: choose(even(i, Math.sqrt(7)), DOWNLINKS) * RATE,
    sharing: kind >= MUTE,
    connectable: even(i, Math.sqrt(5)) >= UNREACHABLE
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
