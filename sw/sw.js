/**
 * The service worker: listeners only. Browsers stop it when idle and start it again for the next request,
 * so it keeps nothing that it needs (`silence` is a hint).
 *
 *     routes    is this request ours?
 *     page      ask the window that made it
 *     answer    its answer, or the origin's, as a Response
 *     range     Range → 206 or 416
 *     protocol  the messages
 */

import { respond } from './answer.js'
import { askPage } from './page.js'
import { read } from './protocol.js'
import { route } from './routes.js'
import { Silence } from './silence.js'

const scope = /** @type {import('./types').Scope} */ (/** @type {unknown} */ (self))
const silence = new Silence()

/** @type {import('./answer.js').Means} */
const means = {
  // A player that fetches from a worker of its own has no window we could ask: plain fetch.
  page: async id => {
    const client = await scope.clients.get(id)
    return client?.type === 'window' ? client : undefined
  },
  ask: (page, question, signal) => askPage(page, question, { signal }),
  fetch: request => fetch(request),
  silence,
  now: () => Date.now()
}

// A new version takes over at once: requests under way end with the old one, and either serves any page.
scope.addEventListener('install', event => event.waitUntil(scope.skipWaiting()))
// The first visit's page was loaded without a worker; this is what lets it have one without a reload.
scope.addEventListener('activate', event => event.waitUntil(scope.clients.claim()))

scope.addEventListener('fetch', event => {
  const kind = route(event.request, scope.registration.scope)
  if (kind !== null) event.respondWith(respond(event.request, event.clientId, kind, means))
})

scope.addEventListener('message', event => {
  const message = read(event.data)
  if (message?.type === 'hello') silence.heard(event.source?.id ?? '')
  if (message?.type === 'claim') event.waitUntil(scope.clients.claim())
})
