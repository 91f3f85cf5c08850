/**
 * The rendezvous: a client of the WebTorrent tracker protocol (JSON over WebSocket, binary fields as
 * Latin-1 strings of 20 bytes) for one infohash. It first asks how many are there and only then makes
 * as many offers as can be answered: a lone viewer opens no RTCPeerConnection at all.
 */

import { fromHex, fromLatin1, hex, latin1 } from '../bytes.js'

/** Reconnecting: first wait and the longest, ms; each wait is doubled and jittered by half. */
const RETRY_FIRST = 1000
const RETRY_MAX = 30_000
/** ICE servers looked at in one reply: as many as can be used. */
const MAX_ICE = 4
/** The tracker's own limit on offers in one announce. */
export const MAX_OFFERS = 10
/**
 * On a connection younger than this we ask as often as the tracker lets us, ms: after its restart, or when many
 * come together, the others appear one by one.
 */
const YOUNG = 60_000
/** Used until the tracker says its own, s. */
const DEFAULT_INTERVAL = 60
/**
 * An announce without a reply for so long means that the socket is dead though nobody said so, ms; after a change
 * of network it most likely is.
 */
const REPLY = 15_000
const REPLY_DOUBTED = 3000
/** Who lost one of several peers asks for more after this and as much again at random, ms: others lost it, too. */
const HURRY = 500
/** A count is not asked for anew sooner than this, whoever makes it look wrong, ms. */
const RECOUNT = 1000

/**
 * @typedef {object} Offer
 * @property {string} offerId 40 hex digits
 * @property {RTCSessionDescriptionInit} offer
 */

/**
 * @typedef {object} RendezvousEvents
 * @property {(others: number) => Promise<Offer[]>} makeOffers given how many others are in the swarm
 * @property {(peer: string, offer: RTCSessionDescriptionInit) => Promise<RTCSessionDescriptionInit | null>} onOffer null: declined
 * @property {(servers: unknown[]) => void} onIce ICE servers for connections made from now on, as the tracker sent them
 * @property {(peer: string, offerId: string, answer: RTCSessionDescriptionInit) => void} onAnswer
 * @property {(trouble: string) => void} onTrouble '' when all is well again
 * @property {() => string | null} newName the tracker holds our peer id for another's: a new one, 40 hex digits; null
 *   keeps it
 */

export class Rendezvous {
  /**
   * @param {string} url ws(s)
   * @param {string} infohash 40 hex digits
   * @param {string} me peer id, 40 hex digits
   * @param {RendezvousEvents} events
   */
  constructor (url, infohash, me, events) {
    this.url = url
    this.infohash = binary(infohash)
    this.me = binary(me)
    this.events = events
    this.closed = false
    this.retries = 0
    this.connectedAt = 0
    /** When the next announce is planned, ms. */
    this.askAt = Infinity
    this.doubtedAt = -Infinity
    this.repliedAt = -Infinity
    /** @type {ReturnType<typeof setTimeout> | undefined} until the reply */
    this.patience = undefined
    this.offering = false
    /** @type {number | null} others in the swarm by the last reply; null: no reply yet */
    this.others = null
    /** @type {WebSocket | null} */
    this.socket = null
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined
    this.#connect()
  }

  /** Leave: tells the tracker, closes the socket. Idempotent. */
  close () {
    if (this.closed) return
    this.closed = true
    this.#drop()
  }

  /** More peers are wanted: announce soon, not at the next interval. @param {boolean} alone there is no other link */
  hurry (alone) {
    const wait = alone ? 0 : HURRY * (1 + Math.random())
    if (this.socket?.readyState === WebSocket.OPEN && performance.now() + wait < this.askAt) this.#later(wait)
  }

  /** There seem to be more than we know of: ask, unless we just did. */
  recount () { if (performance.now() - this.repliedAt > RECOUNT) this.hurry(true) }

  /** The network may be another, and this socket dead: find out now. */
  doubt () {
    const now = performance.now()
    if (this.closed || now - this.doubtedAt < REPLY_DOUBTED) return
    this.doubtedAt = now
    this.retries = 0
    if (this.socket?.readyState === WebSocket.OPEN) this.#ask()
    else this.#connect()
  }

