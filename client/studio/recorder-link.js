/**
 * One connection of the recorder's: what `MediaRecorder` makes goes over a WebSocket (docs/publishing.md). It decides
 * nothing about trying again; how much is recorded is `pace.js`'s to say.
 */

import { codecName, recorderType } from './media-type.js'
import { split } from './quality.js'

/** As often as the recorder gives what it has, ms: viewers are that much further behind. */
const SLICE = 200
/** Key frames so often, ms: the server cuts its shortest segments there, and copies H.264 then. */
const KEY_FRAMES = 1000
/** Bytes of a message: the server takes who ends none within 10 s for gone, and 2 kB/s are a line, too. */
const MESSAGE = 16 << 10
/** The server speaks each second: this long without a word, nobody is there. ms */
const SILENCE = 10_000
/** Nothing recorded for so long: say that we are there. The server waits 10 s. ms */
const HERE = 3000
/** For the last segments to be written, ms. */
const FINISH = 20_000
const TICK = 250

/** @typedef {import('./outcome.js').End} End */

/**
 * @typedef {object} Figures
 * @property {number} sent bytes that have left, or as the recorder counts, have arrived
 * @property {number} held bytes recorded and not yet taken there: here, on the way, waiting at the server
 * @property {number} late how long it took to record that, s
 * @property {number} dropped bytes recorded and thrown away
 * @property {number} viewers
 * @property {number} segments
 * @property {string} serving what the server does with it, for people
 * @property {string} media codec and size, for people
 * @property {'' | 'line' | 'server'} slow which of them does not keep up
 */

/**
 * What both kinds of connection tell: `ready` (the key was taken), `live` (the first segment is in the manifest),
 * `figures`, `pace` (another bit rate from here on), and once, last, `end`.
 * @typedef {{ type: 'ready', resume?: string } | { type: 'live' } | { type: 'figures', figures: Figures }
 *   | { type: 'pace', how: import('./pace.js').Decision } | { type: 'end', end: End }} Told
 */

/**
 * @typedef {object} Options
 * @property {string} name
 * @property {string} key
 * @property {string} resume of the connection before; '' for the first
 * @property {import('./stage.js').Stage} stage
 * @property {import('./pace.js').Pace} pace
 * @property {() => Promise<void>} fit makes the picture as large as the present bit rate fills
 * @property {(told: Told) => void} told
 */

export class RecorderLink {
  /** @type {WebSocket | null} */
  #socket = null
  /** The one whose data counts; null between two. @type {MediaRecorder | null} */
  #recorder = null
  /** Not yet handed to the socket, in order: media and what is said between. @type {(Blob | string)[]} */
  #queue = []
  #queued = 0
  #handed = 0
  #dropped = 0
  /** The last `state` of the server. @type {{ received: number, held: number, segments: number, viewers: number, state: string, mode: string }} */
  #state = { received: 0, held: 0, segments: 0, viewers: 0, state: '', mode: '' }
  #ready = false
  #first = true
  /** A dropped recorder's successor waits for the socket to be empty. */
  #draining = false
  #stopping = false
  #over = false
  #heard = 0
  #spoke = 0
  #mime = ''
  #gone = new AbortController()

  /** @param {Options} options */
  constructor (options) {
    this.options = options
  }

