/**
 * Those whom we exchange segments with: the mesh of the stream that is watched, what is said there, and the torrents,
 * whose code is most of ours and is loaded once it is of use.
 */

import { Dialogue } from './dialogue.js'
import { Mesh } from './mesh/mesh.js'

/** @typedef {import('./library.js').KnownSegment} KnownSegment */

/**
 * Links are made once the player has its first segment, or after this, ms: keys, handshakes and the torrents' code for
 * five peers at once would hold up the picture on a busy machine by as long as they take.
 */
const PATIENCE = 1500

/**
 * @typedef {object} Parts
 * @property {import('./library.js').Library} library
 * @property {import('./scheduler.js').Scheduler} scheduler
 * @property {import('./fetches.js').OriginFetches} fetches
 * @property {import('./stats.js').Stats} stats
 */

/**
 * @typedef {object} CompanyEvents
 * @property {() => void} onChange who is there, or what they have, is not what it was
 * @property {(id: string, index: number) => void} onPiece a piece came from a peer or the seed, verified by webtorrent
 * @property {() => void} onUpload some bytes went to a peer
 */

/**
 * @typedef {object} Self
 * @property {string} me our peer id, 40 hex digits
 * @property {number} bornAt ms
 * @property {import('./policy.js').Policy} policy
 * @property {(line: string) => void} log
 */

export class Company {
  /**
   * @param {import('./types.js').EngineOptions} options
   * @param {Self} self
   * @param {Parts} parts
   * @param {CompanyEvents} events
   */
  constructor (options, self, parts, events) {
    this.options = options
    this.self = self
    this.parts = parts
    this.events = events
    this.closed = false
    /** @type {Mesh | null} */
    this.mesh = null
    /** @type {import('./playlist.js').SwarmAddress | null} */
    this.address = null
    /** @type {import('./swarm.js').Swarm | null} */
    this.swarm = null
    /** @type {Promise<void> | null} */
    this.loading = null
    /** The player has its first segment: now there is time for others. Idempotent. @type {() => void} */
    this.settle = () => {}
    /** @type {Promise<void>} */
    this.settled = new Promise(resolve => { this.settle = resolve })
    this.patience = setTimeout(this.settle, options.mode === 'p2p-only' ? 0 : PATIENCE)
    this.dialogue = new Dialogue({ ...parts, mesh: () => this.mesh, swarm: () => this.swarm })
  }

  /** Idempotent. */
  close () {
    this.closed = true
    clearTimeout(this.patience)
    this.settle()
    this.dialogue.close()
    this.swarm?.close()
    this.mesh?.close()
  }

  /** Meet the stream's other viewers; another stream's swarm replaces this one's. @param {import('./playlist.js').SwarmAddress} address */
  join (address) {
    if (typeof RTCPeerConnection === 'undefined') return
    const other = this.address?.id !== address.id
    if (other) this.mesh?.close()
    if (other) this.mesh = null
    this.address = address
    const { policy } = this.self
    if (policy.heed(address.terms)) this.mesh?.heed(policy.terms)
    this.consider()
  }

  /** Whether we may have peers may be another: meet them, or leave them all at once. */
  consider () {
    if (this.closed || !this.address) return
    if (!this.self.policy.now.connect) this.#leave()
    else if (!this.mesh) this.mesh = this.#meet(this.address)
  }

  #leave () {
    this.mesh?.close()
    this.mesh = null
    this.swarm?.close()
    this.swarm = null
    this.loading = null
  }

  /** @param {import('./playlist.js').SwarmAddress} address @returns {Mesh} */
  #meet (address) {
    const { scheduler } = this.parts
    const { me, bornAt, policy, log } = this.self
    const uploads = () => policy.now.upload
    const { dialogue, events } = this
    const self = {
      peer: me,
      bornAt,
      sharing: uploads,
      line: () => uploads() ? scheduler.line : 0,
      mean: () => scheduler.turns.mean,
      settled: this.settled,
      onDrain: (/** @type {number} */ bytes, /** @type {number} */ ms) => scheduler.drained(bytes, ms)
    }
    const { maxPeers = 12, iceServers = [] } = this.options
    return new Mesh(address, self, { maxPeers, iceServers, terms: policy.terms }, {
      onUp: link => {
        log(`peer ${link.peer.slice(-6)} is here`)
        dialogue.greet(link)
        this.needSwarm()
        events.onChange()
      },
      onDown: (link, reason) => {
        log(`peer ${link.peer.slice(-6)} is gone: ${reason}`)
        scheduler.peerDown(link.peer)
        events.onChange()
      },
      onMessage: (link, message) => {
        dialogue.heard(link, message)
        events.onChange()
      },
      onOffer: (link, id) => {
        dialogue.offered(link, id)
        events.onChange()
      },
      onCount: events.onChange,
      onName: me => {
        this.self.me = scheduler.me = me
        this.swarm?.rename(me)
      }
    })
  }

  /** Have the torrents' code: of no use to the first picture, nor to a lone viewer. @returns {Promise<void>} */
  needSwarm () {
    const { library, scheduler, stats } = this.parts
    const { policy, log } = this.self
    this.loading ??= import('./swarm.js').then(({ Swarm }) => {
      if (this.closed || this.swarm || !this.mesh) return
      this.swarm = new Swarm(this.self.me, {
        onPiece: this.events.onPiece,
        onBytes: (id, peer) => scheduler.received(id, peer, performance.now()),
        onUpload: bytes => {
          stats.bytesToPeers += bytes
          scheduler.uploaded(bytes)
          this.events.onUpload()
        },
        onReady: id => this.dialogue.openWires(id),
        onAbuse: (peer, reason) => { log(`peer ${peer.slice(-6)}: ${reason}`); this.mesh?.ban(peer, reason) },
        sharing: () => policy.now.upload,
        rtt: peer => this.mesh?.link(peer)?.rttLeast ?? 0,
        burden: peer => this.mesh?.link(peer)?.burden ?? 0,
        wanters: id => scheduler.wanters(id, performance.now()),
        carries: (id, peers) => scheduler.carries(id, peers)
      }, log)
      for (const segment of library.byId.values()) this.serve(segment)
    }, error => {
      this.loading = null // the next peer's arrival tries again; until then HTTP plays
      log(`the torrents' code could not be loaded: ${error.message}`)
    })
    return this.loading
  }

  /** Have a torrent for it while there is anyone to exchange it with. @param {KnownSegment} segment */
  serve (segment) {
    if (segment.holding && this.mesh && this.mesh.up.length > 0) this.swarm?.add(segment.holding)
  }

  /** Have it from the server's seed, if the seed has it. @param {KnownSegment} segment @param {boolean} told to the others */
  async seekSeed ({ id, holding }, told) {
    if (!this.mesh) return
    await this.needSwarm()
    if (!this.swarm || !this.mesh || !this.address || !holding) return
    if (told) this.dialogue.tellPull(id, true)
    this.swarm.add(holding)
    this.swarm.seekSeed(id, this.address.tracker, this.mesh.rtc)
  }
}
