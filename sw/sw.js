/**
 * The service worker: listeners only. Browsers stop it when idle and start it again for the next request,
 * so it keeps nothing that it needs (`silence` is a hint).
 *
 *     routes    is this request ours?
 *     page      ask the window that made it
 *     answer    its answer, or the origin's, as a Response
 *     range     Range → 206 or 416
 *     protocol  the messages
 *     silence   pages that do not answer
 *     names     what is ours whatever it is called
 *
 * It is the whole worker, our server's or the copy on another site (`importScripts('https://HOST/sw.js')`), or the guest
 * of a site's own one, which says so before the import (`self.liveTorrent = 'guest'`): then that one's manners are kept.
 */

import { respond } from './answer.js'
import { Names } from './names.js'
import { askPage } from './page.js'
import { read } from './protocol.js'
import { route } from './routes.js'
import { Silence } from './silence.js'

const scope = /** @type {import('./types').Scope} */ (/** @type {unknown} */ (self))
const guest = scope.liveTorrent === 'guest'
const silence = new Silence()
const names = new Names()

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
  names,
  now: () => Date.now()
}

if (!guest) {
  // A new version takes over at once: requests under way end with the old one, and either serves any page.
  scope.addEventListener('install', event => event.waitUntil(scope.skipWaiting()))
  // The first visit's page was loaded without a worker; this is what lets it have one without a reload.
  scope.addEventListener('activate', event => event.waitUntil(scope.clients.claim()))
}

scope.addEventListener('fetch', event => {
  const kind = route(event.request, scope.location.origin, names)
  if (kind !== null) event.respondWith(respond(event.request, event.clientId, kind, means))
})

scope.addEventListener('message', event => {
  const message = read(event.data)
  if (message?.type === 'hello') silence.heard(event.source?.id ?? '')
  if (message?.type === 'claim' && !guest) event.waitUntil(scope.clients.claim())
})
