/** What the front page lists: streams and recordings as one kind of entry, in order, and found by words. Pure. */

/** @typedef {import('../streams.js').Stream} Stream */

/**
 * @typedef {object} Recording as `GET /api/recordings` lists it
 * @property {string} name
 * @property {string} of the stream that was recorded; empty for an upload
 * @property {string} title
 * @property {'recording' | 'finishing' | 'ready' | 'incomplete'} state
 * @property {number} started Unix seconds
 * @property {number} duration seconds
 * @property {number} bytes
 * @property {number} viewers
 *
 * @typedef {object} Entry one card
 * @property {string} name of the stream: where it is watched
 * @property {string} title for people
 * @property {string} under the stream that was recorded, where the title does not say it
 * @property {boolean} live now on air
 * @property {boolean} away it may come back, but nothing new has come for a while
 * @property {boolean} running a recording that goes on
 * @property {boolean} whole can be downloaded
 * @property {number} viewers
 * @property {number} started Unix seconds; 0: not known
 * @property {number} duration seconds; 0: not known
 * @property {number} bytes 0: not known
 */

/**
 * @param {readonly Stream[]} streams
 * @param {readonly Recording[]} recordings
 * @returns {{ live: Entry[], recordings: Entry[] }} live streams by name; recordings newest first, then what else is not on air, by name
 */
export function entries (streams, recordings) {
  const recorded = new Set(recordings.map(({ name }) => name))
  const sources = new Set(recordings.map(({ of }) => of))
  const others = streams.filter(({ name }) => !recorded.has(name)).sort((a, b) => a.name < b.name ? -1 : 1)
  return {
    live: others.filter(({ onAir }) => onAir).map(fromStream),
    recordings: [
      ...[...recordings].sort((a, b) => b.started - a.started).map(fromRecording),
      // The last seconds of what was live are in its recordings.
      ...others.filter(({ onAir, name }) => !onAir && !sources.has(name)).map(fromStream)
    ]
  }
}

/** @param {Stream} stream @returns {Entry} */
const fromStream = ({ name, live, onAir, viewers, duration, publishing }) => ({
  name,
  title: name,
  under: '',
  live: onAir,
  away: live && !onAir,
  running: false,
  whole: false,
  viewers,
  started: onAir ? publishing?.since ?? 0 : 0,
  duration: live ? 0 : duration ?? 0,
  bytes: 0
})

/** @param {Recording} recording @returns {Entry} */
function fromRecording ({ name, of, title, state, started, duration, bytes, viewers }) {
  const shown = title || of || name
  // How long it is by now, nobody tells every second; when it began is shown.
  const running = state === 'recording'
  return {
    name,
    title: shown,
    under: title ? of : '',
    live: false,
    away: false,
    running,
    whole: state === 'ready' || state === 'incomplete',
    viewers: viewers || 0,
    started: started || 0,
    duration: running ? 0 : duration || 0,
    bytes: running ? 0 : bytes || 0
  }
}

/**
 * @param {readonly Entry[]} all
 * @param {string} words each of them has to be in the name or the title, whatever its case and accents
 * @returns {readonly Entry[]} in the same order
 */
export function found (all, words) {
  const wanted = plain(words).split(/\s+/).filter(Boolean)
  if (wanted.length === 0) return all
  return all.filter(({ name, title, under }) => {
    const text = plain(`${name}\n${title}\n${under}`)
    return wanted.every(word => text.includes(word))
  })
}

/** @param {string} text */
const plain = text => text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase()

/**
 * Whether the stage stands above the list: for a stream that was asked for, or where there is only one, and it is live.
 *
 * @param {string | null} wanted `?stream=`
 * @param {readonly Stream[]} streams
 * @param {readonly Recording[]} recordings
 */
export const staged = (wanted, streams, recordings) =>
  wanted !== null || (streams.length === 1 && streams[0].onAir && recordings.length === 0)

/** @param {number} n @param {string} one @param {string} many @returns {string} like `1 stream`, `3 streams` */
export const count = (n, one, many) => `${n} ${n === 1 ? one : many}`
