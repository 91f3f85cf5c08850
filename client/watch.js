/**
 * The player page, /watch/<stream>: one video that starts by itself, and again after "back". Beside a baked stream
 * (`live-torrent bake`) the page itself says what it plays, and how: `<video data-src data-mode>`.
 */

import { mount } from './player.js'

/** How long to wait before another try, ms. */
const RETRY_MS = 3000
/** A stream that is there begins sooner than this; a word about it would only flicker, ms. */
const HUSH_MS = 2000

const video = /** @type {HTMLVideoElement} */ (document.querySelector('video'))
const name = location.pathname.replace(/\/$/, '').split('/').pop() ?? ''
const query = new URLSearchParams(location.search)
const { src, mode } = video.dataset
const called = src === undefined ? decode(name) : document.title

/** A recording beside its page is there for good; a stream may be to come. */
const away = src === undefined ? 'No such stream yet, or it is away for a moment.' : 'It cannot be reached just now.'

/** What the viewer is told while there is no picture to see. @type {Record<import('./player.js').State, string[]>} */
const WORDS = {
  loading: [`Waiting for “${called}”`, 'It starts by itself.'],
  playing: [],
  blocked: [], // the element's own play button is there
  retrying: [`Waiting for “${called}”`, `${away} It starts by itself.`],
  ended: [] // the last picture stays, and a recording can be played again
}

/** @type {ReturnType<typeof setTimeout> | undefined} */
let saying

if (src === undefined) document.title = `${called} · live-torrent`
start()

function start () {
  say('loading')
  const url = new URL(src ?? `../live/${name}/master.m3u8`, location.href).href
  mount(video, { url, mode: query.get('mode') ?? mode ?? null, onState: say })
    // The player's code could not be loaded: the network may be back soon.
    .catch(() => setTimeout(start, RETRY_MS))
}

/** @param {import('./player.js').State} state */
function say (state) {
  clearTimeout(saying)
  const [title = '', line = ''] = WORDS[state]
  saying = setTimeout(() => {
    const box = /** @type {HTMLElement} */ (document.getElementById('overlay'))
    box.dataset.state = title === '' ? 'none' : 'shown'
    box.classList.toggle('veil', video.readyState >= 2)
    const [heading, text] = /** @type {HTMLCollectionOf<HTMLElement>} */ (box.children)
    if (heading) heading.textContent = title
    if (text) text.textContent = line
  }, title === '' ? 0 : HUSH_MS)
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
