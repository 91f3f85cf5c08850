/**
 * The engine: what loader, bridge and pages call. It learns manifests, asks the scheduler what to do
 * and does it: origin, mesh and torrents. Every byte it hands out matched the manifest's INFO.
 */

import { Deliveries } from './deliveries.js'
import { Hints } from './hints.js'
import { Holding } from './holding.js'
import { toDrop } from './keep.js'
import { Library } from './library.js'
import { Mesh } from './mesh/mesh.js'
import { iceServers } from './mesh/ice.js'
import { sha1 } from './metainfo.js'
import { IntegrityError, OriginError, fetchPlaylist, fetchRuns } from './origin.js'
import { parsePlaylist } from './playlist.js'
import { Scheduler } from './scheduler.js'
import { Stats } from './stats.js'
import { Swarm } from './swarm.js'

/** What a peer may send on one segment's sub-stream: the segment, BitTorrent's overhead, some waste. */
const wireLimit = (/** @type {number} */ length) => 2 * length + (256 << 10)
/** Telling peers of every piece would cost a message each; so often is soon enough, ms. */
const HAVE_INTERVAL = 100
/** Newest segments named to a peer that comes up. */
const KNOW_ON_UP = 8
/** The player's stalls are looked at so often, ms. */
const PLAYER_INTERVAL = 500

