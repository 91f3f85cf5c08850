/** Which streams there are, and which one to show. */

/**
 * @typedef {object} Stream as `GET /api/streams` lists it
 * @property {string} name
 * @property {boolean} live it has not ended
 * @property {boolean} onAir … and something new has come lately
 * @property {string} playlist path of its multivariant playlist
 * @property {number} segments listed now
 * @property {number} viewers
 * @property {number | null} [duration] seconds of what has ended
 * @property {{ since: number }} [publishing] while somebody sends it; Unix seconds
 */

/**
 * @param {readonly Stream[]} streams
 * @param {string | null} wanted `?stream=`
 * @returns {Stream | null} the one asked for and no other; else `demo`, the first on air, the first
 */
export function pick (streams, wanted) {
  const named = (/** @type {string} */ name) => streams.find(stream => stream.name === name) ?? null
  if (wanted !== null) return named(wanted)
  return named('demo') ?? streams.find(({ onAir }) => onAir) ?? streams[0] ?? null
}

/**
 * @param {AbortSignal} signal
 * @returns {Promise<Stream[]>} rejects when the server does not answer
 */
export async function fetchStreams (signal) {
  const response = await fetch('/api/streams', { signal, headers: { accept: 'application/json' } })
  if (!response.ok) throw new Error(`the server answered ${response.status}`)
  const { streams } = await response.json()
  return streams
}
