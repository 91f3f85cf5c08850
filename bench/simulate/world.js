/** One simulated stream with its viewers, coming and going, from beginning to end. Deterministic by seed. */

import { Clock } from './clock.js'
import { Dice } from './dice.js'
import { Origin } from './origin.js'
import { roundTrip, roundTripToOrigin, someone } from './population.js'
import { Tracker } from './tracker.js'
import { SimViewer } from './viewer.js'

/** @typedef {import('./viewer.js').Traits} Traits */

/**
 * @typedef {object} Scenario
 * @property {string} name
 * @property {number} viewers at a time
 * @property {number[]} mbps of each variant; viewers are spread over them
 * @property {number} seconds measured
 * @property {number} [meanUp] mean upload ÷ mean bit rate; default 1.5
 * @property {{ up: number, down: number }} [even] all have the same line, Mbit/s
 * @property {number} [rtt] the same between all, ms
 * @property {number} [loss] share of the packets
 * @property {number} [stay] mean stay, s; who leaves is replaced. Default: nobody leaves
 * @property {{ viewers: number, over: number }} [crowd] come when the measured time begins, within so many s
 * @property {number} [switches] mean time between switches of variant, s
 * @property {number} [ramp] s over which the first viewers come
 * @property {number} [settle] s from then to the measured time
 * @property {number} [seed]
 * @property {boolean} [peers] false: plain HTTP
 */

export const DURATION = 2
const WINDOW = 8
/** Links at most; upkeep.js wants fewer and leaves the rest to newcomers. */
const MAX_PEERS = 12

export class World {
  /** @param {Scenario} scenario */
  constructor (scenario) {
    this.scenario = scenario
    const dice = this.dice = new Dice(scenario.seed ?? 1)
    this.clock = new Clock()
    this.options = { peers: scenario.peers ?? true, maxPeers: MAX_PEERS }
    this.origin = new Origin(dice, scenario.mbps, { duration: DURATION, window: WINDOW })
    this.tracker = new Tracker(this.clock, dice)
    this.net = {
      clock: this.clock,
      dice,
      tracker: this.tracker,
      rtt: (/** @type {any} */ a, /** @type {any} */ b) => scenario.rtt ?? roundTrip(a.viewer.traits, b.viewer.traits),
      loss: (/** @type {any} */ a, /** @type {any} */ b) => a.viewer.traits.loss + b.viewer.traits.loss
    }
    const mean = scenario.mbps.reduce((sum, rate) => sum + rate, 0) / scenario.mbps.length
    this.shape = {
      meanUp: mean * (scenario.meanUp ?? 1.5),
      variants: scenario.mbps.length,
      loss: (scenario.loss ?? 0) / 2,
      alike: scenario.even
    }
    /** @type {Set<SimViewer>} */
    this.viewers = new Set()
    /** @type {((viewer: SimViewer) => void)} told who leaves, before it is gone */
    this.onLeave = () => {}
    /** @type {(viewer: SimViewer, id: string) => void} told of each completed segment */
    this.onCompleted = () => {}
    this.joined = 0
    this.ramp = 1000 * (scenario.ramp ?? 20)
    this.begin = this.ramp + 1000 * (scenario.settle ?? 20)
    this.end = this.begin + 1000 * scenario.seconds
    for (let i = 0; i < scenario.viewers; i++) this.clock.after(this.ramp * dice.next(), join, this)
    if (scenario.crowd) {
      const { viewers, over } = scenario.crowd
      for (let i = 0; i < viewers; i++) this.clock.after(this.begin + 1000 * over * dice.next(), join, this)
    }
  }

  /** @param {Traits} traits */
  rttToOrigin (traits) { return this.scenario.rtt ?? roundTripToOrigin(traits) }

  join () {
    const { dice, scenario, clock } = this
    const viewer = new SimViewer(this, someone(dice, this.joined++, this.shape))
    this.viewers.add(viewer)
    if (scenario.stay) clock.after(1000 * dice.exponential(scenario.stay), leave, viewer)
    if (scenario.switches) clock.after(1000 * dice.exponential(scenario.switches), change, viewer)
  }

  /** @param {SimViewer} viewer */
  leave (viewer) {
    this.onLeave(viewer)
    this.viewers.delete(viewer)
    viewer.leave()
    // As many come as go.
    this.clock.after(1000 * this.dice.next(), join, this)
  }

  /** @param {SimViewer} viewer @param {string} id */
  completed (viewer, id) { this.onCompleted(viewer, id) }

  /** @param {number} until ms */
  run (until) { this.clock.run(until) }
}

/** @param {World} world */
function join (world) { world.join() }
/** @param {SimViewer} viewer */
function leave (viewer) { viewer.world.leave(viewer) }
/** The player changes to another variant and loads its playlist. @param {SimViewer} viewer */
function change (viewer) {
  const { world } = viewer
  if (viewer.gone) return
  viewer.variant = (viewer.variant + 1) % world.scenario.mbps.length
  viewer.reload()
  world.clock.after(1000 * world.dice.exponential(world.scenario.switches ?? 60), change, viewer)
}
