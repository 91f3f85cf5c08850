/** How hls.js is set up. Pure. */

/**
 * The engine waits for peers as long as the buffer allows, and while it waits no byte shows: hls.js's 10 s
 * to the first byte would fetch everything a second time. Bounded by what the worker waits at most.
 */
const FIRST_BYTE_MS = 30_000

/**
 * Target Durations behind which the player jumps back to the live edge instead of trailing after every trouble; Infinity:
 * the viewer went back, and means to stay there.
 */
export const FOLLOWING = 10

/** @typedef {Pick<import('hls.js').HlsConfig, 'lowLatencyMode' | 'fragLoadPolicy'>} NeededConfig */

/**
 * What our loaders need, whoever's player it is.
 * @param {import('hls.js').HlsConfig} defaults
 * @returns {NeededConfig}
 */
export const neededConfig = defaults => ({
  // Parts are not torrents; without them low latency mode only polls more.
  lowLatencyMode: false,
  fragLoadPolicy: {
    default: { ...defaults.fragLoadPolicy.default, maxTimeToFirstByteMs: FIRST_BYTE_MS }
  }
})

/**
 * What our own player has besides, for live.
 * @param {import('hls.js').HlsConfig} defaults
 * @returns {Partial<import('hls.js').HlsConfig>}
 */
export const liveConfig = defaults => ({
  ...neededConfig(defaults),
  // RFC 8216bis §6.3.3: a client should not begin closer than three target durations to the end.
  liveSyncDurationCount: 3,
  liveMaxLatencyDurationCount: FOLLOWING,
  liveDurationInfinity: true,
  // What was watched is in nobody's way for half a minute (a short look back), then memory is freed. Seconds.
  backBufferLength: 30
})
