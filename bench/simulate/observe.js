/** One scenario run and counted: what its viewers had, what it cost, and what was possible. */

import { PIECE } from './origin.js'
import { DURATION, World } from './world.js'

/** Segments listed later than this before the end are not counted: some viewers have yet to fetch them, s. */
const TAIL = 10

/** @typedef {import('./world.js').Scenario} Scenario */
/** @typedef {import('./viewer.js').SimViewer} SimViewer */

/**
 * @typedef {object} Figures
 * @property {string} name
 * @property {number} viewers at the end
 * @property {number} seconds measured
 * @property {number} offload 1 − origin's bytes ÷ delivered
 * @property {number} reachable the same over those who can connect
 * @property {number} bound min{(M−1)/M, upload ÷ demand} over the M who can connect
 * @property {number} capacity mean upload of all ÷ bit rate
 * @property {Record<'pull' | 'alone' | 'deadline' | 'start' | 'all', number>} copies a segment's, mean over variants and segments
 * @property {number} stalled share of the time watched
 * @property {number} stalling share of the viewers that stalled at all
 * @property {{ p50: number, p95: number }} start ms from joining to the first picture
 * @property {{ p50: number, p99: number }} delay s from listed here to complete, of segments at the live edge
 * @property {number} tree s: what no tree of viewers is faster than, see `tree`
 * @property {number} latency s at the end, mean
 * @property {{ mean: number, p95: number, max: number, top: number }} upload of those who can, relative to their mean; top: share sent by the busiest tenth
 * @property {{ lines: number, messages: number, bytes: number, pings: number }} signalling sent by a viewer in a second
 * @property {number} peers links a viewer has, mean
 * @property {number} duplicates share of the bytes from peers that came twice
 * @property {number} reloads playlists a viewer loads in a second
 * @property {{ wall: number, events: number }} effort s of real time; events run
 */

