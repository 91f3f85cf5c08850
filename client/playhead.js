/** How the video element is doing: buffer, latency, stalls. Reads the element, changes nothing. */

/** @typedef {import('./types.js').PlayerState} PlayerState */

/**
 * Seconds of media ahead of `time` without a hole.
 * @param {TimeRanges} ranges
 * @param {number} time
 */
export function ahead (ranges, time) {
  let end = time
  for (let i = 0; i < ranges.length; i++) {
    // Players nudge over holes this small (hls.js's maxBufferHole), so they do not end what is ahead.
    if (ranges.start(i) <= end + 0.1 && ranges.end(i) > end) end = ranges.end(i)
  }
  return end - time
}

/** Counts how often playback ran dry: `waiting` after it once played, not caused by a seek. */
export class Stalls {
  count = 0
  #played = false

  /** @param {string} event @param {{ seeking: boolean, paused: boolean, ended: boolean }} video */
  on (event, { seeking, paused, ended }) {
    if (event === 'playing') this.#played = true
    // Another source, or another place: what is buffered first there is no stall.
    if (event === 'emptied' || event === 'seeking') this.#played = false
    if (event === 'waiting' && this.#played && !seeking && !paused && !ended) this.count += 1
  }
}

/**
 * @param {HTMLMediaElement} video
 * @param {() => number | null} latency seconds behind the live edge, if the player knows
 * @param {AbortSignal} signal ends it
 * @returns {() => PlayerState}
 */
export function watch (video, latency, signal) {
  const stalls = new Stalls()
  for (const type of ['playing', 'waiting', 'emptied', 'seeking']) {
    video.addEventListener(type, () => stalls.on(type, video), { signal })
  }
  return () => ({
    bufferSeconds: ahead(video.buffered, video.currentTime),
    latencySeconds: latency(),
    playbackRate: video.playbackRate,
    paused: video.paused,
    stalls: stalls.count
  })
}

/**
 * For players that say nothing about latency: the element's own live edge.
 * @param {HTMLMediaElement} video
 * @returns {number | null}
 */
export function elementLatency (video) {
  const { seekable, duration, currentTime } = video
  if (seekable.length === 0 || Number.isFinite(duration)) return null
  return Math.max(0, seekable.end(seekable.length - 1) - currentTime)
}
