/** One connection over WebRTC (WHIP, RFC 9725): the browser itself adapts to the line here. */

/** @typedef {import('./recorder-link.js').Options} Options */
/** @typedef {import('./recorder-link.js').Figures} Figures */

import { split, FRAMES } from './quality.js'

/** For ICE and DTLS, ms: where UDP is blocked they never come to an end. */
const CONNECT = 8000
/** A line that comes back within this goes on by itself, ms. */
const DISCONNECTED = 5000
const LOOK = 1000
/** So many looks at a line that is too slow are more than a hiccup. */
const SHORT = 5
/** Most that a request may take, ms. */
const PATIENCE = 10_000

export class WhipLink {
  /** @type {RTCPeerConnection | null} */
  #peer = null
  /** The session's address, to end it. @type {URL | null} */
  #session = null
  #ready = false
  #live = false
  #over = false
  #looking = false
  /** Looks in a row at which the line carried less than it might. */
  #short = 0
  #gone = new AbortController()
  /** @type {Figures} */
  #figures = { sent: 0, held: 0, late: 0, dropped: 0, viewers: 0, segments: 0, serving: 'encodes it', media: '', slow: '' }

  /** @param {Options} options */
  constructor (options) {
    this.options = options
  }

  async open () {
    const { stage, pace } = this.options
    const { signal } = this.#gone
    const peer = this.#peer = new RTCPeerConnection({ bundlePolicy: 'max-bundle' })
    const streams = [new MediaStream()]
    const bits = split(pace.bits)
    peer.addTransceiver(stage.video ?? 'video', {
      direction: 'sendonly', streams, sendEncodings: [{ maxBitrate: bits.video, maxFramerate: FRAMES }]
    })
    // Sound may be plugged in later: the track is there from the beginning, silent.
    peer.addTransceiver(stage.mixer.track, { direction: 'sendonly', streams, sendEncodings: [{ maxBitrate: bits.audio }] })
    peer.addEventListener('connectionstatechange', () => this.#changed(), { signal })
    this.#after(CONNECT, () => { if (!this.#ready) this.#end(0, 'no way for WebRTC to the server was found') })
    try {
      await this.#offer(peer)
    } catch (error) {
      this.#end(0, '')
    }
  }

  /** @param {RTCPeerConnection} peer */
  async #offer (peer) {
    await peer.setLocalDescription()
    const { name } = this.options
    const url = new URL(`/whip/${encodeURIComponent(name)}`, location.href)
    const answer = await this.#ask(url, {
      method: 'POST',
      headers: { 'content-type': 'application/sdp', ...this.#key },
      body: peer.localDescription?.sdp ?? ''
    })
    const text = await answer.text()
    if (this.#over) return
    if (answer.status !== 201) return this.#end(answer.status, text.split('\n')[0] ?? '')
    // On this very server, whatever it calls itself: the key goes with it.
    const session = new URL(answer.headers.get('location') ?? '', url)
    this.#session = new URL(session.pathname, location.href)
    await peer.setRemoteDescription({ type: 'answer', sdp: text })
    const timer = setInterval(() => this.#look(), LOOK)
    this.#gone.signal.addEventListener('abort', () => clearInterval(timer))
  }

  get #key () { return { authorization: `Bearer ${this.options.key}` } }

  /** @param {URL} url @param {RequestInit} init */
  #ask (url, init) {
    const signal = AbortSignal.any([this.#gone.signal, AbortSignal.timeout(PATIENCE)])
    return fetch(url, { cache: 'no-store', credentials: 'omit', signal, ...init })
  }

  #changed () {
    const state = this.#peer?.connectionState
    if (state === 'connected' && !this.#ready) {
      this.#ready = true
      this.options.told({ type: 'ready' })
    } else if (state === 'failed' || state === 'closed') this.#end(0, '')
    else if (state === 'disconnected') {
      this.#after(DISCONNECTED, () => { if (this.#peer?.connectionState === 'disconnected') this.#end(0, '') })
    }
  }

  /** @param {number} ms @param {() => void} act */
  #after (ms, act) {
    const timer = setTimeout(act, ms)
    this.#gone.signal.addEventListener('abort', () => clearTimeout(timer))
  }

  /** Another picture, or another bit rate. */
  async renew () {
    const sender = this.#peer?.getSenders()[0]
    if (!sender || this.#over) return
    try {
      await this.options.fit()
      await sender.replaceTrack(this.options.stage.video)
      const parameters = sender.getParameters()
      const [encoding] = parameters.encodings
      if (encoding) encoding.maxBitrate = split(this.options.pace.bits).video
      await sender.setParameters(parameters)
    } catch { /* the connection has ended meanwhile */ }
  }

  stop () { this.#end(200, '') }

  abandon () { this.#end(0, '') }

  async #look () {
    if (this.#looking) return
    this.#looking = true
    try {
      await Promise.all([this.#measure(), this.#viewers()])
      if (!this.#over) this.options.told({ type: 'figures', figures: this.figures() })
    } catch { /* the server is asked again in a second */ } finally {
      this.#looking = false
    }
  }

  async #measure () {
    const reports = await this.#peer?.getStats() ?? new Map()
    let sent = 0
    let lost = 0
    for (const report of reports.values()) {
      if (report.type === 'outbound-rtp') {
        sent += report.bytesSent + (report.headerBytesSent ?? 0)
        if (report.kind === 'video') {
          this.#figures.media = report.frameHeight ? `${codec(reports, report)}, ${report.frameHeight}p` : ''
          // At the beginning, and behind a picture that was nothing, it has yet to find out.
          const short = report.qualityLimitationReason === 'bandwidth' && this.#live && !this.options.stage.hidden
          this.#short = short ? this.#short + 1 : 0
          this.#figures.slow = this.#short > SHORT ? 'line' : ''
        }
      } else if (report.type === 'remote-inbound-rtp') lost += report.packetsLost ?? 0
    }
    this.#figures.sent = sent
    this.#figures.dropped = Math.max(0, lost) * PACKET
  }

  async #viewers () {
    const answer = await this.#ask(new URL(`/api/streams/${encodeURIComponent(this.options.name)}`, location.href), {})
    if (!answer.ok) return
    const { live, viewers, segments, ingest } = await answer.json()
    Object.assign(this.#figures, { viewers: viewers ?? 0, segments: ingest?.segments ?? segments })
    if (!this.#live && this.#ready && live && ingest?.state === 'live') {
      this.#live = true
      this.options.told({ type: 'live' })
    }
  }

  /** @returns {Figures} */
  figures () { return { ...this.#figures } }

  /** @param {number} status @param {string} message */
  #end (status, message) {
    if (this.#over) return
    this.#over = true
    this.#gone.abort()
    this.#peer?.close()
    // It also ends by itself, later: nobody waits for the answer, nor is a page that is left. What was lost is to go
    // on in the same recording.
    if (this.#session && status !== 200) this.#session.search = '?lost'
    if (this.#session) fetch(this.#session, { method: 'DELETE', headers: this.#key, keepalive: true }).catch(() => {})
    this.options.told({ type: 'end', end: { status, message, ready: this.#ready } })
  }
}

/** Bytes: what a lost packet held, more or less. */
const PACKET = 1100

/** @param {{ get (id: string): { mimeType?: string } | undefined }} reports @param {{ codecId?: string }} report */
const codec = (reports, report) => reports.get(report.codecId ?? '')?.mimeType?.split('/')[1] ?? 'WebRTC'
