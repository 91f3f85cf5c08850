/**
 * `<script src="https://HOST/embed.js" data-stream="NAME"></script>`: a player at that place, on any site;
 * `data-src="URL"` instead of `data-stream` plays any playlist with magnets, wherever it is. With `data-worker="/FILE.js"`
 * there is no player of ours: the site's copy of the service worker serves those that it has.
 * docs/website.md has all attributes.
 */

import { embedOptions } from './embed-options.js'

const script = /** @type {HTMLScriptElement} */ (document.currentScript)
const options = embedOptions(script.dataset, script.src, document.baseURI)
const video = document.createElement('video')

const place = () => {
  // In <head>, or gone from the page by now: at the body's end.
  if (document.body?.contains(script)) script.after(video)
  else document.body.append(video)
}

/** Not bundled here: a page with several players loads it once. @param {string} name */
const load = name => import(new URL(`client/${name}`, script.src).href)

/** @param {string} worker @param {Pick<import('./embed-options.js').EmbedOptions, 'register' | 'engineOptions' | 'notice'>} options */
const serve = (worker, { register, engineOptions, notice }) => {
  const { serviceWorker } = navigator
  if (!serviceWorker) return console.error('live-torrent: service workers need HTTPS (or localhost)')
  /** @type {MessageEvent[]} */
  const early = []
  const hold = (/** @type {MessageEvent} */ event) => {
    early.push(event)
    // Who answers is on its way; else the worker would take the page for one without.
    if (event.data?.liveTorrent) event.ports[0]?.postMessage({ type: 'ack' })
  }
  const release = () => serviceWorker.removeEventListener('message', hold)
  serviceWorker.addEventListener('message', hold)
  serviceWorker.startMessages()
  load('site.js').then(({ serveSite }) => {
    release()
    return serveSite({ worker, register, early, engineOptions, notice })
  }).catch(error => {
    release()
    for (const { ports } of early) ports[0]?.postMessage({ type: 'pass' })
    console.error('live-torrent: this page plays over HTTP only.', error)
  })
}

if (typeof options === 'string') {
  console.error(`live-torrent: ${options}`)
} else if (options.worker !== null) {
  serve(options.worker, options)
} else {
  video.controls = options.controls
  video.title = script.title || options.title
  Object.assign(video.style, { display: 'block', width: options.width, maxWidth: '100%', aspectRatio: '16 / 9', background: '#000' })
  if (document.body) place()
  else document.addEventListener('DOMContentLoaded', place, { once: true })

  const play = () => load('player.js').then(({ mount }) => mount(video, {
    url: options.url,
    mode: options.mode,
    muted: options.muted,
    engineOptions: options.engineOptions,
    notice: options.notice
  })).catch(error => console.error('live-torrent: the player could not be loaded', error))
  play()
  // The browser kept the page for "back", with its player stopped in `pagehide`.
  addEventListener('pageshow', event => { if (event.persisted) play() })
}
