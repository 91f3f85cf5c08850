/**
 * `<script src="https://HOST/embed.js" data-stream="NAME"></script>`: a player at that place, on any site;
 * `data-src="URL"` instead of `data-stream` plays any playlist with magnets, wherever it is.
 * Options: data-width, data-muted, data-controls, data-sharing, data-mode (mode.js; `p2p-only` too).
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

if (typeof options === 'string') {
  console.error(`live-torrent: ${options}`)
} else {
  video.controls = options.controls
  video.title = script.title || options.title
  Object.assign(video.style, { display: 'block', width: options.width, maxWidth: '100%', aspectRatio: '16 / 9', background: '#000' })
  if (document.body) place()
  else document.addEventListener('DOMContentLoaded', place, { once: true })

  // Not bundled here: a page with several players loads it once.
  const play = () => import(new URL('client/player.js', script.src).href).then(({ mount }) => mount(video, {
    url: options.url,
    mode: options.mode,
    muted: options.muted,
    // Left alone unless turned off: the engine has reasons of its own (Save-Data) not to share.
    engineOptions: options.sharing ? {} : { sharing: false }
  })).catch(error => console.error('live-torrent: the player could not be loaded', error))
  play()
  // The browser kept the page for "back", with its player stopped in `pagehide`.
  addEventListener('pageshow', event => { if (event.persisted) play() })
}
