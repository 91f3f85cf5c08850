/** The player page, /watch/<stream>: one video that starts by itself, and again after "back". */

import { mount } from './player.js'

/** How long to wait before another try, ms. */
const RETRY_MS = 3000

const video = /** @type {HTMLVideoElement} */ (document.querySelector('video'))
const name = location.pathname.replace(/\/$/, '').split('/').pop() ?? ''
const query = new URLSearchParams(location.search)

document.title = `${decode(name)} · live-torrent`
start()

function start () {
  mount(video, { url: new URL(`../live/${name}/master.m3u8`, location.href).href, mode: query.get('mode') })
    // The player's code could not be loaded: the network may be back soon.
    .catch(() => setTimeout(start, RETRY_MS))
}

// The browser kept the page for "back", with everything stopped in `pagehide`.
addEventListener('pageshow', event => { if (event.persisted) location.reload() })

/** @param {string} text */
function decode (text) {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