  open () {
    const { name } = this.options
    const url = new URL(`/api/publish/${encodeURIComponent(name)}`, location.href)
    url.protocol = url.protocol.replace('http', 'ws')
    const { signal } = this.#gone
    const socket = this.#socket = new WebSocket(url)
    this.#heard = this.#spoke = performance.now()
    socket.addEventListener('open', () => this.#record(), { signal })
    socket.addEventListener('message', ({ data }) => this.#hear(data), { signal })
    socket.addEventListener('close', ({ code, reason }) => this.#closed(code, reason), { signal })
    addEventListener('offline', () => this.#end(0, ''), { signal })
    const timer = setInterval(() => this.#tick(), TICK)
    signal.addEventListener('abort', () => clearInterval(timer))
  }

  /** Another picture, or another bit rate: a new recorder. */
  renew () {
    if (this.#stopping || this.#over || this.#draining || this.#socket?.readyState !== WebSocket.OPEN) return
    const before = this.#recorder
    if (before === null || before.state === 'inactive') return this.#next(before)
    before.addEventListener('stop', () => this.#next(before))
    before.stop()
  }

  /** Behind a recorder that has said its last: no picture changes its size within one.
   * @param {MediaRecorder | null} before */
  async #next (before) {
    await this.options.fit()
    if (this.#recorder === before && !this.#draining) this.#record()
  }

  /** What has been recorded is sent to its end; `end` is told once the server has written it. */
  stop () {
    if (this.#stopping || this.#over) return
    this.#stopping = true
    if (!this.#ready) return this.#end(200, '')
    const recorder = this.#recorder
    const say = () => this.#put(JSON.stringify({ type: 'stop' }))
    if (recorder === null || recorder.state === 'inactive') say()
    else {
      recorder.addEventListener('stop', say)
      recorder.stop()
    }
    setTimeout(() => this.#end(200, ''), FINISH)
  }

  /** At once, without a word. */
  abandon () { this.#end(0, '') }

  #record () {
    const { stage, pace, key, resume } = this.options
    this.#recorder = null
    const stream = stage.stream()
    // What is left out may come: the stage calls renew().
    if (this.#over || this.#stopping || stream.getTracks().every(({ readyState }) => readyState === 'ended')) {
      if (this.#first && !this.#over && !this.#stopping) this.#begin('', key, resume)
      return
    }
    const tracks = { video: stage.video !== null, audio: stage.sounds }
    const mime = recorderType(type => MediaRecorder.isTypeSupported(type), tracks)
    const bits = split(pace.bits)
    const recorder = this.#recorder = new MediaRecorder(stream, /** @type {MediaRecorderOptions} */ ({
      ...(mime && { mimeType: mime }),
      videoBitsPerSecond: bits.video,
      audioBitsPerSecond: bits.audio,
      videoKeyFrameIntervalDuration: KEY_FRAMES
    }))
    recorder.addEventListener('dataavailable', ({ data }) => {
      if (recorder === this.#recorder && data.size > 0) this.#take(data)
    })
    recorder.addEventListener('error', () => { if (recorder === this.#recorder) this.#broken() })
    try {
      recorder.start(SLICE)
    } catch {
      return this.#broken()
    }
    this.#mime = recorder.mimeType || mime
    this.#begin(this.#mime, key, resume)
  }

  /** @param {string} mime @param {string} key @param {string} resume */
  #begin (mime, key, resume) {
    const start = { type: 'start', ...(mime && { mime }) }
    this.#put(JSON.stringify(this.#first ? { ...start, key, ...(resume && { resume }) } : start))
    this.#first = false
  }

  /** The browser cannot encode this picture, or not any more. */
  #broken () {
    this.#end(415, 'this browser’s recorder has failed')
  }

  /** @param {Blob} data */
  #take (data) {
    this.#put(data)
    this.#tick()
    // The server may be silent just when it matters.
    if (this.#queued > this.options.pace.mostHeld) this.#look()
  }

  /** @param {Blob | string} what */
  #put (what) {
    this.#queue.push(what)
    if (typeof what !== 'string') this.#queued += what.size
    this.#pump()
  }

  /** Hand over as much as may be. */
  #pump () {
    const socket = this.#socket
    if (socket?.readyState !== WebSocket.OPEN) return
    const { ahead } = this.options.pace
    while (this.#queue.length > 0 && this.#under < ahead) {
      const next = /** @type {Blob | string} */ (this.#queue.shift())
      this.#spoke = performance.now()
      if (typeof next === 'string') {
        socket.send(next)
        continue
      }
      const part = next.size > MESSAGE ? next.slice(0, MESSAGE) : next
      if (part !== next) this.#queue.unshift(next.slice(MESSAGE))
      socket.send(part)
      this.#queued -= part.size
      this.#handed += part.size
    }
    if (this.#draining && this.#under < ahead / 4) {
      this.#draining = false
      this.#next(null)
    }
  }

  #tick () {
    const now = performance.now()
    const socket = this.#socket
    if (now - this.#heard > SILENCE) return this.#end(0, '')
    this.#pump()
    const idle = socket?.readyState === WebSocket.OPEN && socket.bufferedAmount === 0
    if (this.#ready && idle && now - this.#spoke > HERE) {
      this.#spoke = now
      socket.send(new Uint8Array())
    }
  }

  /** @param {unknown} data */
  #hear (data) {
    if (this.#over || typeof data !== 'string') return
    this.#heard = performance.now()
    const message = parsed(data)
    switch (message.type) {
      case 'ready':
        this.#ready = true
        this.options.pace.reconnected(this.#heard)
        return this.options.told({ type: 'ready', resume: String(message.resume ?? '') })
      case 'live':
        return this.options.told({ type: 'live' })
      case 'state':
        Object.assign(this.#state, message)
        this.#tick() // a hidden page's timers may come once a minute
        this.#look()
        return this.options.told({ type: 'figures', figures: this.figures() })
      case 'ended':
        return this.#end(200, '')
      case 'error':
        return this.#end(Number(message.status) || 0, String(message.message ?? ''))
    }
  }

  /** Whether it is too much, or there is room for more. */
  #look () {
    const { pace, told } = this.options
    const now = performance.now()
    const { received, held, state } = this.#state
    if (this.#stopping || this.#draining || !this.#ready) return
    // What waits there for a program that is starting says nothing of what it takes.
    const waits = state === 'live' ? held : 0
    const facts = {
      held: this.#queued + this.#under + waits,
      queued: this.#queued,
      made: this.#handed + this.#queued,
      taken: received - waits
    }
    const how = pace.look(facts, now)
    if (how === 'keep') return
    if (how === 'drop') this.#drop()
    else this.renew()
    told({ type: 'pace', how })
  }

  /** What the recorder made and the socket has not got is thrown away; the next one begins when there is room. */
  #drop () {
    const recorder = this.#recorder
    this.#recorder = null
    if (recorder && recorder.state !== 'inactive') recorder.stop()
    this.#dropped += this.#queued
    this.#queue = []
    this.#queued = 0
    this.#draining = true
  }

  /** Bytes on the way. */
  get #under () { return this.#handed - this.#state.received }

  get #held () { return this.#queued + this.#under + this.#state.held }

  /** @returns {Figures} */
  figures () {
    const { held, viewers, segments, mode, state } = this.#state
    const here = this.#held - held
    const { video, source } = this.options.stage
    const size = video?.getSettings()
    const lines = size?.height ? `, ${size.height}p` : ''
    return {
      sent: this.#state.received,
      held: this.#held,
      late: this.#draining ? 0 : this.options.pace.backlog,
      dropped: this.#dropped,
      viewers,
      segments,
      serving: state === 'retrying' ? 'begins again' : state === 'starting' ? 'is starting' : SERVING[mode] ?? '',
      media: `${codecName(this.#mime)}${source?.kind === 'file' ? '' : lines}`,
      slow: !this.options.pace.lowered ? '' : held > here ? 'server' : 'line'
    }
  }

  /** @param {number} code @param {string} reason */
  #closed (code, reason) {
    if (this.#stopping && code === 1000) this.#end(200, '')
    else if (code >= 4000) this.#end(code - 4000, reason)
    else this.#end(code === 1003 || code === 1009 ? 400 : 0, reason)
  }

  /** @param {number} status @param {string} message */
  #end (status, message) {
    if (this.#over) return
    this.#over = true
    this.#gone.abort()
    const recorder = this.#recorder
    this.#recorder = null
    if (recorder && recorder.state !== 'inactive') recorder.stop()
    if (status !== 200) this.#dropped += this.#queued
    this.#queue = []
    this.#queued = 0
    this.#socket?.close()
    this.options.told({ type: 'figures', figures: this.figures() })
    this.options.told({ type: 'end', end: { status, message, ready: this.#ready } })
  }
}

/** @type {Record<string, string>} what becomes of the picture */
const SERVING = { copy: 'passes it on as it is', encode: 'encodes it', none: 'has no picture' }

/** @param {string} text @returns {Record<string, unknown>} */
function parsed (text) {
  try {
    return Object(JSON.parse(text))
  } catch {
    return {}
  }
}
