// Replaces webtorrent's lib/webconn.js (web seeds): our scheduler decides what is fetched over HTTP, and when.
export default class {
  constructor() {
    throw new Error('live-torrent pages fetch over HTTP themselves, never through web seeds')
  }
}
