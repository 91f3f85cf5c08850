/**
 * The settings: a menu whose entries switch something, or lead to a list of choices. Arrow keys go through it, Escape and
 * the left arrow lead back; the focus returns to where it came from.
 */

import { icon, make, set } from './dom.js'

/**
 * @typedef {object} Entry
 * @property {string} label
 * @property {'list' | 'switch' | 'plain'} kind
 * @property {string} [now] what is chosen, as text
 * @property {boolean} [on] of a switch
 * @property {boolean} [fixed] it cannot be changed
 * @property {() => import('./choices.js').Choice[]} [choices] of a list
 * @property {(value: number) => void} act a switch, and what is plain: with 0
 */

/**
 * @param {HTMLElement} opener the button it belongs to
 * @param {() => Entry[]} entries
 */
export function menu (opener, entries) {
  const box = make('div', { class: 'menu', role: 'menu', 'aria-label': 'Settings', hidden: true, id: 'settings' })
  /** The label of the list that is shown; '': the settings. */
  let page = ''
  set(opener, 'aria-haspopup', 'menu')
  set(opener, 'aria-expanded', 'false')
  set(opener, 'aria-controls', 'settings')

  const items = () => /** @type {HTMLElement[]} */ ([...box.querySelectorAll('[role^=menuitem]')])

  /** @param {number} index */
  const focus = index => {
    const all = items()
    const at = all[(index + all.length) % all.length]
    for (const item of all) item.tabIndex = item === at ? 0 : -1
    at?.focus()
  }

  /** @param {string} next @param {string} [focused] the label of the entry to begin at */
  const show = (next, focused) => {
    page = next
    const all = entries()
    const entry = all.find(({ label }) => label === page)
    set(box, 'aria-label', entry ? entry.label : 'Settings')
    box.replaceChildren(...entry ? list(entry) : all.map(row))
    const at = items().findIndex(item => focused === undefined
      ? item.getAttribute('aria-checked') === 'true' && entry !== undefined
      : item.dataset.label === focused)
    focus(Math.max(0, at))
  }

  /** @param {Entry} entry */
  const row = ({ label, kind, now = '', on = false, fixed = false, act }) => {
    const parts = [make('span', { class: 'label', text: label })]
    if (kind === 'list') parts.push(make('span', { class: 'now', text: now }))
    const item = make('button', {
      type: 'button',
      role: kind === 'switch' ? 'menuitemcheckbox' : 'menuitem',
      class: `item ${kind === 'list' ? 'leads' : ''}`,
      'data-label': label,
      'aria-checked': kind === 'switch' && String(on),
      'aria-haspopup': kind === 'list' && 'menu',
      'aria-disabled': fixed && 'true',
      onclick: () => {
        if (fixed) return
        if (kind === 'list') return show(label)
        act(0)
        if (kind === 'switch') show('', label)
        else close()
      }
    }, ...parts)
    if (kind === 'list') item.append(icon('further'))
    if (kind === 'switch') item.append(make('span', { class: 'switch' }))
    return item
  }

  /** @param {Entry} entry */
  const list = ({ label, choices = () => [], act }) => [
    make('button', { type: 'button', role: 'menuitem', class: 'item up', 'aria-label': `Back to the settings, from ${label}`, onclick: () => show('', label) },
      icon('up'), make('span', { class: 'label', text: label })),
    ...choices().map(({ label: name, value, on }) => make('button', {
      type: 'button',
      role: 'menuitemradio',
      class: 'item choice',
      'aria-checked': String(on),
      onclick: () => {
        act(value)
        show('', label)
      }
    }, icon('on'), make('span', { class: 'label', text: name, dir: 'auto' })))
  ]

  const open = () => {
    box.hidden = false
    set(opener, 'aria-expanded', 'true')
    show('')
  }
  const close = () => {
    if (box.hidden) return
    const inside = box.contains(document.activeElement)
    box.hidden = true
    set(opener, 'aria-expanded', 'false')
    if (inside) opener.focus()
  }

  opener.addEventListener('click', () => box.hidden ? open() : close())
  document.addEventListener('pointerdown', ({ target }) => {
    if (!box.contains(/** @type {Node} */ (target)) && !opener.contains(/** @type {Node} */ (target))) close()
  })
  box.addEventListener('focusout', ({ relatedTarget }) => {
    // The focus has gone elsewhere; lists that replace each other have it nowhere for a moment.
    if (relatedTarget instanceof Node && !box.contains(relatedTarget)) close()
  })
  box.addEventListener('keydown', event => {
    const at = items().indexOf(/** @type {HTMLElement} */ (document.activeElement))
    const back = page !== ''
    const { key } = event
    if (key === 'ArrowDown') focus(at + 1)
    else if (key === 'ArrowUp') focus(at - 1)
    else if (key === 'Home') focus(0)
    else if (key === 'End') focus(-1)
    else if (back && (key === 'Escape' || key === 'ArrowLeft')) show('', page)
    else if (key === 'Escape' || key === 'Tab') close()
    else if (key === 'ArrowRight' && items()[at]?.classList.contains('leads')) items()[at]?.click()
    else return
    if (key !== 'Tab') event.preventDefault()
    event.stopPropagation()
  })

  return { element: box, close, get open () { return !box.hidden } }
}
