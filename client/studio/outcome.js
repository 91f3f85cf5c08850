/** What the end of a connection means: try again, or tell the user. Pure. */

/**
 * @typedef {object} End
 * @property {number} status as HTTP would say it; 0: the connection was lost, 200: ended as it was asked to
 * @property {string} message of the server, for people; '' when it had none
 * @property {boolean} ready whether the key had been taken on this connection
 */

/**
 * @typedef {object} Words
 * @property {string} title
 * @property {string} text what to do
 */

/** Between two tries, ms: soon at first, for most interruptions are short. */
const WAITS = [500, 1000, 2000, 4000, 8000, 15_000]
/** A server that has not noticed yet that we were gone says "taken" for this many tries: half a minute. */
const GHOST_TRIES = 6

/** @param {number} tries made in vain so far @param {number} dice 0..1 @returns {number} ms; all pages of a server that
 * comes back must not come at once */
export const wait = (tries, dice) =>
  /** @type {number} */ (WAITS[Math.min(tries, WAITS.length - 1)]) * (0.75 + dice / 2)

/**
 * @param {End} end
 * @param {{ tries: number, began: boolean }} past tries in vain since the last connection; `began`: this page has had
 *   the stream already
 * @returns {Words | null} null: try again
 */
export function final ({ status, message, ready }, { tries, began }) {
  switch (status) {
    case 400:
      return { title: 'The server does not understand this page', text: 'Load the page anew: server and page may be of different versions.' }
    case 401:
      return ready
        ? { title: 'The key is no longer good', text: 'It was revoked, or has expired. Ask the operator for a new one.' }
        : { title: 'The server does not know this key', text: 'Check the key and the stream’s name. The operator makes keys with “live-torrent keys create NAME”.' }
    case 403:
      return ready
        ? { title: 'The operator has ended this stream', text: sentence(message) }
        : { title: 'This key is for another stream', text: 'Enter the name of the stream that the key was made for.' }
    case 404:
      return { title: 'This server takes no streams from browsers', text: 'The operator allows it with “--publish browser” or “--publish whip”.' }
    case 409:
      if (ready) return { title: 'Somebody else has taken this stream over', text: 'Another page or encoder publishes it now, with a key for it.' }
      if (began && tries < GHOST_TRIES) return null
      return { title: 'Somebody else is live in this stream', text: 'Stop the other page or encoder first, or ask for a key of your own.' }
    case 415: case 422:
      return { title: 'The server cannot use what this browser sends', text: `Choose another way of sending or another source. ${sentence(message)}`.trim() }
    default:
      return null // lost, too slow, too full, stopping: all of them pass
  }
}

/** What is said while it is tried again. @param {End} end @param {number} tries @returns {Words} */
export function again ({ status, message }, tries) {
  const title = status === 413 ? 'The server could not keep up'
    : status === 503 ? 'The server has no room now'
      : status === 408 ? 'The server heard nothing from here'
        : 'Connection lost'
  return { title: `${title}, trying again (${tries})…`, text: status === 0 ? 'The stream goes on when it is back.' : sentence(message) }
}

/** @param {string} message one line, as programs write it */
function sentence (message) {
  if (message === '') return ''
  const begun = message.charAt(0).toUpperCase() + message.slice(1)
  return /[.!?]$/.test(begun) ? begun : `${begun}.`
}
