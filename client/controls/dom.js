/** Elements of the controls. Names and titles come from strangers: text is text, everywhere. */

import { ICONS } from './icons.js'

const SVG = 'http://www.w3.org/2000/svg'

/**
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Record<string, string | boolean | ((event: any) => void)>} [given] attributes; `text`; `on…`: listeners. False: left out
 * @param {...(Node | string)} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function make (tag, given = {}, ...children) {
  const made = document.createElement(tag)
  for (const [name, value] of Object.entries(given)) {
    if (typeof value === 'function') made.addEventListener(name.slice(2), value)
    else if (name === 'text') made.textContent = String(value)
    else if (value !== false) made.setAttribute(name, value === true ? '' : value)
  }
  made.append(...children)
  return made
}

/** @typedef {keyof typeof ICONS} IconName */

/** @param {IconName} name */
export function icon (name) {
  const svg = document.createElementNS(SVG, 'svg')
  svg.setAttribute('viewBox', '0 0 24 24')
  svg.setAttribute('class', 'icon')
  svg.setAttribute('aria-hidden', 'true')
  draw(svg, name)
  return svg
}

/** @param {SVGSVGElement} svg @param {IconName} name */
function draw (svg, name) {
  if (svg.dataset.name === name) return
  svg.dataset.name = name
  const { fill = '', line = '', text = '' } = /** @type {{ fill?: string, line?: string, text?: string }} */ (ICONS[name])
  svg.replaceChildren(...[['fill', fill], ['line', line]].filter(([, d]) => d).map(([kind = '', d = '']) => {
    const path = document.createElementNS(SVG, 'path')
    path.setAttribute('class', kind)
    path.setAttribute('d', d)
    return path
  }))
  if (text === '') return
  const label = document.createElementNS(SVG, 'text')
  label.setAttribute('x', '12')
  label.setAttribute('y', '15.4')
  label.textContent = text
  svg.append(label)
}

/**
 * A round button with a picture; its name is its tooltip, too.
 * @param {IconName} name
 * @param {string} label
 * @param {(event: MouseEvent) => void} press
 * @param {string} [kind]
 */
export const button = (name, label, press, kind = '') =>
  make('button', { type: 'button', class: `button ${kind}`, 'aria-label': label, title: label, onclick: press }, icon(name))

/** What a button shows and is called now. Only what changes touches the page. @param {HTMLElement} element @param {IconName} name @param {string} label */
export function look (element, name, label) {
  const svg = element.querySelector('svg')
  if (svg) draw(svg, name)
  set(element, 'aria-label', label)
  set(element, 'title', label)
}

/** @param {Element} element @param {string} name @param {string | null} value null: without it */
export function set (element, name, value) {
  if (element.getAttribute(name) === value) return
  if (value === null) element.removeAttribute(name)
  else element.setAttribute(name, value)
}

/** @param {Element} element @param {string} value */
export function write (element, value) {
  if (element.textContent !== value) element.textContent = value
}
