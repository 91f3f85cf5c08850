/**
 * Posters: fetched as their cards come near, a few at a time. A browser has six connections for a server, one of them
 * tells what happens; a server that makes posters one by one would hold all the others.
 */

/** Fetched at once. */
const AT_ONCE = 3
/** A picture of a live stream is renewed so often, as the server does; likewise one that did not come is asked for again. ms */
const RENEW_MS = 30_000
/** … the latter so often: there may be none. */
const TRIES = 3
/** Fetched before they are seen. */
const NEAR = '300px'

/** @type {(() => Promise<void>)[]} */
const waiting = []
let loading = 0

function next () {
  const load = loading < AT_ONCE ? waiting.shift() : undefined
  if (load === undefined) return
  loading += 1
  load().finally(() => { loading -= 1; next() })
  next()
}

/** @type {WeakMap<Element, (near: boolean) => void>} */
const told = new WeakMap()
const observer = new IntersectionObserver(
  entries => { for (const { target, isIntersecting } of entries) told.get(target)?.(isIntersecting) },
  { rootMargin: NEAR }
)

/**
 * Put the stream's poster into `thumb`, over what is there; it has the class `here` once it can be seen.
 *
 * @param {string} name @param {boolean} live @param {HTMLElement} thumb
 */
export function showPoster (name, live, thumb) {
  const url = `/api/streams/${encodeURIComponent(name)}/poster`
  const image = new Image(640, 360)
  image.className = 'card-picture'
  image.alt = ''
  image.decoding = 'async'
  thumb.prepend(image)
  let near = false
  let failures = 0
  let queued = false
  let dueAt = 0
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer

  const load = async () => {
    queued = false
    if (!near || !thumb.isConnected) return // it is asked for again when it comes near
    dueAt = performance.now() + RENEW_MS
    await new Promise(resolve => {
      image.onload = image.onerror = event => {
        const here = event instanceof Event && event.type === 'load'
        if (here) image.classList.add('here')
        failures = here ? 0 : failures + 1
        resolve(undefined)
      }
      image.src = failures > 0 || live ? `${url}?at=${Math.floor(Date.now() / RENEW_MS)}` : url
    })
    later()
  }

  const later = () => {
    clearTimeout(timer)
    timer = setTimeout(again, RENEW_MS)
  }

  const wanted = () => live || (!image.classList.contains('here') && failures < TRIES)

  const due = () => {
    if (!wanted() || !near || queued || document.hidden || performance.now() < dueAt - 100) return
    queued = true
    waiting.push(load)
    next()
  }

  const again = () => {
    if (!thumb.isConnected) return observer.unobserve(thumb)
    due()
    if (!queued && wanted()) later()
  }

  told.set(thumb, now => { near = now; due() })
  observer.observe(thumb)
}
