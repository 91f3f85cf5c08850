/**
 * The front page: what is live and what was recorded, searched as one types, changing as it happens. The stage
 * (`demo.js`, with the player) stands above it where one stream is asked for, or is all there is; only then it is loaded.
 */

import { makeCard } from './front/card.js'
import { entries, staged } from './front/catalog.js'
import { makeDownload } from './front/download.js'
import { makeListing } from './front/listing.js'
import { follow } from './front/news.js'

/** @typedef {import('./front/news.js').State} State */

/** @template {HTMLElement} [T=HTMLElement] @param {string} id @returns {T} */
const $ = id => /** @type {T} */ (document.getElementById(id))

const query = new URLSearchParams(location.search)
const search = /** @type {HTMLInputElement} */ ($('search'))
search.value = query.get('q') ?? ''

/** @type {State | null} */
let last = null
/** @type {typeof import('./demo.js') | null} */
let stage = null
/** @type {Promise<void> | null} */
let staging = query.has('stream') ? begin() : null

const listing = makeListing(
  { live: $('live'), recordings: $('recordings'), search, said: $('said'), nothing: $('nothing') },
  entry => makeCard(entry, {
    posters: last?.site.posters === true,
    download: last?.site.downloads === true ? makeDownload : null
  })
)

async function begin () {
  view('stage')
  try {
    stage = await import('./demo.js')
    if (last) stage.look(last.streams)
  } catch {
    staging = null // its code could not be loaded: the next look tries again
  }
}

follow({
  changed (state) {
    const first = last === null || !$('empty').hidden
    last = state
    // Once somebody sees the list it is not pushed away by a stream that happens to be the only one left.
    if (staging === null && first && staged(query.get('stream'), state.streams, state.recordings)) staging = begin()
    stage?.look(state.streams)
    show(state)
  },
  failed () {
    stage?.lost()
    if (last === null && staging === null) view('lost')
  },
  busy: () => staging !== null
})

/** @param {State} state */
function show ({ site, streams, recordings }) {
  const lists = entries(streams, recordings)
  const all = lists.live.length + lists.recordings.length
  // What is on the stage need not be listed below it, unless it is one of many.
  const on = query.get('stream') ?? streams[0]?.name
  const alone = staging !== null && [...lists.live, ...lists.recordings].every(({ name }) => name === on)
  listing.show(alone ? { live: [], recordings: [] } : lists)
  $('finder').hidden = alone || all < 2
  $('alone').hidden = !alone
  for (const link of document.querySelectorAll('.studio')) {
    /** @type {HTMLElement} */ (link).hidden = !site.publish.some(way => way === 'browser' || way === 'whip')
  }
  view(staging !== null ? 'stage' : all === 0 ? 'empty' : 'list')
}

/** @param {'lost' | 'stage' | 'empty' | 'list'} which */
function view (which) {
  $('loading').hidden = true
  $('lost').hidden = which !== 'lost'
  $('stage').hidden = which !== 'stage'
  $('empty').hidden = which !== 'empty'
  $('listing').hidden = which === 'empty' || which === 'lost'
  $('title').hidden = which === 'stage'
}
