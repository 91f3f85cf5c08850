/** Keys: who may publish. A key is shown once, when it is made. */

import { button, copying } from './desk.js'
import { el, field, keep, row, table, text } from './dom.js'
import { when } from './words.js'

/** @typedef {import('./desk.js').Desk} Desk */

/**
 * @typedef {object} Key as `GET /api/keys` lists it
 * @property {string} id
 * @property {string} stream
 * @property {string} label
 * @property {number} created
 * @property {number | null} expires
 * @property {number | null} lastUsed
 * @property {{ protocol: string, address: string, since: number } | null} publishing
 */

const COLUMNS = ['Key for', 'Label', 'Last used', 'Expires', '']
/** Words of the API's for lifetimes, and ours. */
const LIFETIMES = [['', 'Never'], ['1h', 'In an hour'], ['1d', 'In a day'], ['7d', 'In a week'], ['30d', 'In 30 days']]

/** @param {Desk} desk @returns {import('./desk.js').Section} */
export function keys (desk) {
  const { body, element } = table('Keys', COLUMNS)
  const none = el('p', { className: 'none' }, 'No key yet: nobody can publish by one.')
  const shown = el('div', { className: 'shown', role: 'status' })

  /** @param {{ stream: string, key: string }} made */
  function show (made) {
    const value = el('output', { className: 'secret' }, made.key)
    shown.replaceChildren(el('p', {}, `The key for ${made.stream}. It is shown this once:`), value,
      el('p', { className: 'actions' }, copying(made.key, 'the key'), button('Done', () => shown.replaceChildren())))
  }

  return {
    element: el('section', { 'aria-labelledby': 'keys-title' },
      el('h2', { id: 'keys-title' }, 'Stream keys'), none, element, shown, making(desk, show)),
    async refresh () {
      /** @type {{ keys: Key[] }} */
      const found = await desk.api.get('/api/keys')
      none.hidden = found.keys.length > 0
      element.hidden = found.keys.length === 0
      keep(body, found.keys, key => key.id, key => one(desk, key, show))
    }
  }
}

/** @param {Desk} desk @param {Key} first @param {(made: { stream: string, key: string }) => void} show */
function one (desk, first, show) {
  const path = `/api/keys/${encodeURIComponent(first.id)}`
  const of = first.label ? `${first.stream}, ${first.label}` : first.stream
  const used = el('span'), until = el('span')
  const rotate = button('Renew', made => desk.work(made, async () => {
    if (!await desk.sure(`Renew the key for ${of}? The old one does not open anything any more; who publishes by it is cut off.`, 'Renew')) return
    show(await desk.api.ask('POST', `${path}/rotate`, {}))
  }), of)
  const revoke = button('Revoke', made => desk.work(made, async () => {
    if (!await desk.sure(`Revoke the key for ${of}? Who publishes by it is cut off.`, 'Revoke')) return
    await desk.api.ask('DELETE', path)
    return `The key for ${of} is revoked.`
  }), of)
  return {
    element: row(COLUMNS, [first.stream, first.label, used, until, el('div', { className: 'actions' }, rotate, revoke)]),
    /** @param {Key} key */
    update (key) {
      const now = Date.now() / 1000
      text(used, key.publishing ? `now, ${key.publishing.protocol.toUpperCase()} from ${key.publishing.address}` : when(key.lastUsed, now))
      text(until, when(key.expires, now))
    }
  }
}

/** @param {Desk} desk @param {(made: { stream: string, key: string }) => void} show */
function making (desk, show) {
  const stream = el('input', { required: true, maxLength: 64, autocomplete: 'off', spellcheck: false })
  const label = el('input', { maxLength: 64, autocomplete: 'off' })
  const expires = el('select', {}, ...LIFETIMES.map(([value, words]) => el('option', { value }, words ?? '')))
  const go = el('button', { type: 'submit', className: 'button' }, 'Make a key')
  const form = el('form', { className: 'form' },
    field('Stream', stream), field('Label', label, 'For you: whose it is.'), field('Expires', expires), go)
  form.addEventListener('submit', event => {
    event.preventDefault()
    desk.work(go, async () => {
      const asked = { stream: stream.value.trim(), label: label.value.trim() }
      show(await desk.api.ask('POST', '/api/keys', expires.value ? { ...asked, expires: expires.value } : asked))
      form.reset()
    })
  })
  return el('details', {}, el('summary', {}, 'Make a key'), form)
}
