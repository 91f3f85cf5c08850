/** Elements without markup: names come from strangers, so all text is text. */

/**
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Record<string, any>} [props] properties; those with a dash, `role` and `for` are attributes
 * @param {...(Node | string | null)} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function el (tag, props = {}, ...children) {
  const element = document.createElement(tag)
  for (const [name, value] of Object.entries(props)) {
    if (name.includes('-') || name === 'role' || name === 'for' || name === 'colspan') element.setAttribute(name, value)
    else Object.assign(element, { [name]: value })
  }
  element.append(...children.filter(child => child !== null))
  return element
}

/** Only what changes touches the page. @param {Element} element @param {string} value */
export function text (element, value) {
  if (element.textContent !== value) element.textContent = value
}

/**
 * Keeps one element for each item, in their order, so that what has the focus keeps it.
 *
 * @template T
 * @param {HTMLElement} parent
 * @param {readonly T[]} items
 * @param {(item: T) => string} keyOf
 * @param {(item: T) => { element: HTMLElement, update: (item: T) => void }} make
 */
export function keep (parent, items, keyOf, make) {
  const rows = known(parent)
  const wanted = new Set(items.map(keyOf))
  for (const [key, row] of rows) {
    if (wanted.has(key)) continue
    row.element.remove()
    rows.delete(key)
  }
  items.forEach((item, index) => {
    const key = keyOf(item)
    let row = rows.get(key)
    if (row === undefined) rows.set(key, row = make(item))
    row.update(item)
    if (parent.children[index] !== row.element) parent.insertBefore(row.element, parent.children[index] ?? null)
  })
}

/** @type {WeakMap<HTMLElement, Map<string, { element: HTMLElement, update: (item: any) => void }>>} */
const kept = new WeakMap()

/** @param {HTMLElement} parent */
function known (parent) {
  const rows = kept.get(parent) ?? new Map()
  kept.set(parent, rows)
  return rows
}

/**
 * A table of a section.
 *
 * @param {string} caption for who does not see its heading
 * @param {readonly string[]} columns
 */
export function table (caption, columns) {
  const body = el('tbody')
  const head = el('tr', {}, ...columns.map(name => name === ''
    ? el('td')
    : el('th', { scope: 'col' }, name)))
  return { body, element: el('table', {}, el('caption', { className: 'unseen' }, caption), el('thead', {}, head), body) }
}

/**
 * A row of it: the first cell is its heading.
 *
 * @param {readonly string[]} columns
 * @param {readonly (Node | string)[]} cells
 */
export function row (columns, cells) {
  return el('tr', {}, ...cells.map((cell, index) => index === 0
    ? el('th', { scope: 'row' }, cell)
    : el('td', { 'data-label': columns[index] ?? '' }, cell)))
}

/**
 * A labelled field.
 *
 * @param {string} label
 * @param {HTMLInputElement | HTMLSelectElement} input
 * @param {string} [hint]
 */
export function field (label, input, hint = '') {
  input.id ||= `field-${count += 1}`
  const said = hint === '' ? null : el('span', { className: 'hint', id: `${input.id}-hint` }, hint)
  if (said) input.setAttribute('aria-describedby', said.id)
  return el('div', { className: 'field' }, el('label', { for: input.id }, label), input, said)
}
let count = 0
