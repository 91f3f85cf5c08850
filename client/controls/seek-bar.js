/**
 * The bar on which one seeks. Under it lies a slider of the browser's own, which every way of using a browser knows;
 * what is seen is drawn over it.
 */

import { clock, spoken } from './clock.js'
import { make, set, write } from './dom.js'
import { parts, share, timeAt } from './place.js'

/** What assistive technology moves it by; a finger or mouse moves it freely. s */
const STEP = 5
const MAX_PARTS = 8
/** While it plays the time is told to this: a screen reader would read every other one aloud. s */
const SAID = 5

/** @param {import('./steering.js').Steering} steering */
export function seekBar (steering) {
  const played = make('div', { class: 'played' })
  const thumb = make('div', { class: 'thumb' })
  const buffered = make('div', { class: 'buffered' })
  const tip = make('div', { class: 'tip', hidden: true }, make('b'), make('span'))
  const slider = make('input', { type: 'range', class: 'slider', 'aria-label': 'Seek', min: '0', value: '0' })
  const bar = make('div', { class: 'seek', hidden: true }, make('div', { class: 'rail' }, buffered, played), thumb, tip, slider)
  let dragged = false

  /** @param {number} fraction */
  const hint = fraction => {
    const place = steering.place
    const time = timeAt(place, fraction)
    const date = place.live ? steering.dateAt(time) : null
    const ago = place.end - time
    const position = !place.live ? clock(time) : ago < 1 ? 'Live' : clock(-ago)
    const [main, more] = /** @type {HTMLCollectionOf<HTMLElement>} */ (tip.children)
    if (main) write(main, date ? date.toLocaleTimeString() : position)
    if (more) write(more, date ? position : '')
    tip.hidden = false
    const { width } = bar.getBoundingClientRect()
    const half = tip.offsetWidth / 2
    tip.style.left = `${Math.max(half, Math.min(width - half, fraction * width))}px`
  }
  /** @param {PointerEvent} event */
  const under = event => {
    const { left, width } = bar.getBoundingClientRect()
    return Math.max(0, Math.min(1, (event.clientX - left) / Math.max(1, width)))
  }
  const chosen = () => timeAt(steering.place, Number(slider.value) / Math.max(1, Number(slider.max)))

  bar.addEventListener('pointermove', event => { if (event.pointerType === 'mouse' || dragged) hint(under(event)) })
  bar.addEventListener('pointerleave', () => { if (!dragged) tip.hidden = true })
  slider.addEventListener('pointerdown', () => {
    dragged = true
    slider.step = 'any'
  })
  const released = () => {
    dragged = false
    tip.hidden = true
    slider.step = String(STEP)
    show()
  }
  slider.addEventListener('pointercancel', released)
  slider.addEventListener('pointerup', () => setTimeout(released)) // after `change`
  slider.addEventListener('input', () => {
    // Seeking on the way would fetch what nobody wants to see.
    if (dragged) draw(Number(slider.value) / Math.max(1, Number(slider.max)))
    else steering.seek(chosen())
  })
  slider.addEventListener('change', () => { if (dragged) steering.seek(chosen()) })

  /** @param {number} fraction */
  const draw = fraction => {
    played.style.transform = `scaleX(${fraction})`
    thumb.style.left = `${fraction * 100}%`
  }

  const show = () => {
    const place = steering.place
    bar.hidden = !place.wide
    bar.classList.toggle('live', place.live)
    if (bar.hidden || dragged) return
    const length = place.end - place.start
    draw(share(place))
    slider.max = String(Math.max(1, length))
    slider.step = length > 20 * STEP ? String(STEP) : '1'
    slider.value = String(place.at - place.start)
    set(slider, 'aria-valuetext', said(place, steering.atEdge, steering.video.paused ? 1 : SAID))
    drawBuffered(place)
  }

  /** @param {import('./place.js').Place} place */
  const drawBuffered = place => {
    const { buffered: ranges } = steering.video
    /** @type {[number, number][]} */
    const list = []
    for (let i = 0; i < Math.min(ranges.length, MAX_PARTS); i++) list.push([ranges.start(i), ranges.end(i)])
    const found = parts(place, list)
    while (buffered.children.length > found.length) buffered.lastChild?.remove()
    for (const [i, [from, to]] of found.entries()) {
      const part = /** @type {HTMLElement} */ (buffered.children[i] ?? buffered.appendChild(make('i')))
      part.style.left = `${from * 100}%`
      part.style.width = `${(to - from) * 100}%`
    }
  }

  return { element: bar, slider, show }
}

/**
 * What a screen reader says of it.
 * @param {import('./place.js').Place} place
 * @param {boolean} atEdge
 * @param {number} to seconds
 */
function said ({ live, at, end, behind }, atEdge, to) {
  const rounded = (/** @type {number} */ seconds) => spoken(Math.floor(seconds / to) * to)
  if (!live) return `${rounded(at)} of ${spoken(end)}`
  return atEdge ? 'live' : `${rounded(behind)} behind live`
}
