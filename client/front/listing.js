/** The two lists with their search: which cards there are, in what order, and how many of them. */

import { count, found } from './catalog.js'
import { element, write } from './element.js'

/** @typedef {import('./catalog.js').Entry} Entry */
/** @typedef {import('./card.js').Card} Card */

/** Cards of a list at first, and more of them at a time: several screens, and no work for who looks at the top alone. */
const PAGE = 48
/** Typing goes on: what was found is told once it has come to rest. ms */
const REST_MS = 700

/**
 * @typedef {object} Lists
 * @property {Entry[]} live
 * @property {Entry[]} recordings
 */

/**
 * @param {object} parts
 * @param {HTMLElement} parts.live a section with a heading, where its number is shown (`.number`), and a list
 * @param {HTMLElement} parts.recordings the same
 * @param {HTMLInputElement} parts.search
 * @param {HTMLElement} parts.said what was found, for who listens
 * @param {HTMLElement} parts.nothing shown when a search finds nothing
 * @param {(entry: Entry) => Card} make
 */
export function makeListing ({ live, recordings, search, said, nothing }, make) {
  const shelves = { live: makeShelf(live, make), recordings: makeShelf(recordings, make) }
  /** @type {Lists} */
  let lists = { live: [], recordings: [] }
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let resting

  const draw = () => {
    const words = search.value.trim()
    const now = Date.now() / 1000
    const some = { live: found(lists.live, words), recordings: found(lists.recordings, words) }
    shelves.live.show(some.live, now)
    shelves.recordings.show(some.recordings, now)
    const all = lists.live.length + lists.recordings.length
    nothing.hidden = words === '' || all === 0 || some.live.length + some.recordings.length > 0
    const told = nothing.querySelector('q')
    if (told) write(told, words)
    return words === ''
      ? `${count(lists.live.length, 'live stream', 'live streams')}, ${count(lists.recordings.length, 'recording', 'recordings')}`
      : `${count(some.live.length + some.recordings.length, 'result', 'results')} for ${words}`
  }

  search.addEventListener('input', () => {
    const line = draw()
    const url = new URL(location.href)
    if (search.value.trim()) url.searchParams.set('q', search.value.trim())
    else url.searchParams.delete('q')
    history.replaceState(history.state, '', url)
    clearTimeout(resting)
    resting = setTimeout(() => write(said, line), REST_MS)
  })
  search.addEventListener('keydown', event => {
    if (event.key !== 'Escape' || search.value === '') return
    event.preventDefault()
    search.value = ''
    search.dispatchEvent(new Event('input'))
  })
  // "3 minutes ago" is four by now.
  setInterval(() => { if (!document.hidden) draw() }, 60_000)

  return {
    /** @param {Lists} next */
    show (next) {
      lists = next
      draw()
    }
  }
}

/**
 * @param {HTMLElement} section
 * @param {(entry: Entry) => Card} make
 */
function makeShelf (section, make) {
  const list = /** @type {HTMLElement} */ (section.querySelector('ul'))
  const number = /** @type {HTMLElement} */ (section.querySelector('.number'))
  const more = element('button', 'button button-more')
  more.type = 'button'
  section.append(more)
  /** @type {Map<string, Card>} by name */
  let cards = new Map()
  let most = PAGE
  /** @type {readonly Entry[]} */
  let shown = []

  /** @param {readonly Entry[]} entries @param {number} now */
  const show = (entries, now) => {
    shown = entries
    section.hidden = entries.length === 0
    write(number, String(entries.length))
    /** @type {Map<string, Card>} */
    const next = new Map()
    let at = list.firstElementChild
    for (const entry of entries.slice(0, most)) {
      const card = cards.get(entry.name) ?? make(entry)
      next.set(entry.name, card)
      card.show(entry, now)
      // What is in its place is not touched: moving it would take the focus away.
      if (card.item === at) at = at.nextElementSibling
      else list.insertBefore(card.item, at)
    }
    for (const [name, card] of cards) if (!next.has(name)) card.item.remove()
    cards = next
    more.hidden = entries.length <= most
    write(more, `Show ${Math.min(PAGE, entries.length - most)} more`)
  }

  more.addEventListener('click', () => {
    const before = most
    most += PAGE
    show(shown, Date.now() / 1000)
    // The button may be gone; who uses the keyboard goes on with the first new one.
    const first = list.children[before]?.querySelector('a')
    if (more.hidden || document.activeElement === more) first?.focus({ preventScroll: true })
  })
  return { show }
}
