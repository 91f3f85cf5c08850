/** The broadcast's half of the page: name and key, going live, how it does, what to share. */

import { bytes, rate } from '../format.js'
import { Broadcast } from './broadcast.js'
import { $, fill, onClick, text } from './dom.js'
import { choices, choose, rememberKey, rememberedKey } from './memory.js'
import { NO_SENDER } from './trouble.js'
import { elapsed, embedCode, nameTrouble, watchLink } from './words.js'

/** @typedef {import('./broadcast.js').Status} Status */
/** @typedef {import('./broadcast.js').Way} Way */
/** @typedef {import('./outcome.js').Words} Words */

const CLOCK = 500
/** Between two looks at how much was sent, ms: more often it jumps about. */
const RATE = 2000
const COPIED = 1500
/** Phones take the camera from a page that is not seen; elsewhere a hidden one goes on. */
const KEEP = matchMedia('(pointer: coarse)').matches
  ? 'Keep this page in front: phones take the camera from others.'
  : 'Keep this page open; others may be in front of it.'

/** @type {Record<Status['phase'], string>} */
const BADGE = {
  connecting: 'Connecting', starting: 'Starting', live: 'Live', waiting: 'Interrupted', finishing: 'Finishing', over: 'Off air'
}
/** @type {Record<Way, string>} */
const WAY = { whip: 'WebRTC', browser: 'Recorder' }

export class Air {
  /** @type {Broadcast | null} while on air */
  broadcast = null
  /** What the server takes. @type {readonly Way[]} */
  #ways = []
  /** It may keep recordings. */
  #records = false
  /** What was sent and when, newest last. @type {{ at: number, sent: number }[]} */
  #sent = []
  /** @type {WakeLockSentinel | null} */
  #awake = null

