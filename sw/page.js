/** Ask one window for a playlist or segment. */

import { ACK_MS, ask, CANCEL, LOST_MS, TOTAL_MS } from './protocol.js'

/** @typedef {import('./protocol.js').Done} Done */
/** Only `silent` means that nobody listened; the others come from a page with a client. */
/** @typedef {Done | { type: 'pass' | 'failed' | 'refused' | 'silent' | 'cancelled' }} Outcome */
/** @typedef {{ type: 'head', size: number, data: ArrayBuffer, rest: Promise<Outcome> }} Head the outcome is still to come */

/**
 * Never rejects, and ends by itself: TOTAL_MS after the start at the latest.
 * @param {{ postMessage (message: any, transfer: Transferable[]): void }} client the page
 * @param {import('./protocol.js').Question} question
 * @param {{ signal?: AbortSignal, ackMs?: number, lostMs?: number, totalMs?: number }} [options]
 *   `signal`: the player has given the request up
 * @returns {Promise<Outcome | Head>}
 */
export function askPage (client, question, { signal, ackMs = ACK_MS, lostMs = LOST_MS, totalMs = TOTAL_MS } = {}) {
  return new Promise(resolve => {
    /** @type {(outcome: Outcome) => void} */
    let settle = resolve
    const { port1: port, port2 } = new MessageChannel()
    const total = setTimeout(() => end({ type: 'failed' }, true), totalMs)
    let quiet = setTimeout(() => end({ type: 'silent' }, true), ackMs)
    const cancelled = () => end({ type: 'cancelled' }, true)

    /** @param {Outcome} outcome @param {boolean} [tell] whether the page may still be at work */
    const end = (outcome, tell = false) => {
      clearTimeout(total)
      clearTimeout(quiet)
      signal?.removeEventListener('abort', cancelled)
      if (tell) port.postMessage(CANCEL)
      port.onmessage = null
      port.close()
      settle(outcome)
    }

    port.onmessage = ({ data }) => {
      switch (data?.type) {
        case 'ack':
        case 'alive':
          clearTimeout(quiet)
          quiet = setTimeout(() => end({ type: 'failed' }, true), lostMs)
          break
        case 'head': {
          const rest = new Promise(later => { settle = later })
          resolve({ type: 'head', size: data.size, data: data.data, rest })
          break
        }
        case 'done':
        case 'pass':
        case 'failed':
        case 'refused':
          end(data)
          break
      }
    }
    if (signal?.aborted) return cancelled()
    signal?.addEventListener('abort', cancelled)
    client.postMessage(ask(question), [port2])
  })
}
