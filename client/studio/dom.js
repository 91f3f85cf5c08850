/** The few things every part of the page does to it. */

/** @template {HTMLElement} [T=HTMLElement] @param {string} id @param {new () => T} [_type] what it is @returns {T} */
export const $ = (id, _type) => /** @type {T} */ (document.getElementById(id))

/** Only what changes touches the page: screen readers announce every write to a status. @param {string} id @param {string} value */
export function text (id, value) {
  const element = $(id)
  if (element.textContent !== value) element.textContent = value
}

/** @param {string} id of a select @param {readonly { value: string, label: string }[]} options @param {string} chosen */
export function fill (id, options, chosen) {
  const select = $(id, HTMLSelectElement)
  const key = JSON.stringify(options)
  if (select.dataset.key !== key) {
    select.dataset.key = key
    select.replaceChildren(...options.map(({ value, label }) => new Option(label, value)))
  }
  select.value = options.some(({ value }) => value === chosen) ? chosen : options[0]?.value ?? ''
}

/** @param {string} id @param {() => void} act */
export const onClick = (id, act) => $(id).addEventListener('click', act)