  /**
   * @param {import('./stage.js').Stage} stage
   * @param {import('./set-up.js').SetUp} setUp
   */
  constructor (stage, setUp) {
    this.stage = stage
    this.setUp = setUp
    const name = $('name', HTMLInputElement)
    name.value = new URLSearchParams(location.search).get('stream') ?? choices().name ?? ''
    name.addEventListener('change', () => this.#key())
    $('remember').addEventListener('change', () => this.#remember())
    $('way').addEventListener('change', () => choose({ way: $('way', HTMLSelectElement).value }))
    $('form').addEventListener('submit', event => {
      event.preventDefault()
      if (this.broadcast) this.broadcast.stop()
      else this.#go()
    })
    onClick('show', () => this.#reveal($('key', HTMLInputElement).type === 'password'))
    for (const button of document.querySelectorAll('[data-copy]')) {
      button.addEventListener('click', () => this.#copy(/** @type {HTMLButtonElement} */ (button)))
    }
    addEventListener('beforeunload', event => { if (this.broadcast) event.preventDefault() })
    document.addEventListener('visibilitychange', () => this.#stayAwake())
    setInterval(() => this.#clock(), CLOCK)
    this.#key()
  }

  /** @param {{ publish: readonly string[], recordings?: boolean }} site what the server has (GET /api/site) */
  offered ({ publish, recordings = false }) {
    this.#records = recordings
    const able = { whip: 'RTCPeerConnection' in globalThis, browser: 'MediaRecorder' in globalThis }
    const ways = /** @type {Way[]} */ (['whip', 'browser'])
    this.#ways = ways.filter(way => publish.includes(way) && able[way])
    const labels = { whip: 'WebRTC (needs UDP)', browser: 'Recorder (WebSocket)' }
    fill('way', [
      { value: '', label: this.#ways.length > 1 ? 'Automatic (WebRTC, else recorder)' : 'Automatic' },
      ...this.#ways.map(way => ({ value: way, label: labels[way] }))
    ], choices().way ?? '')
    $('air', HTMLButtonElement).disabled = this.#ways.length === 0
    if (this.#ways.length > 0) return
    if (!publish.includes('whip') && !publish.includes('browser')) {
      this.#say({ title: 'This server takes no streams from browsers', text: 'The operator allows it with “--publish browser” or “--publish whip”.' }, true)
    } else this.#say(NO_SENDER, true)
  }

  /** The stage has changed. */
  changed () { this.broadcast?.renew() }

  chooseQuality () {
    const { quality } = this.setUp
    if (this.broadcast) this.broadcast.choose(quality)
    else this.stage.fit(quality.height)
  }

  async #go () {
    const name = $('name', HTMLInputElement).value.trim()
    const key = $('key', HTMLInputElement).value.trim()
    const trouble = nameTrouble(name)
    this.#invalid('name', trouble !== '')
    this.#invalid('key', trouble === '' && key === '')
    if (trouble) return this.#say({ title: trouble, text: '' }, true)
    if (key === '') return this.#say({ title: 'Enter the stream’s key.', text: 'The operator makes one with “live-torrent keys create”.' }, true)
    $('air', HTMLButtonElement).disabled = true
    const there = this.stage.ready || await this.setUp.open()
    $('air', HTMLButtonElement).disabled = false
    if (!there || this.broadcast) {
      if (!there) this.#say({ title: 'Nothing is on the stage.', text: 'Choose a camera, a screen or a file first.' }, true)
      return
    }
    await this.setUp.again()
    choose({ name })
    this.#remember()
    this.#reveal(false)
    const wanted = $('way', HTMLSelectElement).value
    this.broadcast = new Broadcast({
      name,
      key,
      ways: wanted ? [/** @type {Way} */ (wanted)] : this.#ways,
      quality: this.setUp.quality,
      stage: this.stage,
      told: status => this.#told(status)
    })
    $('link', HTMLInputElement).value = $('watch', HTMLAnchorElement).href = watchLink(location.origin, name)
    $('embed', HTMLInputElement).value = embedCode(location.origin, name)
    this.broadcast.start()
    this.#stayAwake()
  }

  /** @param {Status} status */
  #told (status) {
    const over = status.phase === 'over'
    if (over) this.#over(status)
    this.setUp.onAir = !over
    document.querySelector('main')?.classList.toggle('on-air', !over)
    $('form').hidden = !over
    $('figures').hidden = over
    $('share').hidden = status.since === null
    const air = $('air')
    air.classList.toggle('stop', !over)
    text('air', over ? 'Go live' : status.phase === 'finishing' ? 'Stop at once' : 'Stop')
    const badge = $('badge')
    badge.classList.toggle('live', status.phase === 'live')
    badge.classList.toggle('wait', ['waiting', 'starting', 'connecting', 'finishing'].includes(status.phase))
    text('badge', BADGE[status.phase])
    this.#figures(status)
    this.#words(status)
    this.#clock()
  }

  /** @param {Status} status */
  #over ({ since }) {
    const before = this.broadcast
    this.broadcast = null
    this.#sent = []
    this.#stayAwake()
    text('clock', '')
    document.title = 'Studio · live-torrent'
    if (since !== null && before) text('clock', elapsed(performance.now() - since))
  }

  /** @param {Status} status */
  #words ({ phase, words, good, lowered, bits, figures, since }) {
    if (phase === 'over') {
      if (!good && words) return this.#say(words, true)
      const may = since !== null && this.#records
      this.#say({ title: since === null ? 'Stopped.' : 'The stream has ended.', text: may ? 'If it was recorded, the recording is on the front page.' : '' }, false)
      $('front').hidden = !may
      return
    }
    if (words) return this.#say(words, phase !== 'waiting')
    if (phase === 'connecting') return this.#say({ title: 'Connecting…', text: '' }, false)
    if (phase === 'starting' && !lowered) return this.#say({ title: 'The server has the stream; viewers see it in a moment.', text: '' }, false)
    if (phase === 'finishing') return this.#say({ title: 'Sending the rest…', text: '' }, false)
    if (lowered) {
      const who = figures?.slow === 'server' ? 'The server is slow' : 'Your line is slow'
      return this.#say({ title: `${who}: less is sent`, text: `${rate(bits / 8)} of ${rate(this.setUp.quality.bits / 8)}; more when it is calm.` }, false)
    }
    if (figures?.slow === 'line') return this.#say({ title: 'Your line is slow: less is sent', text: 'The browser has lowered the picture’s quality by itself.' }, false)
    if (!this.stage.ready) return this.#say({ title: 'You are live, with nothing on the stage', text: 'Turn a source on, or stop.' }, true)
    const less = [this.stage.hidden && 'the picture is hidden', this.stage.mixer.muted && 'the sound is muted'].filter(Boolean).join(', ')
    this.#say({ title: `You are live${less && `: ${less}`}.`, text: KEEP }, false)
  }

  /** @param {Status} status */
  #figures ({ figures, dropped, way }) {
    const now = performance.now()
    if (figures === null) this.#sent = []
    else {
      this.#sent = this.#sent.filter(({ at }) => at > now - RATE * 1.5)
      this.#sent.push({ at: now, sent: figures.sent })
    }
    const [first] = this.#sent
    const last = this.#sent.at(-1)
    const seconds = first && last ? (last.at - first.at) / 1000 : 0
    text('sending', seconds > 0.5 && first && last ? rate((last.sent - first.sent) / seconds) : '–')
    text('media', figures?.media ? `${figures.media} (${WAY[way]})` : WAY[way])
    const late = figures !== null && figures.late > 2 ? ` (${Math.round(figures.late)} s)` : ''
    text('held', figures === null || way === 'whip' ? '–' : `${bytes(figures.held)}${late}`)
    text('dropped', bytes(dropped))
    text('viewers', figures === null ? '–' : String(figures.viewers))
    text('serving', figures?.serving || '–')
    text('segments', figures === null ? '–' : String(figures.segments))
  }

  #clock () {
    const { broadcast } = this
    const since = broadcast?.status.since ?? null
    if (!broadcast || since === null) return
    const time = elapsed(performance.now() - since)
    text('clock', time)
    document.title = `${broadcast.status.phase === 'live' ? '● ' : ''}${time} · Studio`
  }

  /** @param {Words} words @param {boolean} bad */
  #say ({ title, text: line }, bad) {
    $('status').classList.toggle('bad', bad)
    text('said-title', title)
    text('said-text', line)
    $('front').hidden = true
  }

  /** @param {string} id @param {boolean} is */
  #invalid (id, is) {
    const field = $(id)
    if (is) {
      field.setAttribute('aria-invalid', 'true')
      field.focus()
    } else field.removeAttribute('aria-invalid')
  }

