// Replaces webtorrent's lib/server.js: our own service worker answers for segments.
class NoServer {
  constructor() {
    throw new Error('live-torrent pages serve segments through their own service worker')
  }
}

export { NoServer as BrowserServer, NoServer as NodeServer }
