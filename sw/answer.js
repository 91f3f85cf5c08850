/** From a request of ours to its Response: the page's answer, else the origin's. */

import { fetched } from './protocol.js'
import { bounds, range } from './range.js'

/**
 * @param {import('./protocol.js').Done} done what the page gave
 * @param {Headers} request the request's headers
 * @returns {Response}
 */
export function build ({ status, contentType, data, source, range: segment }, request) {
  const headers = new Headers({
    'content-type': contentType,
    // The HTTP cache would keep bytes a second time, and a playlist never is the same twice.
    'cache-control': 'no-store',
    'live-torrent-source': source
  })
  if (typeof data === 'string') return new Response(data, { status, headers })

  headers.set('accept-ranges', 'bytes')
  if (segment !== undefined) {
    // How long the whole resource is, nobody has looked.
    headers.set('content-range', `bytes ${segment[0]}-${segment[1] - 1}/*`)
    headers.set('content-length', String(data.byteLength))
    return new Response(data, { status: 206, headers })
  }
  // If-Range compares an entity tag we do not have: the whole body is the right answer then.
  const part = range(request.has('if-range') ? null : request.get('range'), data.byteLength)
  if (part.status === 416) {
    headers.set('content-range', `bytes */${data.byteLength}`)
    return new Response(null, { status: 416, headers })
  }
  if (part.status === 206) {
    headers.set('content-range', `bytes ${part.start}-${part.end - 1}/${data.byteLength}`)
    headers.set('content-length', String(part.end - part.start))
    return new Response(data.slice(part.start, part.end), { status: 206, headers })
  }
  headers.set('content-length', String(data.byteLength))
  return new Response(data, { status, headers })
}

/**
 * @typedef {object} Means what `respond` acts through
 * @property {(id: string) => Promise<import('./types').Page | undefined>} page the window that made the request
 * @property {(page: import('./types').Page, question: import('./protocol.js').Question, signal: AbortSignal) => Promise<import('./page.js').Outcome | import('./page.js').Head>} ask
 * @property {(request: Request) => Promise<Response>} fetch
 * @property {import('./silence.js').Silence} silence
 * @property {Pick<import('./names.js').Names, 'note'>} names
 * @property {() => number} now ms
 */

/**
 * @param {Request} request
 * @param {string} clientId
 * @param {import('./protocol.js').Kind} kind
 * @param {Means} means
 * @returns {Promise<Response>} rejects as `fetch` does when the origin is gone too
 */
export async function respond (request, clientId, kind, { page, ask, fetch, silence, names, now }) {
  const client = clientId === '' ? undefined : await page(clientId)
  const past = async () => {
    const response = await fetch(request)
    if (kind === 'segment' && response.ok) {
      // The page counts what its client did not see. Bytes are the header's: reading a clone would hold them twice.
      const bytes = Number(response.headers.get('content-length') ?? 0)
      if (client !== undefined) client.postMessage(fetched(request.url, bytes))
    }
    return response
  }
  if (client !== undefined && !silence.has(clientId, now())) {
    const wanted = bounds(request.headers.get('range'))
    const outcome = await ask(client, { kind, url: request.url, range: wanted }, request.signal)
    if (outcome.type === 'silent') silence.note(clientId, now())
    else if (outcome.type !== 'cancelled') silence.heard(clientId)
    if (outcome.type === 'done') {
      names.note(outcome.names ?? [])
      return build(outcome, request.headers)
    }
    if (outcome.type === 'head') return begin(outcome, past)
    // Unverified bytes are not played, and the origin's would be just that.
    if (outcome.type === 'refused') return new Response(null, { status: 502, statusText: 'does not match the manifest' })
  }
  return past()
}

/**
 * An answer whose body is still to come. What else it comes to nobody sees any more but as a body that breaks off.
 * @param {import('./page.js').Head} head
 * @param {() => Promise<Response>} past the same from the origin
 */
function begin ({ size, data, rest }, past) {
  const headers = {
    // Of another type, or none, browsers look at the body before they say that there is an answer.
    'content-type': 'application/octet-stream',
    'x-content-type-options': 'nosniff',
    'content-length': String(size),
    'accept-ranges': 'bytes',
    'cache-control': 'no-store',
    'live-torrent-source': 'begun'
  }
  const body = new ReadableStream({
    async start (controller) {
      controller.enqueue(new Uint8Array(data))
      const outcome = await rest
      if (outcome.type === 'refused' || outcome.type === 'cancelled') throw new TypeError(outcome.type)
      const whole = outcome.type === 'done' ? outcome.data : await past().then(answer => answer.arrayBuffer())
      const left = new Uint8Array(/** @type {ArrayBuffer} */ (whole), data.byteLength)
      if (data.byteLength + left.length !== size) throw new TypeError('the origin has no such segment')
      controller.enqueue(left)
      controller.close()
    }
  })
  return new Response(body, { headers })
}
