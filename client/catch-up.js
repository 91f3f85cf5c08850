/**
 * Playing a little faster until what a stall or a busy machine cost in latency is made up for: the latency
 * target is the operator's choice. hls.js does it only in low-latency mode. Pure.
 */

/** Hardly to be heard or seen; a lost second is back after twenty. */
export const FASTER = 1.05
/** Further than this behind the target it begins, s: reloads make the latency swing by less. */
const BEGIN = 2
/** It ends this close to the target, s. */
const END = 0.5
/** Only out of a full buffer, or the hurry itself would let it run dry, s. */
const BUFFER = 4

/**
 * @param {number} rate the element's now
 * @param {{ latency: number, target: number, buffer: number }} state seconds
 * @returns {number} the rate to set; any other rate than ours was set by the page or the viewer and stays
 */
export function playbackRate (rate, { latency, target, buffer }) {
  if (rate !== 1 && rate !== FASTER) return rate
  const behind = latency - target
  if (buffer < BUFFER || behind <= END) return 1
  return behind > BEGIN ? FASTER : rate
}
