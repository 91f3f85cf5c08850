/**
 * The mesh: our links to other viewers of one stream. Finds them through the rendezvous, keeps one link
 * per peer, replaces the lost, bans the abusive.
 */

import { Allowance } from './allowance.js'
import { iceServers } from './ice.js'
import { Link } from './link.js'
import { MAX_OFFERS, Rendezvous } from './rendezvous.js'

/** Links kept above the target, so that newcomers find someone who answers. */
const SLACK = 4
/** Connections being made at once: each costs the browser ports and CPU. */
const MAX_PENDING = 8
/**
 * Offers that led to no link are repeated after this, doubled each time, ms. Peers the tracker still counts
 * but who are gone, full or banned would otherwise cost connections every interval.
 */
const OFFER_RETRY = 15_000
const OFFER_RETRY_MAX = 600_000
/** Offers answered: a crowd that arrives together, then one every two seconds. Each costs a connection. */
const ANSWERS = [24, 0.5]
/** Banned peer ids remembered; a peer that reconnects under a new id starts anew anyway. */
const MAX_BANNED = 256

/**
 * @typedef {object} MeshEvents
 * @property {(link: Link) => void} onUp
 * @property {(link: Link, reason: string) => void} onDown only for links that were up
 * @property {(link: Link, message: import('./gossip.js').Message) => void} onMessage
 * @property {(link: Link, infohash: string) => void} onOffer
 */

export class Mesh {
  /**
   * @param {import('../playlist.js').SwarmAddress} swarm
   * @param {import('./link.js').Self} self
   * @param {object} options
   * @param {number} options.maxPeers
   * @param {string[]} options.ice
   * @param {MeshEvents} events
   */
  constructor (swarm, self, options, events) {
    this.self = self
    this.me = self.peer
    this.options = options
    this.events = events
    /** Why the mesh does not work, for people; '' when it does. */
    this.trouble = ''
    this.connectionsMade = 0
    this.closed = false
    /** Rounds of offers since a link last came up, when the next may be, and for how many others the last was. */
    this.fruitless = 0
    this.offerAt = 0
    this.offeredTo = 0
    /** @type {Map<string, Link>} by peer id: up, or being made with a known peer */
    this.links = new Map()
    /** @type {Map<string, Link>} by offer id: nobody answered yet */
    this.offered = new Map()
    /** @type {Set<string>} */
    this.banned = new Set()
    this.answers = new Allowance(ANSWERS[0], ANSWERS[1])
    const { servers, refused } = iceServers([...swarm.ice, ...options.ice])
    this.servers = servers
    if (refused.length > 0) this.trouble = `ICE server address not usable: ${refused.join(', ')}`
    this.iceTrouble = this.trouble
    this.rendezvous = new Rendezvous(swarm.tracker, swarm.id, this.me, {
      makeOffers: others => this.#makeOffers(others),
      onOffer: (peer, offer) => this.#onOffer(peer, offer),
      onAnswer: (peer, offerId, answer) => this.#onAnswer(peer, offerId, answer),
      onTrouble: trouble => { this.trouble = trouble || this.iceTrouble }
    })
    this.linkEvents = {
      onUp: (/** @type {Link} */ link) => this.#onUp(link),
      onDown: (/** @type {Link} */ link, /** @type {string} */ reason) => this.#onDown(link, reason),
      onMessage: events.onMessage,
      onOffer: events.onOffer
    }
  }

  /** Links that are up. @returns {Link[]} */
  get up () { return [...this.links.values()].filter(link => link.up) }

  /** @param {string} peer */
  link (peer) {
    const link = this.links.get(peer)
    return link?.up ? link : undefined
  }

  /** @param {import('./gossip.js').Message} message */
  broadcast (message) {
    for (const link of this.links.values()) if (link.up) link.send(message)
  }

  /** Drop a peer that broke the rules, and never take it back. @param {string} peer @param {string} reason */
  ban (peer, reason) {
    if (this.banned.size >= MAX_BANNED) this.banned.clear()
    this.banned.add(peer)
    this.links.get(peer)?.close(reason)
  }

  /** Idempotent. */
  close () {
    if (this.closed) return
    this.closed = true
    this.rendezvous.close()
    for (const link of [...this.links.values(), ...this.offered.values()]) link.close('we leave')
  }

  /** @param {boolean} initiator @returns {Link | null} */
  #make (initiator) {
    if (this.closed) return null
    try {
      const link = new Link(this.self, initiator, this.servers, this.linkEvents)
      this.connectionsMade += 1
      return link
    } catch (error) {
      this.iceTrouble = this.trouble = `WebRTC cannot be used: ${error instanceof Error ? error.message : error}`
      return null
    }
  }

  /** @param {number} others */
  async #makeOffers (others) {
    const wanted = Math.min(this.options.maxPeers, others) - this.links.size - this.offered.size
    const room = Math.min(wanted, MAX_OFFERS, MAX_PENDING - this.offered.size)
    const now = performance.now()
    if (room <= 0 || (now < this.offerAt && others <= this.offeredTo)) return []
    this.offerAt = now + Math.min(OFFER_RETRY_MAX, OFFER_RETRY * 2 ** this.fruitless++)
    this.offeredTo = others
    const offers = []
    for (let i = 0; i < room; i++) {
      const link = this.#make(true)
      if (!link) break
      const offerId = randomId()
      this.offered.set(offerId, link)
      offers.push(link.offer().then(offer => ({ offerId, offer }), () => { link.close('no offer could be made'); return null }))
    }
    return (await Promise.all(offers)).filter(offer => offer !== null)
  }

  /**
   * @param {string} peer
   * @param {RTCSessionDescriptionInit} offer
   */
  async #onOffer (peer, offer) {
    if (this.banned.has(peer) || this.closed) return null
    if (this.links.size >= this.options.maxPeers + SLACK) return null
    const before = this.links.get(peer)
    // Both offered at once: the one made by the lower peer id stays, on both sides.
    if (before && (before.up || !before.initiator || this.me < peer)) return null
    if (!this.answers.take(1, performance.now())) return null
    const link = this.#make(false)
    if (!link) return null
    before?.close('both offered')
    this.links.set(peer, link)
    try {
      return await link.answer(peer, offer)
    } catch {
      link.close('the offer cannot be used')
      return null
    }
  }

  /**
   * @param {string} peer @param {string} offerId @param {RTCSessionDescriptionInit} answer
   */
  #onAnswer (peer, offerId, answer) {
    const link = this.offered.get(offerId)
    if (!link) return
    this.offered.delete(offerId)
    const before = this.links.get(peer)
    if (this.banned.has(peer) || before?.up || (before && !before.initiator && peer < this.me)) {
      return link.close('already connected')
    }
    before?.close('both offered')
    this.links.set(peer, link)
    link.accept(peer, answer).catch(() => link.close('the answer cannot be used'))
  }

  /** @param {Link} link */
  #onUp (link) {
    this.fruitless = 0
    this.events.onUp(link)
  }

  /** @param {Link} link @param {string} reason */
  #onDown (link, reason) {
    if (link.abusive) this.banned.add(link.peer)
    for (const [offerId, offered] of this.offered) if (offered === link) this.offered.delete(offerId)
    if (this.links.get(link.peer) === link) this.links.delete(link.peer)
    if (link.up) {
      this.offerAt = 0
      this.events.onDown(link, reason)
      if (this.links.size < this.options.maxPeers) this.rendezvous.hurry()
    }
  }
}

function randomId () {
  return Array.from(crypto.getRandomValues(new Uint8Array(20)), byte => byte.toString(16).padStart(2, '0')).join('')
}
