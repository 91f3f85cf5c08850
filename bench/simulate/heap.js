/** Events by time: a binary heap. Those of one moment come out in the order they went in. Pure. */

/**
 * @typedef {object} Event
 * @property {number} at ms
 * @property {number} order ties are broken by it
 * @property {((argument: any) => void) | null} run null: cancelled
 * @property {any} argument
 */

export class EventHeap {
  constructor () {
    /** @type {Event[]} */
    this.events = []
  }

  get size () { return this.events.length }

  /** @param {Event} event */
  push (event) {
    const { events } = this
    let i = events.length
    events.push(event)
    while (i > 0) {
      const parent = (i - 1) >> 1
      const above = /** @type {Event} */ (events[parent])
      if (!before(event, above)) break
      events[i] = above
      i = parent
    }
    events[i] = event
  }

  /** @returns {Event | undefined} the earliest */
  pop () {
    const { events } = this
    const first = events[0]
    const last = events.pop()
    if (first === undefined || last === undefined || events.length === 0) return first
    const { length } = events
    let i = 0
    for (;;) {
      let child = 2 * i + 1
      if (child >= length) break
      let lower = /** @type {Event} */ (events[child])
      const right = events[child + 1]
      if (right !== undefined && before(right, lower)) {
        child += 1
        lower = right
      }
      if (!before(lower, last)) break
      events[i] = lower
      i = child
    }
    events[i] = last
    return first
  }
}

/** @param {Event} a @param {Event} b */
function before (a, b) { return a.at < b.at || (a.at === b.at && a.order < b.order) }