  /** The key of a stream that was entered before on this device. */
  #key () {
    const known = rememberedKey($('name', HTMLInputElement).value.trim())
    if (known === '') return
    $('key', HTMLInputElement).value = known
    $('remember', HTMLInputElement).checked = true
  }

  #remember () {
    const name = $('name', HTMLInputElement).value.trim()
    const key = $('key', HTMLInputElement).value.trim()
    if (name) rememberKey(name, $('remember', HTMLInputElement).checked && key ? key : null)
  }

  /** @param {boolean} shown */
  #reveal (shown) {
    $('key', HTMLInputElement).type = shown ? 'text' : 'password'
    $('show').setAttribute('aria-pressed', String(shown))
    text('show', shown ? 'Hide' : 'Show')
  }

  /** @param {HTMLButtonElement} button */
  async #copy (button) {
    const field = $(button.dataset.copy ?? '', HTMLInputElement)
    field.select()
    try {
      // A page over plain HTTP has no clipboard; what is selected can be copied even so.
      await navigator.clipboard?.writeText(field.value)
      if (!navigator.clipboard) return
      button.textContent = 'Copied'
      setTimeout(() => { button.textContent = 'Copy' }, COPIED)
    } catch { /* the browser would not: it is selected */ }
  }

  /** Phones go to sleep, and take the camera with them. */
  async #stayAwake () {
    try {
      if (this.broadcast === null) {
        await this.#awake?.release()
        this.#awake = null
      } else if (!document.hidden) this.#awake = await navigator.wakeLock?.request('screen') ?? null
    } catch { /* no battery for it */ }
  }
}
