/**
 * The player page, /watch/<stream>: one video that starts by itself, and again after "back". Beside a baked stream
 * (`live-torrent bake`) the page itself says what it plays, and how: `<video data-src data-mode>`. Its controls
 * (controls/) come once the engine has begun.
 */

import { mount } from './player.js'
import { readTime } from './start-at.js'

/** How long to wait before another try, ms. */
const RETRY_MS = 3000
/** A stream that is there begins sooner than this; a word about it would only flicker, ms. */
const HUSH_MS = 2000

const video = /** @type {HTMLVideoElement} */ (document.querySelector('video'))
const stage = /** @type {HTMLElement} */ (document.querySelector('main'))
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
  blocked: [], // a play button is there
  retrying: [`Waiting for “${called}”`, `${away} It starts by itself.`],
  ended: [] // the last picture stays, and can be played again
}

/** … and while the last one stands, for nothing new comes. */
const OFF_AIR = [`“${called}” is off air`, 'It goes on by itself when it comes back.']

/** @type {ReturnType<typeof setTimeout> | undefined} */
let saying
let onAir = true
/** @type {import('./player.js').State} */
let state = 'loading'
/** @type {import('./player.js').MountedPlayer | null} */
let player = null
/** @type {import('./controls/panel.js').Controls | undefined} */
let controls
let source = new URL(src ?? `../live/${name}/master.m3u8`, location.href).href
/** Counts what was asked for: what a later one has overtaken is not begun, or not heard. */
let turn = 0
/** One after the other: there is one element. */
let begun = Promise.resolve()

if (src === undefined) document.title = `${called} · live-torrent`
video.setAttribute('aria-label', called)
startAt().then(start)

/** @param {number} [at] seconds */
function start (at) {
  const mine = ++turn
  say('loading')
  begun = begun.then(() => begin(mine, at))
}

/** @param {number} mine @param {number} [at] seconds */
async function begin (mine, at) {
  if (mine !== turn) return
  const before = player
  player = null
  await before?.destroy()
  try {
    const mounted = await mount(video, {
      url: source,
      mode: query.get('mode') ?? mode ?? null,
      at,
      muted: controls === undefined || video.muted,
      onState: next => { if (mine === turn) say(next) }
    })
    player = mounted
    if (mine !== turn) return
    controls ??= await load()
    controls?.tell(state)
  } catch {
    // The player's code could not be loaded: the network may be back soon.
    setTimeout(() => { if (mine === turn) start(at) }, RETRY_MS)
  }
}

async function load () {
  try {
    const { control } = await import('./controls/controls.js')
    return control({
      video,
      stage,
      stream: src === undefined ? name : null,
      called,
      source: () => source,
      player: () => player,
      play: (url, at) => {
        source = url
        start(at)
      },
      air: on => {
        onAir = on
        show()
      }
    })
  } catch {
    video.controls = true // the browser's own, rather than none
  }
}

/** Where a link to a recording (`?t=83`) begins; a live stream begins where it is. @returns {Promise<number | undefined>} */
async function startAt () {
  const at = readTime(query.get('t')) ?? undefined
  if (at === undefined || src !== undefined) return at
  try {
    const signal = AbortSignal.timeout(RETRY_MS)
    const answer = await fetch(new URL(`../api/streams/${name}`, location.href), { signal })
    return (await answer.json()).live === false ? at : undefined
  } catch {
    return undefined
  }
}

/** @param {import('./player.js').State} next */
function say (next) {
  const again = WORDS[next].join() === WORDS[state].join() && saying !== undefined
  state = next
  controls?.tell(state)
  if (!again) show()
}

function show () {
  clearTimeout(saying)
  const [title = '', line = ''] = onAir || state !== 'playing' ? WORDS[state] : OFF_AIR
  saying = setTimeout(() => {
    const box = /** @type {HTMLElement} */ (document.getElementById('overlay'))
    box.dataset.state = title === '' ? 'none' : 'shown'
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