  #connect () {
    this.#drop()
    if (this.closed) return
    let socket
    try {
      socket = new WebSocket(this.url)
    } catch (error) {
      this.events.onTrouble(`the tracker address cannot be used: ${this.url}`)
      return
    }
    this.socket = socket
    this.connectedAt = performance.now()
    // One that neither opens nor fails (packets go nowhere) would keep us waiting for minutes.
    this.#expectReply()
    socket.addEventListener('open', () => { if (this.socket === socket) this.#ask('started') })
    socket.addEventListener('message', event => { if (this.socket === socket) this.#onMessage(event.data) })
    socket.addEventListener('close', () => { if (this.socket === socket) this.#lost() })
  }

  #lost () {
    this.#drop()
    this.events.onTrouble('the tracker cannot be reached')
    const wait = Math.min(RETRY_MAX, RETRY_FIRST * 2 ** this.retries++)
    this.timer = setTimeout(() => this.#connect(), wait * (0.5 + Math.random() / 2))
  }

  /** Let go of the socket and of all that waits. */
  #drop () {
    clearTimeout(this.timer)
    clearTimeout(this.patience)
    this.askAt = Infinity
    const { socket } = this
    // Else the tracker would hold our name for the old socket's until it misses it.
    if (socket?.readyState === WebSocket.OPEN) this.#announce({ event: 'stopped', numwant: 0 })
    this.socket = null
    socket?.close()
  }

  #expectReply () {
    clearTimeout(this.patience)
    const doubted = performance.now() - this.doubtedAt < REPLY
    this.patience = setTimeout(() => this.#lost(), doubted ? REPLY_DOUBTED : REPLY)
  }

  /** @param {string} [event] */
  #ask (event) {
    this.askAt = -Infinity // under way: nothing hurries it
    clearTimeout(this.timer)
    // Our tracker's own word, `ice`: credentials of its TURN servers, which end and so stand in no manifest.
    this.#announce({ ...(event ? { event } : {}), numwant: 0, offers: [], ice: true })
    this.#expectReply()
  }

  /** @param {Record<string, unknown>} fields */
  #announce (fields) {
    this.#send({ uploaded: 0, downloaded: 0, left: 1, ...fields })
  }

  /** @param {Record<string, unknown>} fields */
  #send (fields) {
    if (this.socket?.readyState !== WebSocket.OPEN) return
    this.socket.send(JSON.stringify({ action: 'announce', info_hash: this.infohash, peer_id: this.me, ...fields }))
  }

  /** @param {unknown} data */
  #onMessage (data) {
    let m
    try { m = JSON.parse(String(data)) } catch { return }
    if (typeof m !== 'object' || m === null || m.info_hash !== this.infohash) return
    if (m['failure reason']) return this.#failed(String(m['failure reason']), Number(m.interval))
    if (m.offer && m.peer_id) this.#onOffer(m)
    else if (m.answer && m.peer_id) this.events.onAnswer(named(m.peer_id), named(m.offer_id), m.answer)
    else if (Number.isFinite(m.complete) || Number.isFinite(m.incomplete)) this.#onReply(m)
  }

  /** @param {string} reason @param {number} interval s */
  #failed (reason, interval) {
    clearTimeout(this.patience)
    const inUse = /peer_id is in use/.test(reason)
    const name = inUse ? this.events.newName() : null
    if (name !== null) {
      this.me = binary(name)
      return this.#ask('started')
    }
    // While links are up it is no trouble that the tracker takes a minute or two to miss our former socket.
    if (!inUse) this.events.onTrouble(`the tracker refuses: ${reason.slice(0, 100)}`)
    this.#laterBy(interval)
  }

  /** @param {Record<string, unknown>} reply */
  async #onReply (reply) {
    clearTimeout(this.patience)
    this.retries = 0
    this.repliedAt = performance.now()
    this.others = Math.max(0, (Number(reply.complete) || 0) + (Number(reply.incomplete) || 0) - 1)
    if (Array.isArray(reply.ice)) this.events.onIce(reply.ice.slice(0, MAX_ICE))
    this.events.onTrouble('')
    const young = performance.now() - this.connectedAt < YOUNG
    this.#laterBy((young && Number(reply.min_interval)) || Number(reply.interval))
    if (this.offering) return
    this.offering = true
    try {
      const offers = (await this.events.makeOffers(this.others)).slice(0, MAX_OFFERS)
      if (offers.length > 0) {
        this.#announce({
          numwant: offers.length,
          offers: offers.map(({ offerId, offer }) => ({ offer_id: binary(offerId), offer }))
        })
      }
    } finally {
      this.offering = false
    }
  }

  /** @param {{ peer_id: string, offer_id: string, offer: RTCSessionDescriptionInit }} message */
  async #onOffer ({ peer_id: peer, offer_id: offerId, offer }) {
    if (typeof peer !== 'string' || peer.length !== 20 || peer === this.me || offer?.type !== 'offer') return
    const answer = await this.events.onOffer(named(peer), offer)
    if (answer) this.#send({ to_peer_id: peer, offer_id: offerId, answer })
  }

  /** Announce again after the tracker's interval. @param {number} interval s */
  #laterBy (interval) {
    const seconds = Math.min(600, Math.max(5, interval || DEFAULT_INTERVAL))
    this.#later(1000 * seconds * (0.9 + 0.2 * Math.random()))
  }

  /** @param {number} wait ms */
  #later (wait) {
    clearTimeout(this.timer)
    this.askAt = performance.now() + wait
    this.timer = setTimeout(() => this.#ask(), wait)
  }
}

/** @param {unknown} id Latin-1, as the tracker writes it @returns {string} hex */
const named = id => hex(fromLatin1(String(id)))

/** @param {string} id hex */
const binary = id => latin1(fromHex(id))
