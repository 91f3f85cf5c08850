/** Streams: what is live and from where; to be begun, recorded, restarted, ended. */

import { source, trouble } from './words.js'
import { button } from './desk.js'
import { el, field, keep, row, table, text } from './dom.js'

/** @typedef {import('./desk.js').Desk} Desk */
/** @typedef {import('./words.js').Made} Made */

/**
 * @typedef {object} Line one stream, from all that tells of it
 * @property {string} name
 * @property {boolean} onAir
 * @property {number} viewers
 * @property {number} segments
 * @property {{ protocol: string, since: number }} [publishing]
 * @property {Made} [made]
 * @property {boolean | null} recording whether it is to be recorded; null: it cannot be
 */

const COLUMNS = ['Stream', 'From', 'Viewers', 'Record', '']

/** @param {Desk} desk @returns {import('./desk.js').Section} */
export function streams (desk) {
  const { body, element } = table('Streams', COLUMNS)
  const none = el('p', { className: 'none' }, 'No stream is there. Begin one below, or give somebody a key.')
  /** Recordings are listed by themselves. @param {any} stream */
  const isStream = stream => stream.live || !stream.isRecording

  async function refresh () {
    const { api } = desk
    const [found, made, recordings] = await Promise.all([
      api.get('/api/streams'), api.get('/api/ingests'), api.get('/api/recordings')
    ])
    const recorded = new Set(recordings.recordings.map((/** @type {any} */ recording) => recording.name))
    /** @type {Map<string, Line>} */
    const lines = new Map()
    for (const stream of found.streams) {
      if (!recorded.has(stream.name) && isStream(stream)) lines.set(stream.name, { ...stream, recording: null })
    }
    for (const [name, ingest] of Object.entries(made.ingests)) {
      const line = lines.get(name) ?? { name, onAir: false, viewers: 0, segments: 0, recording: null }
      lines.set(name, { ...line, made: /** @type {Made} */ (ingest) })
    }
    await Promise.all([...lines.values()].map(async line => {
      line.recording = await api.get(`/api/streams/${encodeURIComponent(line.name)}/recording`)
        .then(answer => answer.on === true, () => null)
    }))
    const all = [...lines.values()].sort((a, b) => a.name.localeCompare(b.name))
    none.hidden = all.length > 0
    element.hidden = all.length === 0
    keep(body, all, line => line.name, line => one(desk, line))
  }

  return {
    element: el('section', { 'aria-labelledby': 'streams-title' },
      el('h2', { id: 'streams-title' }, 'Streams'), none, element, beginning(desk)),
    refresh
  }
}

/** @param {Desk} desk @param {Line} first */
function one (desk, first) {
  const name = first.name
  const path = `/api/streams/${encodeURIComponent(name)}`
  const badge = el('span', { className: 'badge' })
  const from = el('span'), said = el('span', { className: 'said' })
  const viewers = el('span')
  const toggle = el('button', {
    type: 'button', className: 'switch', role: 'switch', 'aria-label': `Record ${name}`
  }, el('span'))
  toggle.addEventListener('click', () => desk.work(toggle, async () => {
    const on = toggle.getAttribute('aria-checked') !== 'true'
    await desk.api.ask('PUT', `${path}/recording`, { on })
    return on ? `${name} is being recorded.` : `${name} is not recorded any more.`
  }))
  const cut = button('Cut off', made => desk.work(made, async () => {
    if (!await desk.sure(`Cut off who publishes ${name}? Their encoder may come back at once: revoke its key for good.`, 'Cut off')) return
    await desk.api.ask('DELETE', `${path}/publisher`)
    return `${name}: the publisher is cut off.`
  }), name)
  const restart = button('Restart', made => desk.work(made, async () => {
    await desk.api.ask('POST', `${path}/restart`)
    return `${name} begins anew.`
  }), name)
  const stop = button('Stop', made => desk.work(made, async () => {
    if (!await desk.sure(`Stop ${name}? Viewers see what is listed now to its end.`, 'Stop')) return
    await desk.api.ask('DELETE', path)
    return `${name} is stopped.`
  }), name)
  const element = row(COLUMNS, [
    el('div', {}, el('a', { href: `/watch/${encodeURIComponent(name)}` }, name), ' ', badge),
    el('div', {}, from, said), viewers, toggle, el('div', { className: 'actions' }, cut, restart, stop)
  ])
  /** @param {Line} line */
  function update (line) {
    text(badge, line.onAir ? 'Live' : 'Off air')
    badge.classList.toggle('live', line.onAir)
    text(from, source(line.made, line.publishing, Date.now() / 1000))
    text(said, trouble(line.made))
    text(viewers, String(line.viewers))
    toggle.hidden = line.recording === null
    toggle.setAttribute('aria-checked', String(line.recording === true))
    cut.hidden = line.publishing === undefined
    restart.hidden = stop.hidden = line.made === undefined || line.publishing !== undefined
  }
  return { element, update }
}

/** @param {Desk} desk */
function beginning (desk) {
  const name = el('input', { required: true, maxLength: 64, autocomplete: 'off', spellcheck: false })
  const input = el('input', { required: true, autocomplete: 'off', spellcheck: false })
  const go = el('button', { type: 'submit', className: 'button' }, 'Begin')
  const form = el('form', { className: 'form' }, field('Name', name), field('Input', input, 'A URL or file that --api-input allows.'), go)
  form.addEventListener('submit', event => {
    event.preventDefault()
    desk.work(go, async () => {
      const begun = await desk.api.ask('POST', '/api/streams', { name: name.value.trim(), input: input.value.trim() })
      form.reset()
      return `${begun.name} begins.`
    })
  })
  return el('details', {}, el('summary', {}, 'Begin a stream from an input'), form)
}
