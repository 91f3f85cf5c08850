/** The server itself: how it is, and its configuration read anew. */

import { button } from './desk.js'
import { el, keep, text } from './dom.js'

/** @param {import('./desk.js').Desk} desk @returns {import('./desk.js').Section} */
export function server (desk) {
  const state = el('p', { className: 'state' })
  const rooms = el('ul', { className: 'rooms' })
  const told = el('div', { className: 'shown', role: 'status' })
  const reload = button('Read the configuration anew', made => desk.work(made, async () => {
    const answer = await desk.api.ask('POST', '/api/reload')
    const applied = answer.applied ?? [], restart = answer.needsRestart ?? []
    told.replaceChildren(
      el('p', {}, applied.length ? `Changed: ${applied.join(', ')}.` : 'Nothing has changed.'),
      ...(restart.length ? [el('p', {}, `Only a restart changes: ${restart.join(', ')}.`)] : []))
  }))
  return {
    element: el('section', { 'aria-labelledby': 'server-title' },
      el('h2', { id: 'server-title' }, 'Server'), state, rooms, told, el('p', { className: 'actions' }, reload)),
    async refresh () {
      // 503 is an answer, too: it says what is wrong
      const response = await fetch('/healthz', { cache: 'no-store' })
      const health = await response.json()
      text(state, health.ok ? 'All is well.' : 'Something is wrong.')
      state.classList.toggle('bad', !health.ok)
      const found = Object.entries(health.rooms).map(([name, room]) => ({ name, .../** @type {any} */ (room) }))
      keep(rooms, found.filter(room => room.detail !== '' || !room.ok), room => room.name, () => {
        const element = el('li')
        return { element, update: room => text(element, `${room.name}: ${room.detail || 'does not work'}`) }
      })
    }
  }
}