/** @typedef {import('./library.js').KnownSegment} KnownSegment */
/** @typedef {import('./mesh/link.js').Link} Link */

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
    this.mode = options.mode
    this.log = options.log ?? (() => {})
    this.me = newPeerId()
    this.bornAt = performance.now()
    this.sharing = options.sharing ?? !saveData()
    this.closed = false
    this.trouble = ''
    // SHA-1 comes from WebCrypto, which browsers only give to secure contexts.
    this.usable = options.mode !== 'http' && !!globalThis.crypto?.subtle
    if (options.mode !== 'http' && !this.usable) this.trouble = 'peer-to-peer needs HTTPS (or localhost)'
    if (this.usable && typeof RTCPeerConnection === 'undefined') this.trouble = 'this browser has no WebRTC'

    this.library = new Library()
    this.scheduler = new Scheduler(this.me, this.bornAt)
    this.stats_ = new Stats()
    this.deliveries = new Deliveries()
    /** @type {Mesh | null} */
    this.mesh = null
    this.meshId = ''
    /** @type {import('./playlist.js').SwarmAddress | null} */
    this.address = null
    /** @type {Swarm | null} */
    this.swarm = null
    /** @type {Map<string, AbortController>} fetches from the origin, by id */
    this.fetches = new Map()
    this.hints = new Hints(url => this.playlist(url).then(() => {}, error => this.log(`playlist: ${error.message}`)))
    /** @type {Set<string>} ids whose pieces changed since peers were told */
    this.changed = new Set()
    /** @type {(() => import('./types.js').PlayerState) | null} */
    this.sample = null
    this.stalls = 0
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.wake = undefined
    this.poked = false
    this.telling = setInterval(() => this.#tellChanges(), HAVE_INTERVAL)
    this.watching = setInterval(() => this.#watchPlayer(), PLAYER_INTERVAL)
    this.onHide = () => this.mesh?.close()
    globalThis.addEventListener?.('pagehide', this.onHide)
  }

  // ── what loader, bridge and pages call (types.d.ts says what each promises) ─────────────────────

  /** @param {string} url @param {{ signal?: AbortSignal }} [options] */
  async playlist (url, { signal } = {}) {
    const fetched = await fetchPlaylist(url, signal)
    if (this.usable && !this.closed) this.#learn(fetched)
    return fetched
  }

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
    return { data, contentType: holding.contentType || guessType(segment.url), source: holding.source }
  }

  /** @param {(() => import('./types.js').PlayerState) | null} sample */
  setPlayer (sample) { this.sample = sample }

  /** @param {boolean} on */
  setSharing (on) {
    if (on === this.sharing) return
    this.sharing = on
    this.mesh?.broadcast({ t: 'share', share: on })
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
    globalThis.removeEventListener?.('pagehide', this.onHide)
    clearTimeout(this.wake)
    clearInterval(this.telling)
    clearInterval(this.watching)
    for (const fetch of this.fetches.values()) fetch.abort()
    this.deliveries.close()
    this.hints.close()
    this.swarm?.close()
    this.mesh?.close()
  }

  // ── manifests ──────────────────────────────────────────────────────────────────────────────────

  /** @param {import('./types.js').FetchedPlaylist} fetched */
  #learn ({ url, text }) {
    const playlist = parsePlaylist(text, url)
    if (playlist.multivariant || !playlist.swarm) return
    const fresh = this.library.learn(url, playlist)
    this.hints.loaded(url, fresh.length > 0)
    this.#join(playlist.swarm)
    for (const segment of fresh) this.#hold(segment).catch(error => this.log(`segment ${segment.msn}: ${error.message}`))
    if (fresh.length > 0) this.mesh?.broadcast({ t: 'know', ids: fresh.slice(-KNOW_ON_UP).map(segment => segment.id) })
    this.#dropOld()
  }

  /** Meet the stream's other viewers; another stream's swarm replaces this one's. @param {import('./playlist.js').SwarmAddress} address */
  #join (address) {
    if (this.meshId === address.id || typeof RTCPeerConnection === 'undefined') return
    this.mesh?.close()
    this.meshId = address.id
    this.address = address
    this.swarm ??= new Swarm(this.me, {
      onPiece: (id, index) => this.#onPiece(id, index),
      onBytes: id => this.scheduler.received(id, performance.now()),
      onUpload: bytes => { this.stats_.bytesToPeers += bytes },
      onReady: id => this.#openWires(id),
      onAbuse: (peer, reason) => { this.log(`peer ${peer.slice(-6)}: ${reason}`); this.mesh?.ban(peer, reason) },
      sharing: () => this.sharing
    }, this.log)
    const self = { peer: this.me, bornAt: this.bornAt, sharing: () => this.sharing }
    this.mesh = new Mesh(address, self, { maxPeers: this.options.maxPeers ?? 8, ice: this.options.ice ?? [] }, {
      onUp: link => this.#onUp(link),
      onDown: (link, reason) => {
        this.log(`peer ${link.peer.slice(-6)} is gone: ${reason}`)
        this.scheduler.peerDown(link.peer)
        this.#poke()
      },
      onMessage: (link, message) => this.#onMessage(link, message),
      onOffer: (link, id) => this.#openWire(link, id)
    })
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
      this.changed.delete(id)
    }
    if (drop.length > 0) this.mesh?.broadcast({ t: 'lost', ids: drop.slice(0, 64) })
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
    const bufferSeconds = this.#player()?.bufferSeconds ?? 0
    const { commands, wakeAt } = this.scheduler.step(now, { bufferSeconds, sharing: this.sharing })
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
  #seekSeed (segment) {
    if (!this.swarm || !this.address || !segment.holding) return
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
    const { metainfo } = holding
    const abort = new AbortController()
    this.fetches.set(id, abort)
    this.mesh?.broadcast({ t: 'pull', id, on: true })
    this.swarm?.select(id, runs, false)
    /** @type {Promise<void>[]} */
    const checks = []
    let rejected = false
    let outcome = { ok: false, gone: false, bytes: 0, firstByte: 0, ms: 0 }
    try {
      const fetched = await fetchRuns(segment.url, metainfo, runs, {
        onBytes: bytes => { this.stats_.bytesFromOrigin += bytes },
        onPiece: (index, bytes) => {
          checks.push(sha1(bytes).then(hash => {
            if (hash !== metainfo.hashes[index]) rejected = true
            else if (holding.put(index, bytes, 'origin')) {
              this.swarm?.put(id, index)
              this.#onVerified(id, index)
            }
          }))
        }
      }, abort.signal, holding.distrusted ? 'reload' : 'default')
      await Promise.all(checks)
      holding.contentType ||= fetched.contentType
      // An encoder that began anew under old names: a cache may still hold the old bytes.
      holding.distrusted ||= rejected
      if (rejected) throw new OriginError('the origin sent bytes that do not match the manifest', 0)
      outcome = { ...outcome, ...fetched, ok: true }
    } catch (error) {
      if (error instanceof OriginError) {
        outcome.gone = error.gone
        this.log(`segment ${segment.msn}: ${error.message}`)
      }
      this.swarm?.select(id, runs.filter(([first, last]) => !range(first, last).every(i => holding.have.has(i))), true)
    }
    this.fetches.delete(id)
    if (this.closed) return
    this.mesh?.broadcast({ t: 'pull', id, on: false })
    this.scheduler.fetched(id, outcome, performance.now())
    this.#poke()
  }

  /** Nobody waits for it any more. @param {KnownSegment} segment */
  #unwant (segment) {
    this.scheduler.want(segment.id, false)
    if (!segment.follow && !segment.holding?.have.complete) this.fetches.get(segment.id)?.abort()
    this.#poke()
  }

  /** A piece came from a peer or the seed, verified by webtorrent. @param {string} id @param {number} index */
  #onPiece (id, index) {
    const holding = this.library.byId.get(id)?.holding
    if (!holding) return
    this.#onVerified(id, index)
  }

  /** @param {string} id @param {number} index */
  #onVerified (id, index) {
    const now = performance.now()
    const segment = this.library.byId.get(id)
    const holding = segment?.holding
    if (!segment || !holding) return
    this.scheduler.verified(id, index, now)
    this.changed.add(id)
    if (holding.have.count === 1 || holding.have.complete) this.#tellChanges()
    this.deliveries.progress(id, holding.filled, holding.metainfo.length)
    if (!holding.have.complete) return
    this.stats_.bytesFromPeers += holding.from.peers
    this.stats_.bytesFromSeed += holding.from.seed
    this.stats_.record({
      msn: segment.msn, source: holding.source, ms: now - holding.startedAt,
      bytes: holding.metainfo.length, fromPeers: holding.from.peers, at: now
    })
    this.deliveries.done(id)
    this.#poke()
  }

  // ── peers ──────────────────────────────────────────────────────────────────────────────────────

  /** @param {Link} link */
  #onUp (link) {
    this.log(`peer ${link.peer.slice(-6)} is here`)
    this.scheduler.peerUp(link.peer, link.peerBornAt)
    this.scheduler.peerShares(link.peer, link.peerShares)
    for (const group of this.library.groups.values()) {
      const ids = [...group.ids].slice(-KNOW_ON_UP)
      if (ids.length > 0) link.send({ t: 'know', ids })
    }
    for (const segment of this.library.byId.values()) {
      const { holding } = segment
      if (!holding) continue
      if (holding.have.count > 0) link.send({ t: 'have', id: segment.id, pieces: holding.have })
      if (this.fetches.has(segment.id)) link.send({ t: 'pull', id: segment.id, on: true })
      this.#serve(segment)
      if (!holding.have.complete) this.#openWire(link, segment.id)
    }
    this.#poke()
  }

  /** @param {Link} link @param {import('./mesh/gossip.js').Message} message */
  #onMessage (link, message) {
    const now = performance.now()
    const { peer } = link
    if (message.t === 'share') this.scheduler.peerShares(peer, message.share)
    else if (message.t === 'know') for (const id of message.ids) this.scheduler.peerSaid(peer, id, {}, now)
    else if (message.t === 'have') this.scheduler.peerSaid(peer, message.id, { pieces: message.pieces }, now)
    else if (message.t === 'pull') this.scheduler.peerSaid(peer, message.id, { pulls: message.on }, now)
    else if (message.t === 'lost') for (const id of message.ids) this.scheduler.peerLost(peer, id)
    this.#poke()
  }

  /** Open a segment's sub-stream to every peer. @param {string} id */
  #openWires (id) {
    for (const link of this.mesh?.up ?? []) this.#openWire(link, id)
  }

  /**
   * Open a segment's sub-stream to one peer, if we have its torrent: because we need it, or because
   * the peer opened its side. Between two who both hold everything nothing is opened.
   * @param {Link} link @param {string} id
   */
  #openWire (link, id) {
    const holding = this.library.byId.get(id)?.holding
    if (!holding || !link.up || !this.swarm?.ready(id)) return
    if (holding.have.complete && !link.wires.offered(id)) return
    const stream = link.wires.open(id, wireLimit(holding.metainfo.length))
    if (stream) this.swarm.addPeer(id, stream)
  }

  /** Tell peers which pieces came in since the last time. */
  #tellChanges () {
    if (this.changed.size === 0) return
    for (const id of this.changed) {
      const holding = this.library.byId.get(id)?.holding
      if (holding) this.mesh?.broadcast({ t: 'have', id, pieces: holding.have })
    }
    this.changed.clear()
  }

  // ── the player ─────────────────────────────────────────────────────────────────────────────────

  #player () {
    try { return this.sample?.() ?? null } catch { return null }
  }

  #watchPlayer () {
    const stalls = this.#player()?.stalls ?? 0
    if (stalls > this.stalls) this.scheduler.late()
    this.stalls = stalls
  }
}

/** A peer id (BEP 20): `-LV`, version, `-`, random. @returns {string} 40 hex digits */
function newPeerId () {
  const bytes = crypto.getRandomValues(new Uint8Array(20))
  bytes.set(new TextEncoder().encode('-LV0100-'))
  return Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('')
}

/** The user asked for less traffic. */
function saveData () {
  const { connection } = /** @type {{ connection?: { saveData?: boolean } }} */ (globalThis.navigator ?? {})
  return connection?.saveData === true
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

/** @param {number} first @param {number} last */
function range (first, last) {
  return Array.from({ length: last - first + 1 }, (_, i) => first + i)
}
