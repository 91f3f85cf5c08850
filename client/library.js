/**
 * What the page knows of the manifests: every listed segment that has a torrent, by URL and by id.
 * Grows with live windows, so it forgets what has long left them.
 */

import { readMetainfo } from './metainfo.js'

/**
 * A live playlist the player has not loaded for so long it no longer plays: it switched variants, ms. Players
 * reload every Target Duration (RFC 8216bis §6.3.4), which is rarely over 10 s.
 */
const LEFT_AFTER = 30_000
/** Playlists remembered: several streams' variants; a player that changes its query each time adds none. */
const MAX_GROUPS = 16
/** Segments remembered after they left their playlist: a player may still ask for one it saw. */
const REMEMBERED = 64

/** @typedef {import('./types.js').ByteRange} ByteRange */

/**
 * One segment as the manifest lists it; `holding` once its bytes are wanted.
 */
export class KnownSegment {
  /**
   * @param {import('./playlist.js').ListedSegment} listed
   * @param {string} group
   */
  constructor (listed, group) {
    this.id = listed.infohash
    this.url = listed.url
    this.range = listed.range
    /** The key of its URL before this one. */
    this.before = ''
    this.msn = listed.msn
    this.duration = listed.duration
    this.magnet = listed.magnet
    this.group = group
    this.usedAt = 0
    /** New at the live edge when it was first seen. */
    this.follow = false
    /** @type {import('./holding.js').Holding | null} */
    this.holding = null
    /** @type {Promise<import('./metainfo.js').Metainfo> | null} */
    this.reading = null
    this.info = listed.info
  }

  /** The info dictionary, decoded and checked once. */
  metainfo () {
    this.reading ??= readMetainfo(this.id, this.info)
    return this.reading
  }
}

/**
 * @typedef {object} Group one media playlist
 * @property {string} url
 * @property {boolean} live
 * @property {number} first first MSN listed
 * @property {number} last
 * @property {Set<string>} ids listed now
 * @property {number} playedAt when the player last loaded it, ms
 */

export class Library {
  constructor () {
    /** @type {Map<string, KnownSegment>} */
    this.byId = new Map()
    /** @type {Map<string, string>} URL and range → id */
    this.byUrl = new Map()
    /** @type {Map<string, Group>} by playlist URL */
    this.groups = new Map()
  }

  /** @param {string} url @param {ByteRange | null} [range] of a segment that is not the whole resource */
  find (url, range) {
    const id = this.byUrl.get(key({ url, range }))
    return id === undefined ? undefined : this.byId.get(id)
  }

  /**
   * Learn a media playlist.
   * @param {string} url
   * @param {import('./playlist.js').MediaPlaylist} playlist
   * @param {number} now ms
   * @param {boolean} [played] the player loaded it, not a hint
   * @returns {KnownSegment[]} those new at the live edge of a playlist that is played
   */
  learn (url, playlist, now, played = true) {
    const before = this.groups.get(url)
    const playedAt = played ? now : before?.playedAt ?? -Infinity
    const msns = playlist.segments.map(segment => segment.msn)
    const ids = new Set(playlist.segments.map(segment => segment.infohash).filter(Boolean))
    // A delta update lists the end only: what it skips is listed still.
    const first = (msns[0] ?? 0) - playlist.skipped
    for (const id of playlist.skipped > 0 && before ? before.ids : []) {
      const known = this.byId.get(id)
      if (known && known.msn >= first) ids.add(id)
    }
    this.groups.delete(url)
    this.groups.set(url, { url, live: playlist.live, first, last: msns.at(-1) ?? -1, ids, playedAt })
    for (const old of this.groups.keys()) {
      if (this.groups.size <= MAX_GROUPS) break
      this.groups.delete(old)
    }
    const fresh = []
    for (const listed of playlist.segments) {
      if (!listed.infohash) continue
      const known = this.byId.get(listed.infohash)
      if (known && key(known) !== key(listed)) {
        // Signed URLs run out; who read the last playlist may still ask by the one before.
        this.byUrl.delete(known.before)
        known.before = key(known)
        known.url = listed.url
      }
      // A URL whose bytes changed has a new torrent: the newest wins.
      this.byUrl.set(key(listed), listed.infohash)
      if (known) continue
      const segment = new KnownSegment(listed, url)
      this.byId.set(segment.id, segment)
      if (playlist.live && before && listed.msn > before.last && now - playedAt <= LEFT_AFTER) {
        segment.follow = true
        fresh.push(segment)
      }
    }
    this.#forget()
    return fresh
  }

  /** Live playlists that the player has left. @param {number} now */
  left (now) {
    return [...this.groups.values()].filter(group => group.live && now - group.playedAt > LEFT_AFTER)
  }

  #forget () {
    const listed = new Set()
    for (const group of this.groups.values()) for (const id of group.ids) listed.add(id)
    const gone = [...this.byId.values()].filter(segment => !listed.has(segment.id) && !segment.holding)
    for (const segment of gone.slice(0, Math.max(0, gone.length - REMEMBERED))) {
      this.byId.delete(segment.id)
      for (const name of [key(segment), segment.before]) {
        if (this.byUrl.get(name) === segment.id) this.byUrl.delete(name)
      }
    }
  }
}

/** URLs here have no fragment. @param {{ url: string, range?: ByteRange | null }} segment */
const key = ({ url, range }) => range ? `${url}#${range}` : url
