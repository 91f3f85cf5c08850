/**
 * The mesh: our links to other viewers of one stream. Finds them through the rendezvous, keeps one link
 * per peer, replaces the lost, bans the abusive.
 */

import { randomHex } from '../bytes.js'
import { newPeerId } from '../identity.js'
import { Burden } from './burden.js'
import { Cap } from './cap.js'
import { connection } from './conditions.js'
import { iceServers, relays } from './ice.js'
import { Link } from './link.js'
import { Outlet } from './outlet.js'
import { Rendezvous } from './rendezvous.js'
import { Upkeep } from './upkeep.js'

/** Links are looked after so often, ms: no finer than a hidden tab's timers. */
const TICK = 1000
/** The clock on the wall was this far ahead of ours: the machine slept (most clocks stand still meanwhile), ms. */
const SLEPT = 5000

/**
 * @typedef {object} MeshEvents
 * @property {(link: Link) => void} onUp
 * @property {(link: Link, reason: string) => void} onDown only for links that were up
 * @property {(link: Link, message: import('./gossip.js').Message) => void} onMessage
 * @property {(link: Link, infohash: string) => void} onOffer
 * @property {() => void} onCount the tracker answered, or does not
 * @property {(me: string) => void} [onName] we have another peer id from now on; there is no link then
 */

export class Mesh {
  /**
   * @param {import('../playlist.js').SwarmAddress} swarm
   * @param {Pick<import('./link.js').Self, 'peer' | 'bornAt' | 'sharing'> & { line: () => number, mean: () => number, onDrain: (bytes: number, ms: number) => void, settled: Promise<void> }} self
   *   line: what ours carries upwards, bytes/s, 0: not known; mean: see turns.js; onDrain: so much left within so long, while more waited; settled: there is time for links
   * @param {object} options
   * @param {number} options.maxPeers
   * @param {readonly unknown[]} options.iceServers the page's
   * @param {import('../policy.js').Agreed} options.terms
   * @param {MeshEvents} events
   */
  constructor (swarm, self, options, events) {
    this.cap = new Cap(options.terms.maxUpload)
    this.outlet = new Outlet(this.cap, self.onDrain)
    this.burden = new Burden(performance.now())
    this.self = { ...self, room: () => this.#room(), outlet: this.outlet }
    this.events = events
    /** Why the mesh does not work, for people; '' when it does. */
    this.trouble = ''
    this.connectionsMade = 0
    this.closed = false
    this.upkeep = new Upkeep(self.peer, options.maxPeers)
    /** @type {Map<string, Link>} by peer id: up, or being made with a known peer; those of `upkeep` */
    this.links = new Map()
    /** @type {Map<string, Link>} by offer id: nobody answered yet */
    this.offered = new Map()
    /** ICE servers: those of page and manifest, and with credentials of the tracker's, which the latest reply names. */
    this.listed = [...swarm.ice, ...options.iceServers]
    /** @type {unknown[]} */
    this.lent = []
    this.iceTrouble = ''
    /** For the next connection. @type {RTCConfiguration & { iceServers: RTCIceServer[] }} */
    this.rtc = { iceServers: [] }
    this.terms = options.terms
    this.heed(options.terms)
    this.rendezvous = new Rendezvous(swarm.tracker, swarm.id, self.peer, {
      makeOffers: others => this.#makeOffers(others),
      onOffer: (peer, offer) => this.#onOffer(peer, offer),
      onAnswer: (peer, offerId, answer) => this.#onAnswer(peer, offerId, answer),
      onIce: lent => {
        this.lent = lent
        this.#chooseServers()
      },
      onTrouble: trouble => {
        this.trouble = trouble || this.iceTrouble
        events.onCount()
      },
      newName: () => this.#newName()
    })
    this.linkEvents = {
      onUp: (/** @type {Link} */ link) => this.#onUp(link),
      onDown: (/** @type {Link} */ link, /** @type {string} */ reason) => this.#onDown(link, reason),
      onMessage: events.onMessage,
      onOffer: events.onOffer,
      onDoubt: (/** @type {Link} */ link) => this.#doubt(link.peer)
    }
    this.clocks = [performance.now(), Date.now()]
    this.ticking = setInterval(() => this.#tick(), TICK)
    this.stop = new AbortController()
    const { signal } = this.stop
    const doubt = () => { this.#doubt(); this.rendezvous.doubt() }
    // Awake again (`resume`: the browser had frozen the page), or on another network.
    globalThis.addEventListener?.('online', doubt, { signal })
    globalThis.document?.addEventListener('resume', doubt, { signal })
    connection()?.addEventListener?.('change', doubt, { signal })
  }

  get me () { return this.self.peer }

  /** How many others there are, as the tracker says; 0 where it cannot, null: it has not answered yet. */
  get others () { return this.upkeep.few || this.#mute ? 0 : this.rendezvous.others ?? (this.trouble ? 0 : null) }

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
    this.upkeep.ban(peer)
    this.links.get(peer)?.close(reason)
  }

  /** Idempotent. */
  close () {
    if (this.closed) return
    this.closed = true
    clearInterval(this.ticking)
    this.outlet.close()
    this.stop.abort()
    this.rendezvous.close()
    for (const link of [...this.links.values(), ...this.offered.values()]) link.close('we leave')
  }

  /** What is agreed on is this from now on. @param {import('../policy.js').Agreed} terms */
  heed (terms) {
    this.terms = terms
    this.cap.limit(terms.maxUpload)
    this.upkeep.least = terms.minViewers
    this.#chooseServers()
  }

  #chooseServers () {
    const { servers, refused } = iceServers([...this.lent, ...this.listed])
    this.rtc = { iceServers: servers, iceTransportPolicy: this.terms.iceTransportPolicy }
    this.iceTrouble = refused.length > 0
      ? `ICE server address not usable: ${refused.join(', ')}`
      : this.#mute ? 'peers are to be met through a TURN server alone, and none is known' : ''
    this.trouble ||= this.iceTrouble
  }

  /** Nothing but relayed addresses may be told, and there is nobody to relay. */
  get #mute () { return this.rtc.iceTransportPolicy === 'relay' && !this.rtc.iceServers.some(relays) }

  /** @returns {Link | null} */
  #make () {
    if (this.closed || this.#mute) return null
    try {
      const link = new Link(this.self, this.rtc, this.linkEvents)
      this.connectionsMade += 1
      return link
    } catch (error) {
      this.iceTrouble = this.trouble = `WebRTC cannot be used: ${error instanceof Error ? error.message : error}`
      return null
    }
  }

  /** What we say of ourselves: how many links, what our line carries, and what goes out now. */
  #room () {
    const line = Math.min(this.self.line(), Math.floor(this.cap.perSecond))
    const sends = this.burden.rate(this.outlet.sent, performance.now())
    return { links: this.upkeep.ties.size, line, mean: this.self.mean(), sends }
  }

  /** @param {number} others */
  async #makeOffers (others) {
    this.upkeep.counted(others)
    await this.self.settled
    if (this.closed) return []
    const offers = []
    for (let left = this.upkeep.offers(performance.now()); left > 0; left--) {
      const link = this.#make()
      if (!link) {
        this.upkeep.offerEnded()
        continue
      }
      const offerId = randomHex(20)
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
    if (this.closed) return null
    this.#note()
    // They know of viewers that we have not been told of.
    if (this.upkeep.few) this.rendezvous.recount()
    const { take, closes } = this.upkeep.invited(peer, performance.now())
    this.#end(closes)
    if (!take) return null
    const link = this.#make()
    if (!link) {
      this.upkeep.down(peer, performance.now())
      return null
    }
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
    const { take, closes } = this.upkeep.answered(peer, performance.now())
    this.#end(closes)
    if (!take) return link.close('already connected')
    this.links.set(peer, link)
    link.accept(peer, answer).catch(() => link.close('the answer cannot be used'))
  }

  /** End links that upkeep has already taken off its list. @param {{ peer: string, reason: string }[]} closes */
  #end (closes) {
    for (const { peer, reason } of closes) {
      const link = this.links.get(peer)
      this.links.delete(peer)
      link?.close(reason)
    }
  }

