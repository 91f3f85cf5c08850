/** How much is sent, and how large a picture that makes. Pure. */

/**
 * @typedef {object} Quality
 * @property {string} id
 * @property {string} label
 * @property {number} height lines
 * @property {number} bits a second, picture and sound together
 */

/** Best first. As H.264 from a camera in real time needs them. @type {readonly Quality[]} */
export const QUALITIES = Object.freeze([
  { id: '1080', label: 'Full HD: 1080p, 4.5 Mbit/s', height: 1080, bits: 4_500_000 },
  { id: '720', label: 'HD: 720p, 2.5 Mbit/s', height: 720, bits: 2_500_000 },
  { id: '480', label: 'Standard: 480p, 1.2 Mbit/s', height: 480, bits: 1_200_000 },
  { id: '360', label: 'Low: 360p, 0.7 Mbit/s', height: 360, bits: 700_000 },
  { id: '240', label: 'Very low: 240p, 0.3 Mbit/s', height: 240, bits: 300_000 }
])

/** Frames a second; what cameras give, and enough for a screen. */
export const FRAMES = 30
/** Below this a picture is not worth sending; the sound takes a good part of it. bits/s */
export const LEAST = 150_000

/** @param {string | null} id @param {number} cores of this machine: two of them do not encode 720p beside a page
 * @returns {Quality} */
export function quality (id, cores) {
  const usual = cores <= 2 ? '480' : '720'
  return QUALITIES.find(one => one.id === id) ?? /** @type {Quality} */ (QUALITIES.find(one => one.id === usual))
}

/** Lines that so many bits fill: a large picture of few bits is worse than a small one.
 * @param {number} bits @param {number} most lines */
export function heightFor (bits, most) {
  const fits = QUALITIES.find(one => bits >= one.bits * 0.55) ?? { height: 240 }
  return Math.min(fits.height, most)
}

/** @param {number} bits in all @returns {{ video: number, audio: number }} */
export function split (bits) {
  const audio = bits >= 1_000_000 ? 128_000 : bits >= 400_000 ? 64_000 : 32_000
  return { audio, video: Math.max(60_000, Math.round(bits - audio)) }
}
