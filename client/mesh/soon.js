/**
 * Do something after what is now in the event loop's hands: not a microtask, because streams and torrents take
 * many of those for one message; not a timer, because a hidden tab's fire once a second.
 */

/** @type {Map<object, () => void>} one task per owner; as many as links */
const waiting = new Map()
/** @type {MessageChannel | undefined} made when first needed: Node would wait for it to close */
let channel

/**
 * @param {object} owner who asks again before the task has run changes nothing
 * @param {() => void} task
 */
export function soon (owner, task) {
  if (waiting.has(owner)) return
  waiting.set(owner, task)
  if (waiting.size > 1) return
  if (!channel) {
    channel = new MessageChannel()
    channel.port1.onmessage = () => {
      const tasks = [...waiting.values()]
      waiting.clear()
      for (const each of tasks) each()
    }
  }
  channel.port2.postMessage(null)
}
