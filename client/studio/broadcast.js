/** One broadcast, from "Go live" to its end, over as many connections as it takes. */

import { again, final, wait } from './outcome.js'
import { Pace } from './pace.js'
import { heightFor } from './quality.js'
import { RecorderLink } from './recorder-link.js'
import { WhipLink } from './whip-link.js'

/** A connection that held so long was a good one: the next try is soon again. ms */
const HELD = 5000

/** @typedef {'browser' | 'whip'} Way the recorder over a WebSocket, or WebRTC */
/** @typedef {import('./outcome.js').Words} Words */
/** @typedef {import('./quality.js').Quality} Quality */
/** @typedef {Pick<RecorderLink, 'open' | 'renew' | 'stop' | 'abandon'> | Pick<WhipLink, 'open' | 'renew' | 'stop' | 'abandon'>} Link */
/** @typedef {import('./recorder-link.js').Figures} Figures */

/**
 * @typedef {object} Status
 * @property {'connecting' | 'starting' | 'live' | 'waiting' | 'finishing' | 'over'} phase
 * @property {Words | null} words what there is to say besides
 * @property {boolean} good over, and as it was asked to
 * @property {Way} way
 * @property {number | null} since when the key was first taken, ms of `performance.now()`
 * @property {Figures | null} figures of this connection
 * @property {number} dropped bytes thrown away so far
 * @property {number} bits recorded now, bits/s
 * @property {boolean} lowered less than chosen
 */

export class Broadcast {
  /** @type {Link | null} */
  #link = null
  #resume = ''
  #tries = 0
  #readyAt = 0
  #dropped = 0
  #stopping = false
  /** @type {number | undefined} */
  #timer
  /** @type {Status} */
  status

  /**
   * @param {object} options
   * @param {string} options.name
   * @param {string} options.key
   * @param {readonly Way[]} options.ways that both server and browser have, better first; at least one
   * @param {Quality} options.quality chosen
   * @param {import('./stage.js').Stage} options.stage
   * @param {(status: Status) => void} options.told of every change
   * @param {(way: Way, options: import('./recorder-link.js').Options) => Link} [options.connect]
   */
  constructor (options) {
    this.options = options
    this.ways = [...options.ways]
    this.height = options.quality.height
    this.pace = new Pace(options.quality.bits)
    const [way = 'browser'] = this.ways
    this.status = {
      phase: 'connecting', words: null, good: false, way, since: null, figures: null, dropped: 0, bits: this.pace.bits, lowered: false
    }
  }

  start () { this.#connect() }

  /** The picture or the sound is another one. */
  renew () { this.#link?.renew() }

  /** @param {Quality} quality another, from here on */
  choose ({ bits, height }) {
    this.height = height
    this.pace.choose(bits, performance.now())
    this.#link?.renew()
    this.#tell({})
  }

  stop () {
    if (this.status.phase === 'over') return
    const again = this.#stopping
    this.#stopping = true
    clearTimeout(this.#timer)
    // Between two connections, or told twice, there is nothing to wait for.
    if (this.#link === null) return this.#over(null, true)
    this.#tell({ phase: 'finishing', words: null })
    if (again) this.#link.abandon()
    else this.#link.stop()
  }

  #connect () {
    const { name, key, stage, connect = toServer } = this.options
    const [way = 'browser'] = this.ways
    const link = this.#link = connect(way, {
      name,
      key,
      stage,
      resume: this.#resume,
      pace: this.pace,
      fit: () => stage.fit(heightFor(this.pace.bits, this.height)),
      told: told => { if (link === this.#link) this.#hear(told) }
    })
    this.#tell({ way })
    link.open()
  }

  /** @param {import('./recorder-link.js').Told} told */
  #hear (told) {
    switch (told.type) {
      case 'ready':
        this.#readyAt = performance.now()
        if (told.resume) this.#resume = told.resume
        return this.#tell({ phase: this.#stopping ? 'finishing' : 'starting', since: this.status.since ?? this.#readyAt, words: null })
      case 'live':
        return this.#tell(this.#stopping ? {} : { phase: 'live', words: null })
      case 'figures':
        return this.#tell({ figures: told.figures })
      case 'pace':
        return this.#tell({})
      case 'end':
        return this.#ended(told.end)
    }
  }

  /** @param {import('./outcome.js').End} end */
  #ended (end) {
    this.#link = null
    this.#dropped += this.status.figures?.dropped ?? 0
    this.status = { ...this.status, figures: null }
    if (this.#stopping || end.status === 200) return this.#over(null, true)
    const began = this.status.since !== null
    // WebRTC needs UDP, which many networks block: the recorder needs what the page came by.
    if (!began && this.ways.length > 1 && (end.status === 0 || end.status === 404 || end.status === 422)) {
      this.ways.shift()
      return this.#connect()
    }
    if (end.ready && performance.now() - this.#readyAt > HELD) this.#tries = 0
    const words = final(end, { tries: this.#tries, began })
    if (words) return this.#over(words, false)
    if (end.status === 413) this.pace.halve()
    this.#timer = setTimeout(() => this.#connect(), wait(this.#tries, Math.random()))
    this.#tries += 1
    this.#tell({ phase: 'waiting', words: again(end, this.#tries) })
  }

  /** @param {Words | null} words @param {boolean} good */
  #over (words, good) {
    this.#tell({ phase: 'over', words, good })
  }

  /** @param {Partial<Status>} changed */
  #tell (changed) {
    const { bits, lowered } = this.pace
    const status = { ...this.status, ...changed, bits, lowered }
    status.dropped = this.#dropped + (status.figures?.dropped ?? 0)
    this.status = status
    this.options.told(status)
  }
}

/** @param {Way} way @param {import('./recorder-link.js').Options} options @returns {Link} */
const toServer = (way, options) => way === 'whip' ? new WhipLink(options) : new RecorderLink(options)
