/**
 * A link: one long-lived RTCPeerConnection to another viewer, with two negotiated data channels made
 * before the SDP is exchanged, so that neither side can lose the other's first message: `control`
 * (gossip.js) and `wire` (wires.js). Signalling is without trickle, as the tracker protocol wants.
 */

import { Allowance } from './allowance.js'
import { since } from './burden.js'
import { gathered } from './gather.js'
import { MAX_MESSAGE, VERSION, decode, encode, pack } from './gossip.js'
import { relays } from './ice.js'
import { soon } from './soon.js'
import { Wires } from './wires.js'

/** An offer that nobody answers is given back after this: two round trips by the tracker and a busy peer, ms. */
const ANSWER_TIMEOUT = 6000
/** A connection that does not come up likewise: lost packets of its handshakes are sent again after seconds, ms. */
const CONNECT_TIMEOUT = 12_000
/** While a peer is heard anyway it is pinged less often: for its round trip, and to tell it of our room, ms. */
const PING_INTERVAL = 900
const PING_HEARD = 2900
/** Control messages waiting in a channel beyond this mean the peer is gone or stuck, bytes. */
const MAX_CONTROL_BUFFER = 256 << 10
/** What waits for the next message; nothing that does is urgent, only bounded. */
const MAX_OUTBOX = 16
/** Control messages: a whole window's at once on meeting, then ten times what an exchange at full speed takes. */
const MESSAGES = [1000, 200]

/**
 * @typedef {object} Self what a hello says of us
 * @property {string} peer our peer id
 * @property {number} bornAt when we joined the mesh, ms
 * @property {() => boolean} sharing
 * @property {() => import('./gossip.js').Room} room
 * @property {import('./outlet.js').Outlet} outlet
 */

/**
 * @typedef {object} LinkEvents
 * @property {(link: Link) => void} onUp the peer said hello
 * @property {(link: Link, reason: string) => void} onDown once
 * @property {(link: Link, message: import('./gossip.js').Message) => void} onMessage
 * @property {(link: Link, infohash: string) => void} onOffer the peer opened a sub-stream
 * @property {(link: Link) => void} onDoubt ICE misses its answers
 */

