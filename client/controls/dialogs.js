/** What opens over the picture and takes the keyboard: sharing, and the list of keys. */

import { clock } from './clock.js'
import { button, make, write } from './dom.js'
import { HELP } from './keys.js'
import { frameCode, link, scriptCode } from './share-code.js'

/** For how long a button says that it copied, ms. */
const SAID = 2000

/**
 * @param {string} id
 * @param {string} title
 * @param {...(Node | string)} content
 */
function dialog (id, title, ...content) {
  const made = make('dialog', { class: `dialog ${id}`, 'aria-labelledby': `${id}-title` })
  made.append(
    make('div', { class: 'dialog-head' },
      make('h2', { id: `${id}-title`, text: title }), button('close', 'Close', () => made.close())),
    ...content
  )
  // A press beside it: its own box ends where its content does.
  made.addEventListener('click', event => { if (event.target === made) made.close() })
  return made
}

/**
 * @param {() => import('./share-code.js').Shared} shared
 * @param {() => number | null} position where a link may begin, seconds; null: it is live
 * @param {(text: string) => void} say
 */
export function shareDialog (shared, position, say) {
  const address = make('input', { type: 'text', readonly: true, id: 'share-link', 'aria-label': 'Link', spellcheck: 'false' })
  const from = make('input', { type: 'checkbox', id: 'share-from' })
  const fromText = make('span')
  const fromRow = make('label', { class: 'check' }, from, fromText)
  const code = make('textarea', { readonly: true, id: 'share-code', 'aria-label': 'Code for another website', rows: '5', spellcheck: 'false' })
  const way = (/** @type {string} */ value, /** @type {string} */ label, /** @type {boolean} */ checked) => make('label', { class: 'check' },
    make('input', { type: 'radio', name: 'embed', value, checked, onchange: () => fill() }), label)
  const ways = make('fieldset', {}, make('legend', { text: 'Put it on a website' }), way('script', 'Script', true), way('frame', 'Frame', false))
  const copyLink = copier(address, 'Copy link', say)
  const copyCode = copier(code, 'Copy code', say)
  const hand = make('button', { type: 'button', class: 'text-button', text: 'Share with an app …', hidden: typeof navigator.share !== 'function' })
  hand.addEventListener('click', () => {
    // Refused, or put away: nothing was shared, and whoever did it knows.
    navigator.share({ title: shared().title, url: address.value }).catch(() => {})
  })
  const made = dialog('share', 'Share',
    make('div', { class: 'field' }, address, copyLink), fromRow,
    ways, make('div', { class: 'field' }, code, copyCode), hand)

  let at = 0
  const fill = () => {
    const now = shared()
    address.value = link(now, from.checked ? at : 0)
    code.value = ways.querySelector('input')?.checked ? scriptCode(now) : frameCode(now)
  }
  from.addEventListener('change', fill)
  return {
    element: made,
    open () {
      const found = position()
      at = found ?? 0
      from.checked = false
      fromRow.hidden = found === null || found < 1
      write(fromText, `Start at ${clock(at)}`)
      fill()
      made.showModal()
    }
  }
}

/**
 * @param {HTMLInputElement | HTMLTextAreaElement} field
 * @param {string} label
 * @param {(text: string) => void} say
 */
function copier (field, label, say) {
  const made = make('button', { type: 'button', class: 'text-button', text: label })
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer
  made.addEventListener('click', async () => {
    const copied = await copy(field)
    // The keyboard's own way is left: the text is selected.
    write(made, copied ? 'Copied' : 'Press Ctrl+C')
    say(copied ? 'Copied' : 'Selected: press Control C to copy')
    clearTimeout(timer)
    timer = setTimeout(() => write(made, label), SAID)
  })
  field.addEventListener('focus', () => field.select())
  return made
}

/** @param {HTMLInputElement | HTMLTextAreaElement} field @returns {Promise<boolean>} */
async function copy (field) {
  try {
    await navigator.clipboard.writeText(field.value)
    return true
  } catch {
    // Not over plain HTTP, nor in a frame that was not given it: the old way needs a press only.
    field.focus()
    field.select()
    return document.execCommand('copy')
  }
}

/** The list of keys. */
export function helpDialog () {
  const rows = HELP.map(([keys, does]) => make('div', {},
    make('dt', {}, ...keys.flatMap((key, i) => [i > 0 ? ' ' : '', make('kbd', { text: key })])), make('dd', { text: does })))
  const made = dialog('help', 'Keyboard', make('dl', {}, ...rows))
  return { element: made, open: () => made.showModal() }
}
