/** One stream or recording in a list. Its names are anybody's: text, never markup. */

import { bytes } from '../format.js'
import { element, write } from './element.js'
import { showPoster } from './pictures.js'
import { ago, clock, exactly, spoken } from './when.js'

/** @typedef {import('./catalog.js').Entry} Entry */

/**
 * @typedef {object} Card
 * @property {HTMLLIElement} item
 * @property {(entry: Entry, now: number) => void} show `now`: Unix seconds
 */

/**
 * @param {Entry} first
 * @param {object} means
 * @param {boolean} means.posters whether the server has them
 * @param {((name: string, title: string) => HTMLElement) | null} means.download makes the button; null: nobody may
 * @returns {Card}
 */
export function makeCard (first, { posters, download }) {
  const link = element('a', 'card-link')
  link.href = `/watch/${encodeURIComponent(first.name)}`
  const heading = element('h3', 'card-title', link)
  const badge = element('span', 'tag')
  const length = element('span', 'tag tag-length')
  const shown = element('span')
  shown.setAttribute('aria-hidden', 'true')
  const read = element('span', 'sr')
  length.append(shown, read)
  const letter = element('span', 'card-letter')
  letter.setAttribute('aria-hidden', 'true')
  const thumb = element('div', 'card-thumb', letter, badge, length)
  const when = element('time')
  const [under, viewers, size] = [element('span'), element('span', 'short'), element('span', 'short')]
  const facts = [under, viewers, element('span', 'short', when), size]
  const meta = element('p', 'meta')
  const text = element('div', 'card-text', meta)
  // The title comes first for who listens, the picture for who looks.
  const item = element('li', 'card', heading, thumb, text)
  thumb.style.setProperty('--hue', String(hue(first.name)))
  if (posters) showPoster(first.name, first.live, thumb)
  let offered = false

  /** @param {Entry} entry @param {number} now */
  const show = (entry, now) => {
    write(link, entry.title)
    write(letter, [...entry.title.trim()][0]?.toUpperCase() ?? '')
    write(badge, entry.live ? 'Live' : entry.away ? 'Off air' : entry.running ? 'Recording now' : '')
    badge.classList.toggle('tag-live', entry.live || entry.running)
    write(shown, entry.duration > 0 ? clock(entry.duration) : '')
    write(read, entry.duration > 0 ? spoken(entry.duration) : '')
    write(under, entry.under)
    write(viewers, entry.viewers > 0 ? `${entry.viewers} watching` : '')
    if (entry.started > 0) {
      write(when, `${entry.live ? 'began ' : ''}${ago(entry.started, now)}`)
      when.dateTime = new Date(entry.started * 1000).toISOString()
      when.title = exactly(entry.started)
    }
    write(size, entry.bytes > 0 ? bytes(entry.bytes) : '')
    const said = facts.filter(each => each.textContent !== '')
    const same = said.length === meta.childElementCount && said.every((each, i) => each === meta.children[i])
    if (!same) meta.replaceChildren(...said.flatMap(each => [each, ' ']))
    for (const each of [badge, length]) each.hidden = each.textContent === ''
    if (entry.whole && download !== null && !offered) {
      offered = true
      text.append(download(entry.name, entry.title))
    }
  }
  return { item, show }
}

/** @param {string} name @returns {number} 0..359, the same for a name always */
function hue (name) {
  let sum = 0
  for (const char of name) sum = (sum * 31 + (char.codePointAt(0) ?? 0)) % 360
  return sum
}
