/** The player page, /watch/<stream>: one video that starts by itself, and again after "back". */

import { mount } from './player.js'

const video = /** @type {HTMLVideoElement} */ (document.querySelector('video'))
const name = location.pathname.replace(/\/$/, '').split('/').pop() ?? ''
const query = new URLSearchParams(location.search)

document.title = `${decode(name)} · live-torrent`
mount(video, { url: new URL(`../live/${name}/master.m3u8`, location.href).href, mode: query.get('mode') })

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
