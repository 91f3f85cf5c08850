/**
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {string} [look] its class
 * @param {...(Node | string)} children text is text, whoever wrote it
 * @returns {HTMLElementTagNameMap[K]}
 */
export function element (tag, look = '', ...children) {
  const made = document.createElement(tag)
  if (look) made.className = look
  made.append(...children)
  return made
}

/** Only what changes touches the page. @param {Element} where @param {string} value */
export function write (where, value) {
  if (where.textContent !== value) where.textContent = value
}
