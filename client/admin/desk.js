/** What every section is lent: the API, a voice, a question. */

import { el, text } from './dom.js'

/**
 * @typedef {object} Desk
 * @property {import('./api.js').Api} api
 * @property {(text: string, bad?: boolean) => void} say a line for who looks, and for who listens
 * @property {(question: string, yes: string) => Promise<boolean>} sure
 * @property {(button: HTMLButtonElement, work: () => Promise<string | void>, wrong?: HTMLElement) => Promise<void>} work
 *   a button's: one at a time, its line said, its error too (in `wrong`, if given); then everything is looked at again
 */

/**
 * @typedef {object} Section
 * @property {HTMLElement} element
 * @property {() => Promise<void>} refresh
 */

/** A line stays so long, ms: to be read twice. */
const READ_MS = 8000

/** @param {HTMLElement} place */
export function voice (place) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let fading
  return (/** @type {string} */ line, bad = false) => {
    clearTimeout(fading)
    text(place, line)
    place.classList.toggle('bad', bad)
    if (!bad) fading = setTimeout(() => text(place, ''), READ_MS)
  }
}

/**
 * @param {string} question
 * @param {string} yes what the button says
 * @returns {Promise<boolean>}
 */
export function sure (question, yes) {
  return new Promise(resolve => {
    const words = el('p', { id: 'question' }, question)
    const dialog = el('dialog', { className: 'question', 'aria-labelledby': 'question' }, words)
    const answer = (/** @type {boolean} */ value) => () => { resolve(value); dialog.remove() }
    const no = el('button', { type: 'button', className: 'quiet', onclick: answer(false) }, 'Cancel')
    dialog.append(el('p', { className: 'actions' }, no,
      el('button', { type: 'button', className: 'danger', onclick: answer(true) }, yes)))
    dialog.addEventListener('cancel', answer(false))
    document.body.append(dialog)
    dialog.showModal()
    no.focus()
  })
}

/**
 * @param {string} label
 * @param {(button: HTMLButtonElement) => void} onclick
 * @param {string} [of] what it is for, for who hears it alone
 * @param {string} [look]
 */
export function button (label, onclick, of = '', look = 'quiet') {
  const made = el('button', { type: 'button', className: look }, el('span', {}, label))
  if (of) made.append(el('span', { className: 'unseen' }, ` ${of}`))
  made.addEventListener('click', () => onclick(made))
  return made
}

/** Another label. @param {HTMLElement} button made by `button` @param {string} label */
export function relabel (button, label) {
  if (button.firstElementChild) text(button.firstElementChild, label)
}

/** @param {string} value @param {string} what */
export function copying (value, what) {
  return button('Copy', async made => {
    await navigator.clipboard.writeText(value).then(() => relabel(made, 'Copied'), () => relabel(made, 'Select it by hand'))
    setTimeout(() => relabel(made, 'Copy'), 2000)
  }, what)
}
