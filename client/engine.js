/**
 * The engine: what loader, bridge and pages call. It learns manifests, asks the scheduler what to do
 * and does it: origin, mesh and torrents. Every byte it hands out matched the manifest's INFO.
 */

import { Deliveries } from './deliveries.js'
import { Dialogue } from './dialogue.js'
import { EarlyPlaylists } from './early.js'
import { OriginFetches } from './fetches.js'
import { Handed } from './handed.js'
import { Hints } from './hints.js'
import { Holding } from './holding.js'
import { newPeerId, saveData } from './identity.js'
import { toDrop } from './keep.js'
import { Library } from './library.js'
import { Conditions } from './mesh/conditions.js'
import { Mesh } from './mesh/mesh.js'
import { iceServers } from './mesh/ice.js'
import { IntegrityError, fetchPlaylist } from './origin.js'
import { parsePlaylist } from './playlist.js'
import { leaveOut } from './runs.js'
import { Scheduler, missingRuns } from './scheduler.js'
import { Stats } from './stats.js'

/** The player's stalls are looked at so often, ms. */
const PLAYER_INTERVAL = 500

/** @typedef {import('./library.js').KnownSegment} KnownSegment */

/**
 * @param {import('./types.js').EngineOptions} options
 * @returns {import('./types.js').Engine}
 */
export function createEngine (options) {
  return new PeerEngine(options)
}

/**
 * @typedef {import('./types.js').Engine} Engine
 * @implements {Engine}
 */