export class Link {
  /**
   * Throws what RTCPeerConnection throws.
   * @param {Self} self
   * @param {RTCConfiguration & { iceServers: RTCIceServer[] }} rtc
   * @param {LinkEvents} events
   */
  constructor (self, rtc, events) {
    this.self = self
    /** @type {'' | 'srflx' | 'relay'} what is waited for */
    this.last = rtc.iceServers.some(relays) ? 'relay' : rtc.iceServers.length > 0 ? 'srflx' : ''
    this.events = events
    /** The remote peer's id: known from the offer or answer. */
    this.peer = ''
    this.up = false
    this.down = false
    this.peerShares = false
    /** When the peer joined the mesh, ms on our clock. */
    this.peerBornAt = 0
    this.rtt = 0
    /** The least of late: without what waits in queues, ms. */
    this.rttLeast = 0
    this.heardAt = performance.now()
    this.pingedAt = 0
    /** How many links the peer has, and what its line carries, bytes/s, 0: it does not know; as it said last. */
    this.peerLinks = 0
    this.peerLine = 0
    /** What lines it has around it (turns.js). */
    this.peerMean = 0
    /** What it uploads, bytes/s, as it said last, and what it had sent us by then, bytes. */
    this.peerSends = 0
    this.gaveThen = 0
    /** Bytes of torrents either way that were taken account of. */
    this.carried = 0
    this.pc = new RTCPeerConnection(rtc)
    this.control = this.pc.createDataChannel('control', { negotiated: true, id: 0 })
    this.wire = this.pc.createDataChannel('wire', { negotiated: true, id: 1 })
    this.wires = new Wires(this.wire, '', infohash => events.onOffer(this, infohash), reason => this.close(reason, true), () => this.rttLeast, self.outlet)
    this.abusive = false
    /** @type {string[]} said in this turn, not sent yet */
    this.outbox = []
    this.messages = new Allowance(MESSAGES[0], MESSAGES[1])
    this.patience = setTimeout(() => this.close('nobody answered'), ANSWER_TIMEOUT)
    this.control.addEventListener('message', event => this.#onControl(event.data))
    this.wire.addEventListener('message', () => { this.heardAt = performance.now() })
    for (const channel of [this.control, this.wire]) {
      channel.addEventListener('open', () => this.#onOpen())
      channel.addEventListener('close', () => this.close('the peer left'))
    }
    // Both channels are negotiated: whatever else the peer opens would only pile up.
    this.pc.addEventListener('datachannel', () => this.close('opened a channel of its own', true))
    this.pc.addEventListener('connectionstatechange', () => {
      if (this.pc.connectionState === 'failed') this.close('the connection failed')
      if (this.pc.connectionState === 'disconnected' && this.up) events.onDoubt(this)
    })
  }

  /** @returns {Promise<RTCSessionDescriptionInit>} with its candidates in it */
  async offer () {
    await this.pc.setLocalDescription(await this.pc.createOffer())
    return gathered(this.pc, this.last)
  }

  /** @param {string} peer @param {RTCSessionDescriptionInit} offer */
  async answer (peer, offer) {
    this.#name(peer)
    if (!dataOnly(offer)) throw new Error('the peer offers media')
    await this.pc.setRemoteDescription(offer)
    await this.pc.setLocalDescription(await this.pc.createAnswer())
    return gathered(this.pc, this.last)
  }

  /** @param {string} peer @param {RTCSessionDescriptionInit} answer */
  async accept (peer, answer) {
    this.#name(peer)
    await this.pc.setRemoteDescription(answer)
  }

  /** Send it with whatever else is said in this turn of the event loop. @param {import('./gossip.js').Message} message */
  send (message) {
    if (this.control.readyState !== 'open') return
    this.outbox.push(encode(message))
    soon(this.control, () => this.#post())
  }

  /** Send it with the next message: a ping, if nothing else. @param {import('./gossip.js').Message} message */
  sendLater (message) {
    this.outbox.push(encode(message))
    if (this.outbox.length > MAX_OUTBOX) soon(this.control, () => this.#post())
  }

  #post () {
    const lines = this.outbox
    this.outbox = []
    if (this.control.readyState !== 'open') return
    if (this.control.bufferedAmount > MAX_CONTROL_BUFFER) return this.close('the peer does not read')
    try {
      for (const text of pack(lines)) this.control.send(text)
    } catch { /* closing */ }
  }

  /** Ask for a sign of life, unless `seldom` and it was just done: to be called about every second. @param {boolean} seldom */
  ping (seldom) {
    const now = performance.now()
    const every = now - this.heardAt < PING_INTERVAL ? PING_HEARD : PING_INTERVAL
    if (seldom && now - this.pingedAt < every) return
    this.pingedAt = now
    this.send({ t: 'ping', at: now, ...this.self.room() })
  }

  /** What the peer uploads lately, bytes/s. */
  get burden () { return since(this.peerSends, this.wires.gave - this.gaveThen) }

  /** Bytes on the wire channel since the last time, either way. */
  takeCarried () {
    const carried = this.wires.gave + this.wires.got
    const more = carried - this.carried
    this.carried = carried
    return more
  }

  /** @param {string} reason @param {boolean} [abusive] */
  close (reason, abusive = false) {
    if (this.down) return
    this.down = true
    this.abusive = abusive
    clearTimeout(this.patience)
    this.wires.close()
    this.pc.close()
    this.events.onDown(this, reason)
  }

  /** @param {string} peer */
  #name (peer) {
    this.peer = peer
    this.wires.peer = peer
    clearTimeout(this.patience)
    this.patience = setTimeout(() => this.close('no connection came up'), CONNECT_TIMEOUT)
  }

  #onOpen () {
    if (this.control.readyState !== 'open' || this.wire.readyState !== 'open' || this.down) return
    const now = performance.now()
    const { peer, sharing, bornAt, room } = this.self
    this.send({ t: 'hello', v: VERSION, id: peer, share: sharing(), age: now - bornAt, ...room() })
    this.heardAt = now
  }

  /** @param {unknown} data */
  #onControl (data) {
    if (typeof data !== 'string' || data.length > MAX_MESSAGE) return this.close('sent an oversized message', true)
    this.heardAt = performance.now()
    for (const line of data.split('\n')) {
      if (this.down) return
      if (!this.messages.take(1, this.heardAt)) return this.close('sends messages without end', true)
      const message = decode(line)
      if (message) this.#onSaid(message)
    }
  }

  /** @param {import('./gossip.js').Message} message */
  #onSaid (message) {
    if (message.t === 'ping') {
      this.#learn(message)
      if (this.up) this.events.onMessage(this, message)
      return this.send({ t: 'pong', at: message.at })
    }
    if (message.t === 'pong') {
      const rtt = performance.now() - message.at
      if (rtt < 0) return
      this.rtt = this.rtt ? this.rtt + 0.3 * (rtt - this.rtt) : rtt
      this.rttLeast = this.rttLeast ? Math.min(rtt, 1.1 * this.rttLeast + 1) : rtt
      return
    }
    if (message.t === 'hello') {
      if (this.up) return
      if (message.v !== VERSION) return this.close(`the peer speaks version ${message.v}`)
      if (message.id !== this.peer) return this.close('the peer is not who the tracker said', true)
      clearTimeout(this.patience)
      this.up = true
      this.peerShares = message.share
      this.peerBornAt = performance.now() - message.age
      this.#learn(message)
      this.ping(false) // its round trip is worth knowing from the start
      return this.events.onUp(this)
    }
    if (!this.up) return
    if (message.t === 'share') this.peerShares = message.share
    this.events.onMessage(this, message)
  }

  /** @param {import('./gossip.js').Room} room */
  #learn ({ links = this.peerLinks, line = this.peerLine, mean = this.peerMean, sends = this.peerSends }) {
    this.peerLinks = links
    this.peerLine = line
    this.peerMean = mean
    this.peerSends = sends
    this.gaveThen = this.wires.gave
  }
}

/**
 * Whether a session description is one of ours. Media sections would set decoders and more transports up.
 * @param {RTCSessionDescriptionInit} description
 */
function dataOnly ({ sdp = '' }) {
  return (sdp.match(/^m=/gm) ?? []).length === 1 && /^m=application /m.test(sdp)
}
