/** Tasks: what is being exported and imported, and what came of it. */

import { button, relabel } from './desk.js'
import { el, keep, row, table, text } from './dom.js'
import { outcome, standing, when } from './words.js'

/** @typedef {import('./words.js').Task} Task */

const COLUMNS = ['Task', 'Asked for', 'How far', '']

/** @param {import('./desk.js').Desk} desk @returns {import('./desk.js').Section} */
export function tasks (desk) {
  const { body, element } = table('Tasks', COLUMNS)
  const none = el('p', { className: 'none' }, 'Nothing is being done behind.')
  return {
    element: el('section', { 'aria-labelledby': 'tasks-title' }, el('h2', { id: 'tasks-title' }, 'Tasks'), none, element),
    async refresh () {
      /** @type {{ tasks: Task[] }} */
      const found = await desk.api.get('/api/tasks')
      none.hidden = found.tasks.length > 0
      element.hidden = found.tasks.length === 0
      const newest = [...found.tasks].sort((a, b) => b.created - a.created)
      keep(body, newest, task => task.id, task => one(desk, task))
    }
  }
}

/** @param {import('./desk.js').Desk} desk @param {Task} first */
function one (desk, first) {
  const asked = el('span'), far = el('span')
  const bar = el('progress', { max: 1, 'aria-label': `${first.kind} of ${first.about}` })
  const link = el('a', { className: 'quiet', download: '' }, 'Download')
  const over = () => first.state !== 'running' && first.state !== 'waiting'
  const cancel = button('Cancel', made => desk.work(made, async () => {
    await desk.api.ask('DELETE', `/api/tasks/${encodeURIComponent(first.id)}`)
    return over() ? 'Forgotten.' : 'Cancelled.'
  }), `${first.kind} of ${first.about}`)
  return {
    element: row(COLUMNS, [
      `${first.kind} · ${first.about}`, asked, el('div', {}, far, bar), el('div', { className: 'actions' }, link, cancel)
    ]),
    /** @param {Task} task */
    update (task) {
      first = task
      text(asked, when(task.created, Date.now() / 1000))
      text(far, standing(task))
      bar.hidden = task.state !== 'running'
      if (task.progress === null) bar.removeAttribute('value')
      else bar.value = task.progress
      const path = outcome(task)
      link.hidden = path === null
      if (path !== null) link.href = path
      relabel(cancel, over() ? 'Forget' : 'Cancel')
    }
  }
}
