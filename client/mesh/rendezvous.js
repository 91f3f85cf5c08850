/**
 * The rendezvous: a client of the WebTorrent tracker protocol (JSON over WebSocket, binary fields as
 * Latin-1 strings of 20 bytes) for one infohash. It first asks how many are there and only then makes
 * as many offers as can be answered: a lone viewer opens no RTCPeerConnection at all.
 */

/** Reconnecting: first wait and the longest, ms; each wait is doubled and jittered by half. */
const RETRY_FIRST = 1000
const RETRY_MAX = 30_000
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
 * @typedef {object} Offer
 * @property {string} offerId 40 hex digits
 * @property {RTCSessionDescriptionInit} offer
 */

/**
 * @typedef {object} RendezvousEvents
 * @property {(others: number) => Promise<Offer[]>} makeOffers given how many others are in the swarm
 * @property {(peer: string, offer: RTCSessionDescriptionInit) => Promise<RTCSessionDescriptionInit | null>} onOffer null: declined
 * @property {(peer: string, offerId: string, answer: RTCSessionDescriptionInit) => void} onAnswer
 * @property {(trouble: string) => void} onTrouble '' when all is well again
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
    this.infohash = toBinary(infohash)
    this.me = toBinary(me)
    this.events = events
    this.closed = false
    this.retries = 0
    this.connectedAt = 0
    this.offering = false
    /** Others in the swarm by the last reply. */
    this.others = 0
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
    clearTimeout(this.timer)
    if (this.socket?.readyState === WebSocket.OPEN) this.#announce({ event: 'stopped', numwant: 0 })
    this.socket?.close()
  }

  /** More peers are wanted now (a link went down): announce soon, not at the next interval. */
  hurry () {
    if (this.closed || this.socket?.readyState !== WebSocket.OPEN) return
    clearTimeout(this.timer)
    this.timer = setTimeout(() => this.#ask(), 500 + 1000 * Math.random())
  }

  #connect () {
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
    socket.addEventListener('open', () => this.#ask('started'))
    socket.addEventListener('message', event => this.#onMessage(event.data))
    socket.addEventListener('close', () => {
      clearTimeout(this.timer)
      if (this.closed || this.socket !== socket) return
      this.events.onTrouble('the tracker cannot be reached')
      const wait = Math.min(RETRY_MAX, RETRY_FIRST * 2 ** this.retries++)
      this.timer = setTimeout(() => this.#connect(), wait * (0.5 + Math.random() / 2))
    })
  }

  /** @param {string} [event] */
  #ask (event) {
    this.#announce({ ...(event ? { event } : {}), numwant: 0, offers: [] })
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
    else if (m.answer && m.peer_id) this.events.onAnswer(toHex(m.peer_id), toHex(m.offer_id), m.answer)
    else if (Number.isFinite(m.complete) || Number.isFinite(m.incomplete)) this.#onReply(m)
  }

  /** @param {string} reason @param {number} interval */
  #failed (reason, interval) {
    this.events.onTrouble(`the tracker refuses: ${reason.slice(0, 100)}`)
    this.#later(interval)
  }

  /** @param {Record<string, unknown>} reply */
  async #onReply (reply) {
    this.retries = 0
    this.events.onTrouble('')
    this.others = Math.max(0, (Number(reply.complete) || 0) + (Number(reply.incomplete) || 0) - 1)
    const young = performance.now() - this.connectedAt < YOUNG
    this.#later((young && Number(reply.min_interval)) || Number(reply.interval))
    if (this.others === 0 || this.offering) return
    this.offering = true
    try {
      const offers = (await this.events.makeOffers(this.others)).slice(0, MAX_OFFERS)
      if (offers.length > 0) {
        this.#announce({
          numwant: offers.length,
          offers: offers.map(({ offerId, offer }) => ({ offer_id: toBinary(offerId), offer }))
        })
      }
    } finally {
      this.offering = false
    }
  }

  /** @param {{ peer_id: string, offer_id: string, offer: RTCSessionDescriptionInit }} message */
  async #onOffer ({ peer_id: peer, offer_id: offerId, offer }) {
    if (typeof peer !== 'string' || peer.length !== 20 || peer === this.me || offer?.type !== 'offer') return
    const answer = await this.events.onOffer(toHex(peer), offer)
    if (answer) this.#send({ to_peer_id: peer, offer_id: offerId, answer })
  }

  /** Announce again after the tracker's interval. @param {number} interval s */
  #later (interval) {
    clearTimeout(this.timer)
    const seconds = Math.min(600, Math.max(5, interval || DEFAULT_INTERVAL))
    this.timer = setTimeout(() => this.#ask(), 1000 * seconds * (0.9 + 0.2 * Math.random()))
  }
}

/** @param {string} hex */
function toBinary (hex) {
  return hex.replace(/../g, pair => String.fromCharCode(Number.parseInt(pair, 16)))
}

/** @param {unknown} binary */
function toHex (binary) {
  let hex = ''
  for (const character of String(binary)) hex += (character.charCodeAt(0) & 0xff).toString(16).padStart(2, '0')
  return hex
}
