/** What the scheduler is told, what it answers, and what it is set to, with the reasons. Pure. */

/**
 * @typedef {object} SegmentFacts
 * @property {string} id infohash
 * @property {string} group which playlist lists it: its variant
 * @property {number} msn
 * @property {number} pieces how many
 * @property {number} bytes
 * @property {number} duration seconds
 * @property {boolean} follow new at the live edge: worth having before the player asks
 */

/**
 * @typedef {'alone' | 'pull' | 'deadline'} Why nobody to wait for; for the mesh too; time is up
 *
 * @typedef {{ type: 'join', id: string }
 *   | { type: 'fetch', id: string, runs: [number, number][], why: Why }
 *   | { type: 'seek-seed', id: string }
 *   | { type: 'fail', id: string }
 *   | { type: 'reload', group: string }} Command
 * join: hold a torrent for it and open wires. fetch: these runs of pieces (first and last) from the
 * origin. seek-seed: HTTP fails, ask the tracker for the server's seed. fail: give up, tell the player.
 * reload: peers know a segment that is ours to pull; read the playlist now.
 */

/**
 * @typedef {{ bufferSeconds: number, sharing: boolean, p2pOnly?: boolean }} PlayerFacts
 * p2pOnly: segments come from peers and the seed, never from the origin.
 */

/** @typedef {Record<'takeover' | 'pullStall' | 'supplyStall' | 'margin' | 'marginMin' | 'marginMax' | 'firstByte' | 'rate' | 'fetches' | 'attempts' | 'seekStall' | 'needMax' | 'counting' | 'meeting', number>} Settings */

/** @type {Readonly<Settings>} */
export const DEFAULTS = Object.freeze({
  /** A rank waits this long for the one before it: a round trip, a reload and some slack, ms. */
  takeover: 400,
  /** A puller that reports no new piece for so long is not counted on, ms. */
  pullStall: 2000,
  /** Holders that send nothing for so long are not counted on, ms. */
  supplyStall: 1500,
  /**
   * What is kept in hand before the deadline, ms: before anything was measured, at least and at most. Then it is
   * what fetches took beyond the expected, four times as far as they stray.
   */
  margin: 600,
  marginMin: 300,
  marginMax: 3000,
  /** Expected time to the first byte (ms) and rate (bytes/ms) of the origin before the first fetch. */
  firstByte: 250,
  rate: 500,
  /** Concurrent fetches from the origin; more would only share the same link. */
  fetches: 3,
  /** HTTP attempts at a wanted segment before the player is told. */
  attempts: 6,
  /** A seed that was asked for (tracker, ICE, handshake) and sends nothing for so long is asked for again, ms. */
  seekStall: 6000,
  /** Who just came waits so long for the tracker's count, as far as its buffer allows, ms. */
  counting: 1000,
  /** Who just came waits so long for links to those the tracker counts, as far as its buffer allows, ms. */
  meeting: 3000,
  /** A neighbourhood that gets segments too late pulls so many times more: a bound, or all would pull all. */
  needMax: 4
})
