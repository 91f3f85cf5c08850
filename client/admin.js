/**
 * The admin's page, /admin: streams, keys, recordings, tasks and the server, over the API. The token stays in this
 * tab: `sessionStorage` forgets it with the tab, and the page's policy lets no script of others near it.
 */

import { Api, ApiError } from './admin/api.js'
import { sure, voice } from './admin/desk.js'
import { keys } from './admin/keys.js'
import { recordings } from './admin/recordings.js'
import { server } from './admin/server.js'
import { streams } from './admin/streams.js'
import { tasks } from './admin/tasks.js'
import { text } from './admin/dom.js'

/** Between two looks at everything, ms: half a dozen small answers. */
const LOOK_MS = 3000
const KEPT = 'live-torrent-admin'

/** @template {HTMLElement} [T=HTMLElement] @param {string} id @returns {T} */
const $ = id => /** @type {T} */ (document.getElementById(id))

const say = voice($('said'))
const gate = /** @type {HTMLFormElement} */ ($('gate'))
const given = /** @type {HTMLInputElement} */ ($('token'))
/** @type {AbortController | null} of the session that is on */
let session = null

/** @param {string} token */
async function enter (token) {
  const stop = new AbortController()
  const api = new Api(token, stop.signal)
  await api.get('/api/tasks') // wrong: it says so
  keepToken(token)
  session = stop
  say('')
  gate.hidden = true
  $('leave').hidden = false
  /** @type {import('./admin/desk.js').Desk} */
  const desk = {
    api,
    say,
    sure,
    async work (button, work, wrong) {
      if (button.getAttribute('aria-disabled') === 'true') return
      button.setAttribute('aria-disabled', 'true')
      try {
        say((await work()) ?? '')
        await look()
      } catch (error) {
        if (wrong && error instanceof Error) text(wrong, error.message)
        else failed(error)
      } finally {
        button.removeAttribute('aria-disabled')
      }
    }
  }
  const sections = [streams, keys, recordings, tasks, server].map(make => make(desk))
  $('desk').replaceChildren(...sections.map(section => section.element))

  let away = false
  async function look () {
    const results = await Promise.allSettled(sections.map(section => section.refresh()))
    if (stop.signal.aborted) return
    const wrong = results.find(result => result.status === 'rejected')
    if (wrong) failed(wrong.reason)
    else if (away) say('')
    away = wrong !== undefined
  }
  while (!stop.signal.aborted) {
    if (!document.hidden) await look()
    await new Promise(resolve => setTimeout(resolve, LOOK_MS))
  }
}

/** @param {unknown} error */
function failed (error) {
  if (error instanceof ApiError && error.status === 401 && session !== null) return leave('The token is not good any more.')
  say(error instanceof Error ? error.message : String(error), true)
}

/** @param {string} [why] */
function leave (why = '') {
  session?.abort()
  session = null
  keepToken('')
  $('desk').replaceChildren()
  gate.hidden = false
  $('leave').hidden = true
  say(why, why !== '')
  given.focus()
}

/** @param {string} token empty: forget it */
function keepToken (token) {
  try {
    if (token) sessionStorage.setItem(KEPT, token)
    else sessionStorage.removeItem(KEPT)
  } catch {
    // a browser that keeps nothing: it is asked for at the next load
  }
}

function kept () {
  try {
    return sessionStorage.getItem(KEPT)
  } catch {
    return null
  }
}

gate.addEventListener('submit', async event => {
  event.preventDefault()
  const token = given.value.trim()
  given.value = ''
  if (token === '') return
  text($('said'), '')
  await enter(token).catch(failed)
})
$('leave').addEventListener('click', () => leave())

const before = kept()
if (before) enter(before).catch(error => { leave(); failed(error) })
