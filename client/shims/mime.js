// Replaces mime/lite.js (10 KB of types): webtorrent labels File objects with it, which we never hand out.
const types = { m4s: 'video/iso.segment', mp4: 'video/mp4', ts: 'video/mp2t', vtt: 'text/vtt', webm: 'video/webm' }

export default {
  /** @param {string} name */
  getType(name) {
    return types[/** @type {keyof typeof types} */ (name.slice(name.lastIndexOf('.') + 1))] ?? null
  }
}
