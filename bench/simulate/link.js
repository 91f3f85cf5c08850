/** One end of a link between two simulated viewers: what dialogue.js and the exchange use of mesh/link.js. */

import { encode } from '../../client/mesh/gossip.js'
import { Pace } from '../../client/pace.js'
import { associationRate } from './lines.js'

/** @typedef {import('../../client/mesh/gossip.js').Message} Message */
/** @typedef {import('./mesh.js').SimMesh} SimMesh */

/** A data channel's own bytes around a message: UDP, DTLS, SCTP. */
const MESSAGE_OVERHEAD = 77

export class SimLink {
  /** @param {SimMesh} mesh @param {SimMesh} remote @param {number} rtt ms @param {number} loss */
  constructor (mesh, remote, rtt, loss) {
    this.mesh = mesh
    this.peer = remote.me
    this.rtt = rtt
    this.ceiling = associationRate(rtt, loss)
    /** @type {SimLink} the other end; set by pair() */
    this.other = this
    this.up = false
    this.down = false
    this.peerBornAt = remote.bornAt
    this.peerShares = remote.self.sharing()
    this.peerLine = remote.viewer.scheduler.line
    this.wires = new SimWires(this)
    /** Messages under way that were said at `saidAt`. @type {Message[]} */
    this.outbox = []
    this.saidAt = -1
    /** What goes with the next message. @type {Message[]} */
    this.later = []
    this.pace = new Pace()
  }

  /** @param {Message} message */
  send (message) {
    if (!this.up) return
    // What is said later must not change what was said: a viewer's pieces go on growing.
    const said = message.t === 'have' ? this.mesh.frozen(message) : message
    const { clock, counts } = this.mesh
    counts.lines += 1
    counts.bytes += this.mesh.length(said)
    if (this.saidAt === clock.now) {
      this.outbox.push(said)
      return
    }
    counts.messages += 1
    counts.bytes += MESSAGE_OVERHEAD
    this.saidAt = clock.now
    this.outbox = [...this.later, said]
    this.later = []
    clock.after(this.rtt / 2, hear, { link: this.other, messages: this.outbox })
  }

  /** @param {Message} message */
  sendLater (message) {
    const { counts } = this.mesh
    counts.lines += 1
    counts.bytes += this.mesh.length(message)
    this.later.push(message)
  }
}

/** @param {{ link: SimLink, messages: Message[] }} heard */
function hear ({ link, messages }) {
  if (!link.up) return
  for (const message of messages) {
    if (message.t === 'share') link.peerShares = message.share
    link.mesh.events.onMessage(link, message)
  }
}

/** Which segments' sub-streams are open, as far as this end knows. */
export class SimWires {
  /** @param {SimLink} link */
  constructor (link) {
    this.link = link
    /** @type {Set<string>} opened by us */
    this.mine = new Set()
    /** @type {Set<string>} opened by the peer */
    this.theirs = new Set()
  }

  /** @param {string} id @returns {{ link: SimLink } | null} */
  open (id) {
    if (this.mine.has(id)) return null
    this.mine.add(id)
    this.link.mesh.clock.after(this.link.rtt / 2, opened, { link: this.link.other, id })
    return { link: this.link }
  }

  /** @param {string} id */
  offered (id) { return this.theirs.has(id) && !this.mine.has(id) }

  /** @param {string} id */
  both (id) { return this.theirs.has(id) && this.mine.has(id) }

  /** @param {string} id */
  close (id) {
    this.mine.delete(id)
    this.theirs.delete(id)
  }
}

/** @param {{ link: SimLink, id: string }} opening */
function opened ({ link, id }) {
  if (!link.up) return
  link.wires.theirs.add(id)
  link.mesh.events.onOffer(link, id)
}

/** Characters of a message on the channel. @param {Message} message */
export function lengthOf (message) { return encode(message).length }