class PeerEngine {
  /** @param {import('./types.js').EngineOptions} options */
  constructor (options) {
    this.options = options
    this.p2pOnly = options.mode === 'p2p-only'
    /** @type {import('./types.js').Mode} */
    this.mode = options.mode === 'p2p-only' ? 'loader' : options.mode
    this.log = options.log ?? (() => {})
    this.me = newPeerId()
    this.bornAt = performance.now()
    this.sharing = options.sharing ?? !saveData()
    this.closed = false
    this.trouble = ''
    this.conditions = new Conditions(() => this.#uploadsChanged())
    // SHA-1 comes from WebCrypto, which browsers only give to secure contexts.
    this.usable = options.mode !== 'http' && !!globalThis.crypto?.subtle
    if (options.mode !== 'http' && !this.usable) this.trouble = 'peer-to-peer needs HTTPS (or localhost)'
    if (this.usable && typeof RTCPeerConnection === 'undefined') this.trouble = 'this browser has no WebRTC'

    this.library = new Library()
    this.scheduler = new Scheduler(this.me, this.bornAt)
    this.stats_ = new Stats()
    this.deliveries = new Deliveries()
    this.handed = new Handed()
    this.stop = new AbortController()
    this.early = new EarlyPlaylists(url => this.#meet(url))
    /** @type {Mesh | null} */
    this.mesh = null
    this.meshId = ''
    /** @type {import('./playlist.js').SwarmAddress | null} */
    this.address = null
    /** @type {import('./swarm.js').Swarm | null} loaded once there is somebody to exchange with */
    this.swarm = null
    /** @type {Promise<void> | null} */
    this.loadingSwarm = null
    /** @type {number | null} when the player was given a first segment, ms; null: not since we last looked */
    this.fedAt = null
    this.fetches = new OriginFetches({
      onBytes: bytes => { this.stats_.bytesFromOrigin += bytes },
      onPiece: (id, index) => {
        this.swarm?.put(id, index)
        this.#onVerified(id, index)
      },
      onQuiet: (id, silent) => {
        this.#askPeers(id)
        if (silent) this.scheduler.silent(id)
        this.#poke()
      }
    })
    this.dialogue = new Dialogue({
      library: this.library,
      scheduler: this.scheduler,
      fetches: this.fetches,
      mesh: () => this.mesh,
      swarm: () => this.swarm
    })
    this.hints = new Hints(url => this.#load(url, false).then(() => {}, error => this.log(`playlist: ${error.message}`)))
    /** @type {(() => import('./types.js').PlayerState) | null} */
    this.sample = null
    this.stalls = 0
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.wake = undefined
    this.poked = false
    this.watching = setInterval(() => this.#watchPlayer(), PLAYER_INTERVAL)
    this.onHide = () => this.mesh?.close()
    globalThis.addEventListener?.('pagehide', this.onHide)
  }

  // ── what loader, bridge and pages call (types.d.ts says what each promises) ─────────────────────

  /** @param {string} url */
  begin (url) { this.early.begin(url) }

  /** @param {string} url @param {{ signal?: AbortSignal }} [options] */
  playlist (url, { signal } = {}) { return this.#load(url, true, signal) }

  /** @param {string} url */
  knows (url) {
    return this.usable && !this.closed && this.library.find(stripFragment(url)) !== undefined
  }

  /**
   * @param {string} url
   * @param {{ signal?: AbortSignal, onProgress?: (bytes: number, total: number) => void }} [options]
   * @returns {Promise<import('./types.js').FetchedSegment>}
   */
  async segment (url, { signal, onProgress } = {}) {
    const segment = this.library.find(stripFragment(url))
    if (!segment || this.closed) throw new Error('not a segment of a known playlist')
    if (signal?.aborted) throw new DOMException('aborted', 'AbortError')
    const holding = await this.#hold(segment)
    segment.usedAt = performance.now()
    if (!holding.have.complete) {
      const waiting = this.deliveries.wait(segment.id, signal, onProgress)
      this.scheduler.want(segment.id, true)
      this.#poke()
      try {
        await waiting
      } finally {
        if (!this.deliveries.waits(segment.id)) this.#unwant(segment)
      }
    }
    // A copy: players transfer the buffer to a worker, and peers still need ours.
    const data = holding.bytes.slice().buffer
    this.handed.gave(segment.duration, this.#player()?.bufferSeconds ?? 0, performance.now())
    const originRate = this.scheduler.origin.measured ? this.scheduler.origin.rate : 0
    return { data, contentType: holding.contentType || guessType(segment.url), source: holding.source, originRate }
  }

  /** @param {(() => import('./types.js').PlayerState) | null} sample */
  setPlayer (sample) { this.sample = sample }

  /** @param {boolean} on */
  setSharing (on) {
    if (on === this.sharing) return
    this.sharing = on
    this.#uploadsChanged()
  }

  /** Whether we upload now: the user's switch is on, and nothing else speaks against it. */
  get uploads () { return this.sharing && this.conditions.uploads }

  #uploadsChanged () {
    this.dialogue.tellSharing(this.uploads)
    this.swarm?.updateSharing()
    this.#poke()
  }

  stats () {
    return this.stats_.snapshot({
      peers: this.mesh?.up.length ?? 0,
      connectionsMade: this.mesh?.connectionsMade ?? 0,
      mode: this.mode,
      sharing: this.sharing,
      trouble: this.trouble || this.mesh?.trouble || ''
    }, this.#player())
  }

  async close () {
    if (this.closed) return
    this.closed = true
    this.stop.abort()
    globalThis.removeEventListener?.('pagehide', this.onHide)
    clearTimeout(this.wake)
    this.conditions.close()
    this.dialogue.close()
    clearInterval(this.watching)
    this.fetches.close()
    this.deliveries.close()
    this.hints.close()
    this.swarm?.close()
    this.mesh?.close()
  }

  // ── manifests ──────────────────────────────────────────────────────────────────────────────────

  /** @param {string} url @param {boolean} played for the player, not for a hint @param {AbortSignal} [signal] */
  async #load (url, played, signal) {
    const fetched = await (this.early.take(url) ?? fetchPlaylist(url, signal))
    if (this.usable && !this.closed) this.#learn(fetched, played)
    return fetched
  }

  /** Load a playlist that the player will ask for, and meet those whom it names meanwhile. @param {string} url */
  async #meet (url) {
    const fetched = await fetchPlaylist(url, this.stop.signal)
    const { swarm } = parsePlaylist(fetched.text, fetched.url)
    if (swarm && this.usable && !this.closed) this.#join(swarm)
    return fetched
  }

  /** @param {import('./types.js').FetchedPlaylist} fetched @param {boolean} played */
  #learn ({ url, text }, played) {
    const playlist = parsePlaylist(text, url)
    if (!playlist.swarm) return
    // The multivariant playlist names the swarm, too: peers are found while the media playlist is on its way.
    this.#join(playlist.swarm)
    if (playlist.multivariant) return
    const now = performance.now()
    const fresh = this.library.learn(url, playlist, now, played)
    this.hints.loaded(url, fresh.length > 0)
    for (const segment of fresh) this.#hold(segment).catch(error => this.log(`segment ${segment.msn}: ${error.message}`))
    this.dialogue.tellKnown(fresh)
    // Else peers' hints would keep us loading, and pulling, a variant nobody here watches.
    for (const group of this.library.left(now)) this.scheduler.unfollow(group.url)
    this.#dropOld()
  }

  /** Meet the stream's other viewers; another stream's swarm replaces this one's. @param {import('./playlist.js').SwarmAddress} address */
  #join (address) {
    if (this.meshId === address.id || typeof RTCPeerConnection === 'undefined') return
    this.mesh?.close()
    this.meshId = address.id
    this.address = address
    const self = {
      peer: this.me,
      bornAt: this.bornAt,
      sharing: () => this.uploads,
      line: () => this.uploads ? this.scheduler.line : 0,
      onDrain: (/** @type {number} */ bytes, /** @type {number} */ ms) => this.scheduler.drained(bytes, ms)
    }
    const { maxPeers = 12, maxUpload, ice = [] } = this.options
    this.mesh = new Mesh(address, self, { maxPeers, maxUpload, ice }, {
      onUp: link => {
        this.log(`peer ${link.peer.slice(-6)} is here`)
        this.dialogue.greet(link)
        this.#needSwarm()
        this.#poke()
      },
      onDown: (link, reason) => {
        this.log(`peer ${link.peer.slice(-6)} is gone: ${reason}`)
        this.scheduler.peerDown(link.peer)
        this.#poke()
      },
      onMessage: (link, message) => {
        this.dialogue.heard(link, message)
        this.#poke()
      },
      onOffer: (link, id) => {
        this.dialogue.offered(link, id)
        this.#poke()
      },
      onCount: () => {
        if (this.mesh?.others) this.#needSwarm()
        this.#poke()
      },
      onName: me => {
        this.me = this.scheduler.me = me
        this.swarm?.rename(me)
      }
    })
  }

  /** Have the torrents' code: most of ours, and of no use to the first picture or to a lone viewer. */
  #needSwarm () {
    this.loadingSwarm ??= import('./swarm.js').then(({ Swarm }) => {
      if (this.closed) return
      this.swarm = new Swarm(this.me, {
        onPiece: (id, index) => this.#onPiece(id, index),
        onBytes: (id, peer) => this.scheduler.received(id, peer, performance.now()),
        onUpload: bytes => {
          this.stats_.bytesToPeers += bytes
          this.scheduler.uploaded(bytes)
        },
        onReady: id => this.dialogue.openWires(id),
        onAbuse: (peer, reason) => { this.log(`peer ${peer.slice(-6)}: ${reason}`); this.mesh?.ban(peer, reason) },
        sharing: () => this.uploads,
        rtt: peer => this.mesh?.link(peer)?.rttLeast ?? 0,
        burden: peer => this.mesh?.link(peer)?.burden ?? 0,
        wanters: id => this.scheduler.wanters(id, performance.now()),
        carries: (id, peers) => this.scheduler.carries(id, peers)
      }, this.log)
      for (const segment of this.library.byId.values()) this.#serve(segment)
    }, error => {
      this.loadingSwarm = null // the next peer's arrival tries again; until then HTTP plays
      this.log(`the torrents' code could not be loaded: ${error.message}`)
    })
    return this.loadingSwarm
  }

  /** Hold a segment's (possibly still missing) bytes. @param {KnownSegment} segment @returns {Promise<Holding>} */
  async #hold (segment) {
    const metainfo = await segment.metainfo()
    if (!segment.holding && !this.closed) {
      segment.holding = new Holding(metainfo)
      segment.usedAt = performance.now()
      this.scheduler.list({
        id: segment.id, group: segment.group, msn: segment.msn, pieces: metainfo.hashes.length,
        bytes: metainfo.length, duration: segment.duration, follow: segment.follow
      }, performance.now())
      this.#poke()
    }
    if (!segment.holding) throw new Error('closed')
    return segment.holding
  }

