/** What the admin reads, from what the API says. Pure. */

import { bytes } from '../format.js'

/** @param {number} seconds @returns {string} like `45 s`, `12 min`, `3 h 05 min`, `12 d 3 h` */
export function span (seconds) {
  const s = Math.max(0, Math.round(seconds))
  if (s < 60) return `${s} s`
  const minutes = Math.floor(s / 60)
  if (minutes < 60) return `${minutes} min`
  const hours = Math.floor(minutes / 60)
  if (hours < 24) return `${hours} h ${String(minutes % 60).padStart(2, '0')} min`
  return `${Math.floor(hours / 24)} d ${hours % 24} h`
}

/**
 * @param {number | null | undefined} at Unix seconds
 * @param {number} now
 * @returns {string} like `3 min ago`, `in 2 h 00 min`; `never`
 */
export function when (at, now) {
  if (at === null || at === undefined) return 'never'
  const away = at - now
  if (Math.abs(away) < 5) return 'now'
  return away < 0 ? `${span(-away)} ago` : `in ${span(away)}`
}

/**
 * @typedef {object} Made of what is made here: `GET /api/ingests`
 * @property {string} state
 * @property {number} speed
 * @property {number} restarts
 * @property {number} segments
 * @property {number} dropped
 * @property {string} error
 */

/** @param {Made | undefined} made @param {{ protocol: string, since: number } | undefined} publisher @param {number} now */
export function source (made, publisher, now) {
  if (publisher) return `${publisher.protocol.toUpperCase()}, for ${span(now - publisher.since)}`
  if (made) return 'Made here'
  return 'Files in the feed'
}

/** @param {Made | undefined} made @returns {string} what is to be said of it; empty: all is well */
export function trouble (made) {
  if (made === undefined) return ''
  const told = []
  if (made.error !== '') told.push(made.error)
  else if (made.state !== 'live' && made.state !== 'ended') told.push(made.state)
  if (made.dropped > 0) told.push(`${made.dropped} segments could not be written`)
  if (made.restarts > 0) told.push(`${made.restarts} restart${made.restarts === 1 ? '' : 's'}`)
  return told.join('; ')
}

/**
 * @typedef {object} Task
 * @property {string} id
 * @property {string} kind
 * @property {string} about
 * @property {string} state
 * @property {number} created
 * @property {number | null} ended
 * @property {number | null} progress
 * @property {string} detail
 * @property {string} error
 * @property {Record<string, unknown>} result
 */

/** @param {Task} task @returns {string} */
export function standing (task) {
  if (task.state === 'running') {
    const share = task.progress === null ? '' : `${Math.round(task.progress * 100)} %`
    return [share, task.detail].filter(Boolean).join(' · ') || 'Running'
  }
  if (task.state === 'failed') return `Failed: ${task.error}`
  if (task.state === 'done') return typeof task.result.bytes === 'number' ? `Done, ${bytes(task.result.bytes)}` : 'Done'
  return task.state === 'waiting' ? 'Waiting' : 'Cancelled'
}

/** Where what came of it can be had. @param {Task} task @returns {string | null} a path of this site, nothing else */
export function outcome (task) {
  const { recording, file } = task.result
  if (task.state !== 'done' || typeof recording !== 'string' || typeof file !== 'string') return null
  return `/api/recordings/${encodeURIComponent(recording)}/exports/${encodeURIComponent(file)}`
}
