/** What this browser remembers of its user's choices. The key only when the user asks for it. */

const PLACE = 'live-torrent.studio'
const KEYS = 'live-torrent.studio.keys'
/** Streams whose keys are kept; the oldest goes. */
const MOST = 20

/**
 * @typedef {object} Choices
 * @property {string} [name]
 * @property {string} [kind]
 * @property {string} [camera] device id, as are microphones; '' is the browser's choice
 * @property {string} [microphone] 'none': without
 * @property {string} [quality]
 * @property {string} [way]
 * @property {boolean} [loop]
 */

/** @returns {Choices} */
export const choices = () => read(PLACE)

/** @param {Choices} changed */
export const choose = changed => write(PLACE, { ...choices(), ...changed })

/** @param {string} name @returns {string} '' when it is not remembered */
export const rememberedKey = name => {
  const key = read(KEYS)[name]
  return typeof key === 'string' ? key : ''
}

/** @param {string} name @param {string | null} key null: forget it */
export function rememberKey (name, key) {
  const others = read(KEYS)
  delete others[name]
  write(KEYS, key === null ? others : Object.fromEntries([...Object.entries(others).slice(1 - MOST), [name, key]]))
}

/** @param {string} place @returns {Record<string, unknown>} */
function read (place) {
  try {
    return Object(JSON.parse(localStorage.getItem(place) ?? '{}'))
  } catch {
    return {} // blocked, or somebody else's
  }
}

/** @param {string} place @param {object} value */
function write (place, value) {
  try {
    if (Object.keys(value).length === 0) localStorage.removeItem(place)
    else localStorage.setItem(place, JSON.stringify(value))
  } catch { /* blocked, or full: nothing is remembered */ }
}
