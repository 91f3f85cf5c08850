/** A recording as one file: MP4, or WebM where it does not go into that; asked for, waited for, given to the browser. */

import { element, write } from './element.js'

/** How often to ask how far it is, ms. */
const LOOK_MS = 1000
/** Answers that may fail in a row, for a server that is begun again has its tasks still. */
const PATIENCE = 30

const CONFLICT = 409
const ENDS = new Set(['done', 'failed', 'cancelled'])

/**
 * @param {string} name @param {string} title
 * @returns {HTMLElement}
 */
export function makeDownload (name, title) {
  const button = element('button', 'card-download')
  button.type = 'button'
  button.title = 'Download'
  const label = element('span', 'sr', 'Download')
  const far = element('span')
  far.setAttribute('aria-hidden', 'true')
  button.append(icon(), far, label, element('span', 'sr', ` ${title}`))
  const status = element('span', 'sr')
  status.setAttribute('role', 'status')
  const box = element('div', 'card-actions', button, status)

  button.addEventListener('click', async () => {
    // Not disabled, which would take the focus away.
    if (button.getAttribute('aria-disabled') === 'true') return
    button.setAttribute('aria-disabled', 'true')
    write(far, 'Preparing')
    write(status, `Preparing ${title}`)
    try {
      const url = await exported(name, progress => {
        write(far, progress === null ? 'Preparing' : `${Math.floor(progress * 100)} %`)
      })
      const link = element('a')
      link.href = url
      link.download = ''
      link.click()
      write(far, '')
      write(status, `${title} is being downloaded`)
    } catch (error) {
      write(far, 'Failed')
      button.title = /** @type {Error} */ (error).message
      write(status, `${title} cannot be downloaded: ${button.title}`)
    } finally {
      button.removeAttribute('aria-disabled')
    }
  })
  return box
}

/** An arrow down to a line. */
function icon () {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg')
  const path = document.createElementNS('http://www.w3.org/2000/svg', 'path')
  path.setAttribute('d', 'M9 2.5v8.5M5.5 7.8 9 11.2l3.5-3.4M3 15h12')
  svg.setAttribute('viewBox', '0 0 18 18')
  svg.setAttribute('aria-hidden', 'true')
  svg.append(path)
  return svg
}

/**
 * @param {string} name
 * @param {(progress: number | null) => void} tell 0..1
 * @returns {Promise<string>} the file's URL; rejects with a reason for people
 */
async function exported (name, tell) {
  const base = `/api/recordings/${encodeURIComponent(name)}/exports`
  const ask = async (/** @type {string} */ format) => answer(await fetch(base, {
    method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ format })
  }))
  let task = await ask('mp4').catch(error => {
    // Its media does not go into MP4. Where it goes into neither, what was said first is told.
    if (error.status !== CONFLICT) throw error
    return ask('webm').catch(() => { throw error })
  })
  let failures = 0
  while (!ENDS.has(task.state)) {
    tell(task.progress)
    await new Promise(resolve => setTimeout(resolve, LOOK_MS))
    try {
      task = await answer(await fetch(`/api/tasks/${encodeURIComponent(task.id)}`))
      failures = 0
    } catch (error) {
      failures += 1
      if (failures > PATIENCE || error instanceof RefusedError) throw error
    }
  }
  if (task.state !== 'done') throw new Error(task.error || `the export was ${task.state}`)
  return task.result.url ?? `${base}/${encodeURIComponent(task.result.file)}`
}

/** The server would say the same again. */
class RefusedError extends Error {
  /** @param {string} message @param {number} status */
  constructor (message, status) {
    super(message)
    this.status = status
  }
}

/** @param {Response} response @returns {Promise<any>} */
async function answer (response) {
  const body = await response.json().catch(() => ({}))
  if (response.ok) return body
  const reason = body.error || `the server answered ${response.status}`
  throw response.status >= 500 ? new Error(reason) : new RefusedError(reason, response.status)
}
