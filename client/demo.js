/**
 * The front page's stage: shows a stream and where its bytes come from. It finds a stream by itself, waits when there
 * is none, and begins again when one comes back.
 */

import { bytes, percent, seconds } from './format.js'
import { makePlot } from './plot.js'
import { mount } from './player.js'
import { Series } from './series.js'
import { pick } from './streams.js'
import { makeStrip } from './strip.js'

/** @typedef {import('./streams.js').Stream} Stream */

/** How often the figures change: often enough to look alive, seldom enough to be read. ms */
const DRAW_MS = 500
/** Streams named in the header; the list below has all of them. */
const MOST_NAMED = 12

/** @template {HTMLElement} [T=HTMLElement] @param {string} id @returns {T} */
const $ = id => /** @type {T} */ (document.getElementById(id))

const query = new URLSearchParams(location.search)
const video = /** @type {HTMLVideoElement} */ ($('video'))
const series = new Series()
const drawPlot = makePlot(/** @type {HTMLCanvasElement} */ ($('plot')), $('plot-top'))
const drawStrip = makeStrip($('cells'), $('segment'))

/** @type {Stream | null} what is on the screen */
let shown = null
/** @type {import('./player.js').Player | null} */
let player = null
/** @type {import('./player.js').State} */
let state = 'loading'
/** A player is being made: meanwhile nothing else is shown. */
let busy = false

/** What there is now. @param {readonly Stream[]} streams */
export async function look (streams) {
  if (busy) return
  busy = true
  try {
    list(streams)
    // What is on the screen stays there, whatever else appears.
    const stream = pick(streams, shown?.name ?? query.get('stream'))
    // After its end a stream is played again only when it is live again: a finished one would begin anew for ever.
    if (stream !== null && (shown === null || (state === 'ended' && stream.live))) await show(stream)
    else if (stream !== null) about(stream)
    else if (shown === null) overlay('Waiting for a stream', waitingText(), 'busy')
    else if (state !== 'playing') overlay('The stream is gone', 'It starts again by itself when it comes back.', 'busy')
  } catch {
    lost()
  } finally {
    busy = false
  }
}

/** The server did not answer. */
export function lost () {
  if (player === null) overlay('The server does not answer', 'Trying again.', 'busy')
}

const waitingText = () => query.has('stream')
  ? `It starts by itself as soon as “${query.get('stream')}” has its first segment.`
  : 'It starts by itself with the first segment in the feed folder.'

/** @param {Stream} stream */
async function show (stream) {
  shown = stream
  about(stream)
  const before = player
  player = null
  await before?.destroy()
  series.reset()
  try {
    player = await mount(video, {
      url: stream.playlist,
      mode: query.get('mode'),
      onState: next => { state = next; say() }
    })
  } catch (error) {
    shown = null // the player's code could not be loaded: the next look tries again
    throw error
  }
  turned()
}

/** The switch shows what counts: the viewer's word, here or in the notice, as far as the operator allows sharing. */
function turned () {
  const { sharing, terms } = /** @type {import('./player.js').Player} */ (player).stats()
  const toggle = /** @type {HTMLButtonElement} */ ($('sharing'))
  toggle.disabled = terms.sharing === 'off'
  if (toggle.getAttribute('aria-checked') !== String(sharing)) toggle.setAttribute('aria-checked', String(sharing))
}

/** @param {Stream} stream */
function about (stream) {
  shown = stream
  document.title = `${stream.name} · live-torrent`
  text('name', stream.name)
  text('viewers', stream.viewers > 1 ? `${stream.viewers} watching` : '')
  badge()
  const link = new URL('/', location.href)
  link.searchParams.set('stream', stream.name)
  if (query.has('mode')) link.searchParams.set('mode', query.get('mode') ?? '')
  const second = /** @type {HTMLAnchorElement} */ ($('second'))
  if (second.href !== link.href) second.href = link.href
}

