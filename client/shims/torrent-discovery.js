// Replaces torrent-discovery: peers come from the mesh, or from a tracker client of our own (swarm.js).
import { EventEmitter } from './events.cjs'

export default class NoDiscovery extends EventEmitter {
  complete() {}
  updatePort() {}

  /** @param {() => void} done */
  destroy(done) {
    queueMicrotask(done)
  }
}
