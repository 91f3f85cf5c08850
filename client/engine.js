/**
 * The engine: what loader, bridge and pages call. It learns manifests and hands out segments: supply.js has them
 * supplied, by the origin and by company.js. Every byte it hands out matched the manifest's INFO.
 */

import { choice } from './choice.js'
import { Company } from './company.js'
import { Deliveries } from './deliveries.js'
import { EarlyPlaylists } from './early.js'
import { Hints } from './hints.js'
import { FOLLOWING } from './hls-config.js'
import { newPeerId } from './identity.js'
import { Library } from './library.js'
import { conditions, watchConditions } from './mesh/conditions.js'
import { fetchPlaylist } from './origin.js'
import { parsePlaylist, withoutDirectives } from './playlist.js'
import { Policy } from './policy.js'
import { Scheduler } from './scheduler.js'
import { Stats } from './stats.js'
import { Supply } from './supply.js'

/** The player's stalls are looked at so often, ms. */
const PLAYER_INTERVAL = 500

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
    this.p2pOnly = options.mode === 'p2p-only'
    /** @type {import('./types.js').Mode} */
    this.mode = options.mode === 'p2p-only' ? 'loader' : options.mode
    this.log = options.log ?? (() => {})
    this.onAsk = options.onAsk
    /** @type {AbortController | null} ends the question that was asked */
    this.asked = null
    this.closed = false
    this.trouble = ''
    // SHA-1 comes from WebCrypto, which browsers only give to secure contexts.
    this.usable = options.mode !== 'http' && !!globalThis.crypto?.subtle
    if (options.mode !== 'http' && !this.usable) this.trouble = 'peer-to-peer needs HTTPS (or localhost)'
    if (this.usable && typeof RTCPeerConnection === 'undefined') this.trouble = 'this browser has no WebRTC'

    const me = newPeerId()
    const bornAt = performance.now()
    const { p2pOnly } = this
    // Whoever looks into a running page may listen later.
    const log = (/** @type {string} */ line) => this.log(line)
    const uploads = () => this.policy.now.upload
    this.library = new Library()
    this.scheduler = new Scheduler(me, bornAt)
    this.stats_ = new Stats(options.onSegment)
    this.deliveries = new Deliveries()
    this.stop = new AbortController()
    this.policy = new Policy(options, () => this.#facts(), before => this.#allowed(before))
    this.look = () => this.policy.look()
    choice.listeners.add(this.look)
    watchConditions(this.look, this.stop.signal)
    this.early = new EarlyPlaylists(url => this.#meet(url))
    this.hints = new Hints(url => this.#load(url, false).then(() => {}, error => log(`playlist: ${error.message}`)))
    const { library, scheduler, stats_: stats, deliveries, hints } = this
    this.supply = new Supply({ library, scheduler, stats, deliveries, hints, company: () => this.company }, {
      p2pOnly, log, uploads, buffer: () => this.#player()?.bufferSeconds ?? 0
    })
    const { supply } = this
    const { fetches } = supply
    const { policy } = this
    this.company = new Company(options, { me, bornAt, policy, log }, { library, scheduler, stats, fetches }, {
      onChange: () => supply.poke(),
      onPiece: (id, index) => supply.got(id, index),
      onUpload: this.look
    })
    /** @type {(() => import('./types.js').PlayerState) | null} */
    this.sample = null
    this.stalls = 0
    this.watching = setInterval(() => this.#watchPlayer(), PLAYER_INTERVAL)
    this.onHide = () => this.company.mesh?.close()
    globalThis.addEventListener?.('pagehide', this.onHide)
  }

  // ── what loader, bridge and pages call (types.d.ts says what each promises) ─────────────────────

  /** @param {string} url */
  begin (url) { this.early.begin(url) }

  /** @param {string} url @param {{ signal?: AbortSignal }} [options] */
  playlist (url, { signal } = {}) { return this.#load(url, true, signal) }

  /** @param {import('./types.js').FetchedPlaylist} fetched */
  learn (fetched) { if (this.usable && !this.closed) this.#learn(fetched, true) }

  /** @param {string} url @param {import('./types.js').ByteRange} [range] */
  knows (url, range) {
    return this.usable && !this.closed && this.library.find(stripFragment(url), range) !== undefined
  }

  /**
   * @param {string} url
   * @param {import('./types.js').WaitOptions & { range?: import('./types.js').ByteRange }} [options]
   * @returns {Promise<import('./types.js').FetchedSegment>}
   */
  async segment (url, { range, signal, onProgress, onBegin } = {}) {
    const segment = this.library.find(stripFragment(url), range)
    if (!segment || this.closed) throw new Error('not a segment of a known playlist')
    if (signal?.aborted) throw new DOMException('aborted', 'AbortError')
    const holding = await this.supply.complete(segment, {
      signal,
      onProgress: (bytes, total, fetched) => {
        onProgress?.(bytes, total, fetched)
        const { holding } = segment
        if (!onBegin || !holding?.have.has(0)) return
        onBegin(holding.bytes.slice(0, holding.metainfo.pieceLength), total)
        onBegin = undefined
      }
    })
    // A copy: players transfer the buffer to a worker, and peers still need ours.
    const data = holding.bytes.slice().buffer
    const { contentType, source, ms } = holding
    const { rate: originRate } = this.supply.fetches.line
    const { duration } = segment
    return { data, contentType: contentType || guessType(segment.url), source, ms, duration, originRate }
  }

  /** @param {(() => import('./types.js').PlayerState) | null} sample */
  setPlayer (sample) { this.sample = sample }

  /** @param {boolean} on */
  setSharing (on) { choice.say(on) }

  #facts () {
    const { word, here } = choice
    const { bytesToPeers: sent, bytesFromPeers, bytesFromOrigin, bytesFromSeed } = this.stats_
    return { word, here, ...conditions(), sent, received: bytesFromPeers + bytesFromOrigin + bytesFromSeed }
  }

  /** What is allowed is no longer this. @param {import('./policy.js').Allowed} before */
  #allowed (before) {
    const { company, policy: { now } } = this
    if (now.connect !== before.connect) company.consider()
    if (now.upload !== before.upload) {
      company.dialogue.tellSharing(now.upload)
      company.swarm?.updateSharing()
    }
    this.#ask()
    this.supply.poke()
  }

  /** Have the viewer asked, once there is anything to say yes to. */
  #ask () {
    const asks = this.policy.now.asks && this.company.address !== null && !this.closed
    if (!asks) {
      this.asked?.abort()
      this.asked = null
    } else if (!this.asked) {
      this.asked = new AbortController()
      this.onAsk?.(yes => this.setSharing(yes), this.asked.signal)
    }
  }

  stats () {
    const { mesh } = this.company
    return this.stats_.snapshot({
      peers: mesh?.up.length ?? 0,
      connectionsMade: mesh?.connectionsMade ?? 0,
      mode: this.mode,
      sharing: this.policy.now.shares,
      terms: this.policy.terms,
      trouble: this.trouble || mesh?.trouble || ''
    }, this.#player())
  }

  async close () {
    if (this.closed) return
    this.closed = true
    this.stop.abort()
    globalThis.removeEventListener?.('pagehide', this.onHide)
    clearInterval(this.watching)
    choice.listeners.delete(this.look)
    this.asked?.abort()
    this.supply.close()
    this.deliveries.close()
    this.hints.close()
    this.company.close()
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

  /** @param {import('./playlist.js').SwarmAddress} swarm */
  #join (swarm) {
    this.company.join(swarm)
    this.#ask()
  }

  /** @param {import('./types.js').FetchedPlaylist} fetched @param {boolean} played */
  #learn ({ url: asked, text }, played) {
    const url = withoutDirectives(asked)
    const playlist = parsePlaylist(text, url)
    if (!playlist.swarm) return
    // The multivariant playlist names the swarm, too: peers are found while the media playlist is on its way.
    this.#join(playlist.swarm)
    if (playlist.multivariant) return
    const now = performance.now()
    const fresh = this.library.learn(url, playlist, now, played)
    this.hints.loaded(url, fresh.length > 0)
    // Whose viewer went back plays old segments: it would have pulled the new ones for others alone, and dropped them.
    if ((this.#player()?.latencySeconds ?? 0) > FOLLOWING * playlist.targetDuration) {
      for (const segment of fresh) segment.follow = false
      this.scheduler.unfollow(url)
    } else {
      for (const segment of fresh) this.supply.hold(segment).catch(error => this.log(`segment ${segment.msn}: ${error.message}`))
      this.company.dialogue.tellKnown(fresh)
    }
    // Else peers' hints would keep us loading, and pulling, a variant nobody here watches.
    for (const group of this.library.left(now)) this.scheduler.unfollow(group.url)
    this.supply.dropOld()
  }

  // ── the player ─────────────────────────────────────────────────────────────────────────────────

  #player () {
    try { return this.sample?.() ?? null } catch { return null }
  }

  #watchPlayer () {
    // Peers may be close. Before the first picture the torrents' code would be in its way: with a segment there it
    // takes the player some 100 ms.
    const { supply, company } = this
    if (company.mesh && supply.fedAt !== null && performance.now() - supply.fedAt > PLAYER_INTERVAL) {
      supply.fedAt = null
      company.needSwarm()
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