/** @param {Scenario} scenario @returns {Figures} */
export function observe (scenario) {
  const began = Date.now()
  const world = new World(scenario)
  const before = new Map()
  /** What left with those who left. */
  const sums = {
    delivered: 0, origin: 0, peers: 0, stalled: 0, watched: 0, time: 0,
    lines: 0, messages: 0, bytes: 0, pings: 0, duplicates: 0, reloads: 0
  }
  const reachable = { origin: 0, peers: 0 }
  /** @type {number[]} */
  const uploads = []
  let supply = 0
  let demand = 0
  let stalling = 0
  let seen = 0
  /** @type {number[]} */
  const starts = []
  /** @type {number[]} */
  const delays = []

  /** @param {SimViewer} viewer */
  const snapshot = viewer => {
    const { counts, player, mesh } = viewer
    const said = mesh?.counts ?? { lines: 0, messages: 0, bytes: 0 }
    const pings = mesh?.pings().messages ?? 0
    return {
      ...counts,
      ...said,
      pings,
      stalled: player.stalledUntilNow(),
      stalls: player.stalls,
      duplicates: viewer.exchange.duplicates,
      at: world.clock.now
    }
  }
  const nothing = {
    delivered: 0, peers: 0, origin: 0, pulled: 0, sent: 0, reloads: 0, segments: 0,
    lines: 0, messages: 0, bytes: 0, pings: 0, stalled: 0, stalls: 0, duplicates: 0
  }

  /** @param {SimViewer} viewer */
  const started = ({ player, bornAt }) => {
    if (!Number.isNaN(player.startedAt)) starts.push(player.startedAt - bornAt)
  }

  /** @param {SimViewer} viewer */
  const count = viewer => {
    const was = before.get(viewer) ?? { ...nothing, at: viewer.bornAt }
    const is = snapshot(viewer)
    const time = is.at - was.at
    sums.delivered += is.delivered - was.delivered
    sums.origin += is.origin - was.origin
    sums.peers += is.peers - was.peers
    sums.duplicates += is.duplicates - was.duplicates
    sums.reloads += is.reloads - was.reloads
    sums.stalled += is.stalled - was.stalled
    sums.watched += Math.max(0, is.at - Math.max(was.at, viewer.player.startedAt || Infinity))
    sums.lines += is.lines - was.lines
    sums.messages += is.messages - was.messages
    sums.bytes += is.bytes - was.bytes
    sums.pings += is.pings - was.pings
    sums.time += time
    seen += 1
    if (is.stalls > was.stalls) stalling += 1
    if (viewer.bornAt >= world.begin) started(viewer)
    if (!viewer.traits.connectable) return
    reachable.origin += is.origin - was.origin
    reachable.peers += is.peers - was.peers
    demand += (world.origin.variants[viewer.traits.variant]?.mbps ?? 0) * 125 * time
    if (!viewer.sharing) return
    supply += viewer.traits.up * time
    if (time > 10_000) uploads.push((is.sent - was.sent) / time)
  }

  world.run(world.begin)
  for (const viewer of world.viewers) {
    before.set(viewer, snapshot(viewer))
    if (!scenario.stay && !scenario.crowd) started(viewer)
  }
  world.onLeave = viewer => {
    count(viewer)
    before.delete(viewer)
  }
  world.onCompleted = (viewer, id) => {
    const segment = viewer.library.byId.get(id)
    if (segment?.follow) delays.push((world.clock.now - /** @type {any} */ (segment.holding).startedAt) / 1000)
  }
  world.run(world.end)
  for (const viewer of world.viewers) count(viewer)

  const alive = [...world.viewers]
  const everybody = alive.length
  const able = alive.filter(({ traits }) => traits.connectable).length
  const { origin } = world
  const copies = { pull: 0, alone: 0, deadline: 0, start: 0, all: 0 }
  let segments = 0
  for (const [v, variant] of origin.variants.entries()) {
    for (const segment of origin.listed[v] ?? []) {
      const listed = origin.listedAt(segment.msn)
      if (listed < world.begin || listed > world.end - 1000 * TAIL) continue
      segments += 1
      const fetched = origin.fetched.get(segment.infohash)
      for (const why of /** @type {const} */ (['pull', 'alone', 'deadline', 'start'])) {
        const copied = (fetched?.[why] ?? 0) / variant.bytes
        copies[why] += copied
        copies.all += copied
      }
    }
  }
  for (const why of /** @type {(keyof typeof copies)[]} */ (Object.keys(copies))) copies[why] /= Math.max(1, segments)
  const totalUp = alive.reduce((sum, { sharing, traits }) => sum + (sharing ? traits.up : 0), 0)
  const totalRate = alive.reduce((sum, { traits }) => sum + (origin.variants[traits.variant]?.mbps ?? 0) * 125, 0)
  const mean = uploads.reduce((sum, rate) => sum + rate, 0) / Math.max(1, uploads.length) || 1
  uploads.sort((a, b) => a - b)
  const tenth = uploads.slice(Math.floor(0.9 * uploads.length)).reduce((sum, rate) => sum + rate, 0)
  const seconds = sums.time / 1000
  return {
    name: scenario.name,
    viewers: everybody,
    seconds: scenario.seconds,
    offload: 1 - sums.origin / Math.max(1, sums.delivered),
    reachable: reachable.peers / Math.max(1, reachable.peers + reachable.origin),
    bound: Math.min((able - 1) / Math.max(1, able), supply / Math.max(1, demand)),
    capacity: totalUp / totalRate,
    copies,
    stalled: sums.stalled / Math.max(1, sums.watched),
    stalling: stalling / Math.max(1, seen),
    start: { p50: percentile(starts, 0.5), p95: percentile(starts, 0.95) },
    delay: { p50: percentile(delays, 0.5), p99: percentile(delays, 0.99) },
    tree: tree(world, alive),
    latency: alive.reduce((sum, { player }) => sum + player.latency, 0) / everybody,
    upload: {
      mean: mean * 8 / 1000,
      p95: percentile(uploads, 0.95) / mean,
      max: (uploads.at(-1) ?? 0) / mean,
      top: tenth / Math.max(1e-9, mean * uploads.length)
    },
    signalling: {
      lines: sums.lines / seconds,
      messages: sums.messages / seconds,
      bytes: sums.bytes / seconds,
      pings: sums.pings / seconds
    },
    peers: alive.reduce((sum, { mesh }) => sum + (mesh?.up.length ?? 0), 0) / everybody,
    duplicates: sums.duplicates / Math.max(1, sums.peers),
    reloads: sums.reloads / seconds,
    effort: { wall: (Date.now() - began) / 1000, events: world.clock.ran }
  }
}

/**
 * The delay of a tree whose depth is ⌈log N⌉ to the base of the links a viewer has, all lines being the mean one: a
 * piece and a round trip and a half (word of it, the request, the piece's way) a hop, then the rest of the segment. In s.
 * @param {World} world @param {SimViewer[]} viewers
 */
function tree (world, viewers) {
  const links = viewers.flatMap(({ mesh }) => mesh?.up ?? [])
  const able = viewers.filter(({ traits }) => traits.connectable)
  if (links.length === 0 || able.length < 2) return 0
  const mean = (/** @type {number[]} */ values) => values.reduce((sum, value) => sum + value, 0) / values.length
  const up = mean(able.map(({ sharing, traits }) => sharing ? traits.up : 0))
  const bytes = mean(able.map(({ variant }) => world.origin.variants[variant]?.bytes ?? 0))
  const depth = Math.ceil(Math.log(able.length) / Math.log(Math.max(2, links.length / able.length)))
  return (depth * (1.5 * mean(links.map(({ rtt }) => rtt)) + PIECE / up) + (bytes - PIECE) / up) / 1000
}

/** Nearest rank. @param {number[]} values @param {number} share */
export function percentile (values, share) {
  const ordered = [...values].sort((a, b) => a - b)
  return ordered[Math.max(0, Math.ceil(ordered.length * share) - 1)] ?? NaN
}

export { DURATION }