  #dropOld () {
    const held = [...this.library.byId.values()].filter(segment => segment.holding).map(segment => ({
      id: segment.id,
      group: segment.group,
      msn: segment.msn,
      bytes: segment.holding?.bytes.length ?? 0,
      busy: this.deliveries.waits(segment.id) || this.fetches.has(segment.id),
      usedAt: segment.usedAt
    }))
    const drop = toDrop(held, this.library.groups)
    for (const id of drop) {
      const segment = this.library.byId.get(id)
      if (segment) segment.holding = null
      this.swarm?.drop(id)
      this.scheduler.forget(id)
    }
    this.dialogue.tellLost(drop)
  }

  // ── deciding and acting ────────────────────────────────────────────────────────────────────────

  /** Something changed: decide again, once this turn's events are all in. */
  #poke () {
    if (this.poked || this.closed) return
    this.poked = true
    queueMicrotask(() => {
      this.poked = false
      if (!this.closed) this.#step()
    })
  }

  #step () {
    const now = performance.now()
    const bufferSeconds = this.handed.ahead(this.#player()?.bufferSeconds ?? 0, now)
    const facts = { bufferSeconds, sharing: this.uploads, p2pOnly: this.p2pOnly }
    this.scheduler.swarmSize(this.mesh ? this.mesh.others : 0)
    const { commands, wakeAt } = this.scheduler.step(now, facts)
    for (const command of commands) {
      if (command.type === 'reload') this.hints.reload(command.group)
      else {
        const segment = this.library.byId.get(command.id)
        if (!segment?.holding) continue
        if (command.type === 'join') this.#serve(segment)
        else if (command.type === 'fetch') this.#fetch(segment, segment.holding, command.runs)
        else if (command.type === 'seek-seed') this.#seekSeed(segment)
        else if (command.type === 'fail') this.deliveries.fail(segment.id, failure(segment.holding))
      }
    }
    clearTimeout(this.wake)
    if (wakeAt < Infinity) this.wake = setTimeout(() => this.#step(), Math.max(10, wakeAt - now))
  }

  /** Have a torrent for it while there is anyone to exchange it with. @param {KnownSegment} segment */
  #serve (segment) {
    if (segment.holding && this.mesh && this.mesh.up.length > 0) this.swarm?.add(segment.holding)
  }

  /** @param {KnownSegment} segment */
  async #seekSeed (segment) {
    await this.#needSwarm()
    if (!this.swarm || !this.address || !segment.holding) return
    if (this.p2pOnly) this.dialogue.tellPull(segment.id, true)
    this.swarm.add(segment.holding)
    this.swarm.seekSeed(segment.id, this.address.tracker, iceServers(this.address.ice).servers)
  }

  /**
   * @param {KnownSegment} segment
   * @param {Holding} holding
   * @param {[number, number][]} runs
   */
  async #fetch (segment, holding, runs) {
    const { id } = segment
    const left = leaveOut(runs, index => this.swarm?.coming(id, index) === true)
    this.dialogue.tellPull(id, true)
    this.swarm?.select(id, left, false)
    const outcome = await this.fetches.fetch(segment, holding, left)
    if (outcome.trouble) this.log(`segment ${segment.msn}: ${outcome.trouble}`)
    if (this.closed) return
    if (!outcome.ok) this.#askPeers(id)
    this.dialogue.tellPull(id, false)
    this.scheduler.fetched(id, outcome, performance.now())
    this.#poke()
  }

  /** The origin does not get on with it: what is missing may come from peers, too. @param {string} id */
  #askPeers (id) {
    const holding = this.library.byId.get(id)?.holding
    if (holding) this.swarm?.select(id, missingRuns(holding.have), true)
  }

  /** Nobody waits for it any more. @param {KnownSegment} segment */
  #unwant (segment) {
    this.scheduler.want(segment.id, false)
    if (!segment.follow && !segment.holding?.have.complete) this.fetches.abort(segment.id)
    this.#poke()
  }

  /** A piece came from a peer or the seed, verified by webtorrent. @param {string} id @param {number} index */
  #onPiece (id, index) {
    const holding = this.library.byId.get(id)?.holding
    if (!holding) return
    this.#onVerified(id, index)
    if (holding.have.complete) this.fetches.abort(id) // peers were faster
  }

  /** @param {string} id @param {number} index */
  #onVerified (id, index) {
    const now = performance.now()
    const segment = this.library.byId.get(id)
    const holding = segment?.holding
    if (!segment || !holding) return
    this.scheduler.verified(id, index, now)
    this.dialogue.tellPiece(segment)
    this.deliveries.progress(id, holding.filled, holding.metainfo.length)
    if (!holding.have.complete) return
    this.stats_.bytesFromPeers += holding.from.peers
    this.stats_.bytesFromSeed += holding.from.seed
    this.stats_.record({
      msn: segment.msn, source: holding.source, ms: now - holding.startedAt,
      bytes: holding.metainfo.length, fromPeers: holding.from.peers, at: now
    })
    this.deliveries.done(id)
    this.fedAt ??= now
    this.#poke()
  }

  // ── the player ─────────────────────────────────────────────────────────────────────────────────

  #player () {
    try { return this.sample?.() ?? null } catch { return null }
  }

  #watchPlayer () {
    // Peers may be close. Before the first picture the torrents' code would be in its way: with a segment there it
    // takes the player some 100 ms.
    if (this.mesh && this.fedAt !== null && performance.now() - this.fedAt > PLAYER_INTERVAL) {
      this.fedAt = null
      this.#needSwarm()
    }
    const stalls = this.#player()?.stalls ?? 0
    if (stalls > this.stalls) this.scheduler.late()
    this.stalls = stalls
  }
}

/** @param {string} url */
function stripFragment (url) {
  const at = url.indexOf('#')
  return at < 0 ? url : url.slice(0, at)
}

/** @param {string} url */
function guessType (url) {
  const path = url.split('?')[0] ?? ''
  if (path.endsWith('.ts')) return 'video/mp2t'
  if (/\.(m4s|mp4|cmfv|cmfa)$/.test(path)) return 'video/mp4'
  return 'application/octet-stream'
}

/** @param {Holding} holding */
function failure (holding) {
  return holding.distrusted ? new IntegrityError() : new Error('neither peers nor the origin could give the segment')
}