function badge () {
  const live = shown?.onAir === true && state !== 'ended' && state !== 'retrying'
  text('badge', live ? 'Live' : shown === null || state === 'retrying' ? 'Offline' : state === 'ended' ? 'Ended' : shown.live ? 'Off air' : 'Recording')
  $('badge').classList.toggle('live', live)
}

/** What the player is doing, over the picture. */
function say () {
  badge()
  switch (state) {
    case 'loading': return overlay('Starting', '', 'busy')
    case 'playing': return overlay()
    case 'blocked': return overlay() // the element's own play button is there
    case 'retrying': return overlay('Lost the stream', 'Trying again by itself.', 'busy')
    case 'ended': return overlay('The stream has ended', shown?.live === false ? '' : 'It starts again by itself when it comes back.')
  }
}

/** @param {string} [title] none: take it away @param {string} [line] @param {string} [look] */
function overlay (title = '', line = '', look = '') {
  const box = $('overlay')
  box.dataset.state = title === '' ? 'none' : 'shown'
  box.classList.toggle('busy', look === 'busy')
  // Over a picture that is there, let it shine through.
  box.classList.toggle('veil', video.readyState >= 2)
  text('overlay-title', title)
  text('overlay-text', line)
}

/** The way to other live streams, as long as they fit in a line or two. @param {readonly Stream[]} streams */
function list (streams) {
  const nav = $('streams')
  const items = streams.filter(({ onAir, name }) => onAir || name === shown?.name).map(({ name }) => name)
  nav.hidden = items.length < 2 || items.length > MOST_NAMED
  const ul = /** @type {HTMLElement} */ (nav.firstElementChild)
  const key = JSON.stringify([items, shown?.name])
  if (ul.dataset.key === key) return
  ul.dataset.key = key
  ul.replaceChildren(...items.map(name => {
    const link = document.createElement('a')
    link.href = `/?stream=${encodeURIComponent(name)}`
    link.textContent = name
    if (name === (shown?.name ?? query.get('stream'))) link.setAttribute('aria-current', 'page')
    const item = document.createElement('li')
    item.append(link)
    return item
  }))
}

function draw () {
  if (player === null) return
  const stats = player.stats()
  const { bytesFromPeers: peers, bytesFromOrigin: origin, bytesFromSeed: seed } = stats
  series.add({ peers, origin, seed }, performance.now())
  if (document.hidden) return
  drawPlot(series.rates)
  drawStrip(stats.segments)
  text('share', percent(series.share))
  $('big').classList.toggle('none', series.share === null)
  text('from-peers', bytes(stats.bytesFromPeers))
  text('from-origin', bytes(stats.bytesFromOrigin))
  text('from-seed', bytes(stats.bytesFromSeed))
  text('to-peers', bytes(stats.bytesToPeers))
  text('peers', String(stats.peers))
  text('latency', stats.latencySeconds === null ? '' : `${seconds(stats.latencySeconds)} behind live`)
  turned()
  text('trouble', stats.trouble)
  $('share-text').hidden = stats.trouble !== ''
}

/** Only what changes touches the page: screen readers announce every write to a status. @param {string} id @param {string} value */
function text (id, value) {
  const element = $(id)
  if (element.textContent !== value) element.textContent = value
}

$('sharing').addEventListener('click', () => {
  player?.setSharing($('sharing').getAttribute('aria-checked') !== 'true')
  if (player) turned()
})

$('second').addEventListener('click', event => {
  if (event.ctrlKey || event.metaKey || event.shiftKey) return
  // A window of its own, because a tab would hide this page, and hidden pages are slowed down by browsers.
  // Without access to this one: it then gets a process of its own, as a viewer elsewhere would.
  event.preventDefault()
  open(/** @type {HTMLAnchorElement} */ ($('second')).href, '_blank', 'popup,noopener,width=1080,height=780')
})

// Every player is stopped in `pagehide`; a page the browser kept for "back" begins anew.
addEventListener('pageshow', event => { if (event.persisted) location.reload() })

text('name', query.get('stream') ?? '')
drawPlot(series.rates)
setInterval(draw, DRAW_MS)
