/** Recordings: named, kept, cut, downloaded, deleted. */

import { bytes } from '../format.js'
import { button } from './desk.js'
import { el, field, keep, row, table, text } from './dom.js'
import { span, when } from './words.js'

/** @typedef {import('./desk.js').Desk} Desk */

/**
 * @typedef {object} Recording as `GET /api/recordings` lists it
 * @property {string} name
 * @property {string} of
 * @property {string} title
 * @property {string} state
 * @property {number} started
 * @property {number} duration
 * @property {number} bytes
 * @property {number} lost
 * @property {boolean} kept
 */

const COLUMNS = ['Recording', 'When', 'Length', 'Size', 'Keep', '']
const STATES = /** @type {Record<string, string>} */ ({
  recording: 'Recording now', finishing: 'Being finished', incomplete: 'Not whole', ready: ''
})

/** @param {Desk} desk @returns {import('./desk.js').Section} */
export function recordings (desk) {
  const { body, element } = table('Recordings', COLUMNS)
  const none = el('p', { className: 'none' }, 'No recording yet: turn on Record for a stream.')
  return {
    element: el('section', { 'aria-labelledby': 'recordings-title' },
      el('h2', { id: 'recordings-title' }, 'Recordings'), none, element),
    async refresh () {
      /** @type {{ recordings: Recording[] }} */
      const found = await desk.api.get('/api/recordings')
      none.hidden = found.recordings.length > 0
      element.hidden = found.recordings.length === 0
      keep(body, found.recordings, recording => recording.name, recording => one(desk, recording))
    }
  }
}

/** @param {Desk} desk @param {Recording} first */
function one (desk, first) {
  const name = first.name
  const path = `/api/recordings/${encodeURIComponent(name)}`
  const link = el('a', { href: `/watch/${encodeURIComponent(name)}` })
  const said = el('span', { className: 'said' })
  const started = el('span'), length = el('span'), size = el('span')
  const toggle = el('button', { type: 'button', className: 'switch', role: 'switch', 'aria-label': `Keep ${name}` }, el('span'))
  toggle.addEventListener('click', () => desk.work(toggle, async () => {
    const kept = toggle.getAttribute('aria-checked') !== 'true'
    await desk.api.ask('PATCH', path, { kept })
    return kept ? `${name} is kept, however old it gets.` : `${name} goes when it is old enough.`
  }))
  let title = first.title
  const rename = button('Rename', () => {
    const input = el('input', { value: title, maxLength: 200, autocomplete: 'off' })
    const save = el('button', { type: 'submit', className: 'button' }, 'Save')
    const dialog = el('dialog', { className: 'question', 'aria-label': name })
    const close = () => dialog.remove()
    const wrong = el('p', { className: 'bad', role: 'alert' })
    const form = el('form', { className: 'form' }, field(`Title of ${name}`, input), wrong,
      el('p', { className: 'actions' }, button('Cancel', close), save))
    form.addEventListener('submit', event => {
      event.preventDefault()
      desk.work(save, async () => {
        await desk.api.ask('PATCH', path, { title: input.value.trim() })
        close()
        return 'Renamed.'
      }, wrong)
    })
    dialog.addEventListener('close', close)
    dialog.append(form)
    document.body.append(dialog)
    dialog.showModal()
  }, name)
  const cut = button('Export', () => exporting(desk, name, path), name)
  const remove = button('Delete', made => desk.work(made, async () => {
    if (!await desk.sure(`Delete ${title || name} for good?`, 'Delete')) return
    await desk.api.ask('DELETE', path)
    return `${title || name} is deleted.`
  }), name)
  return {
    element: row(COLUMNS, [
      el('div', {}, link, said), started, length, size, toggle, el('div', { className: 'actions' }, rename, cut, remove)
    ]),
    /** @param {Recording} recording */
    update (recording) {
      title = recording.title
      text(link, title || name)
      const lost = recording.lost > 0 ? `${span(recording.lost)} could not be written` : ''
      text(said, [STATES[recording.state] ?? recording.state, lost].filter(Boolean).join('; '))
      text(started, when(recording.started, Date.now() / 1000))
      text(length, span(recording.duration))
      text(size, bytes(recording.bytes))
      toggle.setAttribute('aria-checked', String(recording.kept))
      cut.hidden = remove.hidden = false
    }
  }
}

/** Whole, or from and to. @param {Desk} desk @param {string} name @param {string} path */
function exporting (desk, name, path) {
  const format = el('select', {}, el('option', { value: 'mp4' }, 'MP4'), el('option', { value: 'webm' }, 'WebM'))
  const from = el('input', { inputMode: 'decimal', autocomplete: 'off', placeholder: '0' })
  const to = el('input', { inputMode: 'decimal', autocomplete: 'off', placeholder: 'end' })
  const go = el('button', { type: 'submit', className: 'button' }, 'Export')
  const dialog = el('dialog', { className: 'question', 'aria-label': name })
  const wrong = el('p', { className: 'bad', role: 'alert' })
  const form = el('form', { className: 'form' }, el('p', {}, `Export ${name} as one file, as it is.`),
    field('Format', format), field('From', from, 'Seconds, or 1:02:03; empty: the beginning.'), field('To', to, 'Empty: the end.'), wrong,
    el('p', { className: 'actions' }, button('Cancel', () => dialog.remove()), go))
  form.addEventListener('submit', event => {
    event.preventDefault()
    desk.work(go, async () => {
      const range = { ...at('from', from.value), ...at('to', to.value) }
      await desk.api.ask('POST', `${path}/exports`, { format: format.value, ...range })
      dialog.remove()
      return 'It is under Tasks.'
    }, wrong)
  })
  dialog.addEventListener('close', () => dialog.remove())
  dialog.append(form)
  document.body.append(dialog)
  dialog.showModal()
}

/** @param {string} key @param {string} given `83`, `1:23` or `1:02:03.5` */
export function at (key, given) {
  const words = given.trim()
  if (words === '') return {}
  if (!/^(\d+:){0,2}\d+(\.\d+)?$/.test(words)) throw new Error(`“${words}” is no time: seconds, or 1:02:03.`)
  return { [key]: words.split(':').reduce((sum, part) => sum * 60 + Number(part), 0) }
}