  /** @param {Link} link */
  #onUp (link) {
    this.upkeep.up(link.peer, { shares: link.peerShares, links: link.peerLinks }, performance.now())
    this.events.onUp(link)
  }

  /** @param {Link} link @param {string} reason */
  #onDown (link, reason) {
    if (link.abusive) this.upkeep.ban(link.peer)
    for (const [offerId, offered] of this.offered) {
      if (offered !== link) continue
      this.offered.delete(offerId)
      this.upkeep.offerEnded()
    }
    if (this.links.get(link.peer) === link) {
      this.links.delete(link.peer)
      this.upkeep.down(link.peer, performance.now())
    }
    if (!link.up) return
    this.events.onDown(link, reason)
    if (!this.closed) this.#act()
  }

  /** Tell upkeep what the links know. */
  #note () {
    for (const link of this.links.values()) {
      if (!link.up) continue
      const { peer, rtt, peerShares: shares, peerLinks: links } = link
      this.upkeep.heard(peer, link.heardAt)
      this.upkeep.roundTrip(peer, rtt)
      this.upkeep.said(peer, { shares, links })
      this.upkeep.carried(peer, link.takeCarried(), performance.now())
    }
  }

  #tick () {
    const now = performance.now()
    const clocks = [now, Date.now()]
    const [before = 0, wallBefore = 0] = this.clocks
    const [, wall = 0] = clocks
    this.clocks = clocks
    if (wall - wallBefore - (now - before) > SLEPT) {
      this.#doubt()
      this.rendezvous.doubt()
    }
    for (const link of this.up) link.ping(true)
    this.#act()
  }

  /** @param {string} [peer] all of them without it */
  #doubt (peer) {
    this.upkeep.doubt(performance.now(), peer)
    this.#act()
  }

  #act () {
    this.#note()
    for (const command of this.upkeep.step(performance.now())) {
      if (command.type === 'announce') this.rendezvous.hurry(this.upkeep.ties.size === 0)
      else if (command.type === 'probe') this.links.get(command.peer)?.ping(false)
      else this.links.get(command.peer)?.close(command.reason)
    }
  }

  /**
   * The tracker thinks that our peer id is another's: after a change of network it holds our former socket to be
   * alive for minutes. As long as peers know us by that name it is kept.
   * @returns {string | null}
   */
  #newName () {
    if (this.links.size > 0) return null
    this.self.peer = this.upkeep.me = newPeerId()
    this.events.onName?.(this.me)
    return this.me
  }
}
