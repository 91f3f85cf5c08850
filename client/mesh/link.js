/**
 * A link: one long-lived RTCPeerConnection to another viewer, with two negotiated data channels made
 * before the SDP is exchanged, so that neither side can lose the other's first message: `control`
 * (gossip.js) and `wire` (wires.js). Signalling is without trickle, as the tracker protocol wants.
 */

import { Allowance } from './allowance.js'
import { MAX_MESSAGE, VERSION, decode, encode, pack } from './gossip.js'
import { soon } from './soon.js'
import { Wires } from './wires.js'

/** Gathering longer than this goes on without the missing candidates, ms. */
const GATHER_TIMEOUT = 1500
/** An offer nobody answers, or a connection that does not come up, is given back after this, ms. */
export const CONNECT_TIMEOUT = 12_000
/** A vanished peer shows in ICE only after 6–16 s: pings tell earlier, ms. */
const PING_INTERVAL = 1000
const SILENCE = 5000
/** Control messages waiting in a channel beyond this mean the peer is gone or stuck, bytes. */
const MAX_CONTROL_BUFFER = 256 << 10
/** Control messages: a whole window's at once on meeting, then ten times what an exchange at full speed takes. */
const MESSAGES = [1000, 200]

/**
 * @typedef {object} Self what a hello says of us
 * @property {string} peer our peer id
 * @property {number} bornAt when we joined the mesh, ms
 * @property {() => boolean} sharing
 */

/**
 * @typedef {object} LinkEvents
 * @property {(link: Link) => void} onUp the peer said hello
 * @property {(link: Link, reason: string) => void} onDown once
 * @property {(link: Link, message: import('./gossip.js').Message) => void} onMessage
 * @property {(link: Link, infohash: string) => void} onOffer the peer opened a sub-stream
 */

export class Link {
  /**
   * Throws what RTCPeerConnection throws.
   * @param {Self} self
   * @param {boolean} initiator
   * @param {RTCIceServer[]} servers
   * @param {LinkEvents} events
   */
  constructor (self, initiator, servers, events) {
    this.self = self
    this.initiator = initiator
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
    this.pc = new RTCPeerConnection({ iceServers: servers })
    this.control = this.pc.createDataChannel('control', { negotiated: true, id: 0 })
    this.wire = this.pc.createDataChannel('wire', { negotiated: true, id: 1 })
    this.wires = new Wires(this.wire, '', infohash => events.onOffer(this, infohash), reason => this.close(reason, true), () => this.rttLeast)
    this.abusive = false
    /** @type {string[]} said in this turn, not sent yet */
    this.outbox = []
    this.messages = new Allowance(MESSAGES[0], MESSAGES[1])
    /** @type {ReturnType<typeof setInterval> | undefined} */
    this.pinging = undefined
    this.patience = setTimeout(() => this.close('no connection came up'), CONNECT_TIMEOUT)
    this.control.addEventListener('message', event => this.#onControl(event.data))
    for (const channel of [this.control, this.wire]) {
      channel.addEventListener('open', () => this.#onOpen())
      channel.addEventListener('close', () => this.close('the peer left'))
    }
    // Both channels are negotiated: whatever else the peer opens would only pile up.
    this.pc.addEventListener('datachannel', () => this.close('opened a channel of its own', true))
    this.pc.addEventListener('connectionstatechange', () => {
      if (this.pc.connectionState === 'failed') this.close('the connection failed')
    })
  }

  /** @returns {Promise<RTCSessionDescriptionInit>} with its candidates in it */
  async offer () {
    await this.pc.setLocalDescription(await this.pc.createOffer())
    return this.#gathered()
  }

  /** @param {string} peer @param {RTCSessionDescriptionInit} offer */
  async answer (peer, offer) {
    this.#name(peer)
    if (!dataOnly(offer)) throw new Error('the peer offers media')
    await this.pc.setRemoteDescription(offer)
    await this.pc.setLocalDescription(await this.pc.createAnswer())
    return this.#gathered()
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

  #post () {
    const lines = this.outbox
    this.outbox = []
    if (this.control.readyState !== 'open') return
    if (this.control.bufferedAmount > MAX_CONTROL_BUFFER) return this.close('the peer does not read')
    try {
      for (const text of pack(lines)) this.control.send(text)
    } catch { /* closing */ }
  }

  /** @param {string} reason @param {boolean} [abusive] */
  close (reason, abusive = false) {
    if (this.down) return
    this.down = true
    this.abusive = abusive
    clearTimeout(this.patience)
    clearInterval(this.pinging)
    this.wires.close()
    this.pc.close()
    this.events.onDown(this, reason)
  }

  /** @param {string} peer */
  #name (peer) {
    this.peer = peer
    this.wires.peer = peer
  }

  async #gathered () {
    const { pc } = this
    if (pc.iceGatheringState !== 'complete') {
      await new Promise(resolve => {
        const timer = setTimeout(resolve, GATHER_TIMEOUT)
        pc.addEventListener('icegatheringstatechange', () => {
          if (pc.iceGatheringState !== 'complete') return
          clearTimeout(timer)
          resolve(undefined)
        })
      })
    }
    const { type, sdp } = /** @type {RTCSessionDescription} */ (pc.localDescription)
    return { type, sdp }
  }

  #onOpen () {
    if (this.control.readyState !== 'open' || this.wire.readyState !== 'open' || this.down) return
    const now = performance.now()
    const { peer, sharing, bornAt } = this.self
    this.send({ t: 'hello', v: VERSION, id: peer, share: sharing(), age: now - bornAt })
    this.heardAt = now
    this.pinging = setInterval(() => {
      if (performance.now() - this.heardAt > SILENCE) return this.close('the peer is silent')
      this.send({ t: 'ping', at: performance.now() })
    }, PING_INTERVAL)
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
    if (message.t === 'ping') return this.send({ t: 'pong', at: message.at })
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
      return this.events.onUp(this)
    }
    if (!this.up) return
    if (message.t === 'share') this.peerShares = message.share
    this.events.onMessage(this, message)
  }
}

/**
 * Whether a session description is one of ours. Media sections would set decoders and more transports up.
 * @param {RTCSessionDescriptionInit} description
 */
function dataOnly ({ sdp = '' }) {
  return (sdp.match(/^m=/gm) ?? []).length === 1 && /^m=application /m.test(sdp)
}
