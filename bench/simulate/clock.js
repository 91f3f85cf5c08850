/**
 * Simulated time. The client's modules that keep timers of their own (dialogue.js, hints.js) run on it
 * unchanged: while a simulation runs, the timers and the clock they see are ours.
 */

import { EventHeap } from './heap.js'

/** @typedef {import('./heap.js').Event} Event */

export class Clock {
  constructor () {
    this.now = 0
    this.heap = new EventHeap()
    this.order = 0
    /** Events run, for the speed of a simulation. */
    this.ran = 0
  }

  /**
   * @template T
   * @param {number} ms from now
   * @param {(argument: T) => void} run
   * @param {T} argument
   * @returns {Event} to be cancelled
   */
  after (ms, run, argument) {
    const event = { at: this.now + (ms > 0 ? ms : 0), order: this.order++, run, argument }
    this.heap.push(event)
    return event
  }

  /** @param {Event | undefined} event */
  cancel (event) { if (event) event.run = null }

  /** Let time pass. @param {number} until ms */
  run (until) {
    const restore = this.#install()
    try {
      for (;;) {
        const event = this.heap.pop()
        if (event === undefined) break
        if (event.at > until) {
          this.heap.push(event)
          break
        }
        if (event.run === null) continue
        this.now = event.at
        this.ran += 1
        const { run } = event
        event.run = null
        run(event.argument)
      }
      this.now = until
    } finally {
      restore()
    }
  }

  /** Replace the process's timers by ours, for code that runs in this turn only. */
  #install () {
    const world = /** @type {any} */ (globalThis)
    const names = ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance']
    const before = names.map(name => Object.getOwnPropertyDescriptor(world, name))
    const call = (/** @type {() => void} */ run) => run()
    const cancel = (/** @type {any} */ timer) => {
      if (!timer) return
      if (timer.repeats) timer.repeats = false
      else this.cancel(timer)
    }
    const ours = {
      setTimeout: (/** @type {() => void} */ run, ms = 0) => this.after(ms, call, run),
      clearTimeout: cancel,
      setInterval: (/** @type {() => void} */ run, /** @type {number} */ ms) => {
        const timer = { repeats: true }
        const tick = () => {
          if (!timer.repeats) return
          run()
          this.after(ms, tick, undefined)
        }
        this.after(ms, tick, undefined)
        return timer
      },
      clearInterval: cancel,
      performance: { now: () => this.now }
    }
    for (const [name, value] of Object.entries(ours)) {
      Object.defineProperty(world, name, { value, configurable: true, writable: true })
    }
    return () => names.forEach((name, i) => {
      const descriptor = before[i]
      if (descriptor) Object.defineProperty(world, name, descriptor)
      else delete world[name]
    })
  }
}
