/** The source's half of the page: which camera, screen or file is on the stage, and how it is heard. */

import { $, fill, onClick, text } from './dom.js'
import { choices, choose } from './memory.js'
import { QUALITIES, quality } from './quality.js'
import { openCamera, openFile, openMicrophone, openScreen } from './sources.js'
import { insecure, NO_SCREEN, sourceTrouble } from './trouble.js'

/** @typedef {import('./trouble.js').Kind} Kind */
/** @typedef {import('./outcome.js').Words} Words */

/** The meter moves so often, ms; it is read out more seldom. */
const METER = 80
const SPOKEN = 1000
/** From here on it is too loud. */
const HOT = 0.96

const UNSENT = 'Nothing is sent before you go live.'

/** @type {Record<Kind, { title: string, text: string, button: string }>} */
const IDLE = {
  camera: { title: 'The camera is off', text: UNSENT, button: 'Turn on the camera' },
  screen: { title: 'No screen is shown', text: `A window, a tab or the whole screen. ${UNSENT}`, button: 'Choose a screen' },
  file: { title: 'No file is chosen', text: 'A film of this device, played here and sent as it plays.', button: 'Choose a file' }
}

export class SetUp {
  /** @type {Kind} */
  kind = 'camera'
  /** Phones: which way the camera looks. */
  #facing = ''
  #opening = false
  #onAir = false
  /** @type {HTMLVideoElement | null} of a film, to play it from its beginning */
  #film = null
  /** Told when a film has come to its end, and of another quality. */
  onFilmEnd = () => {}
  onQuality = () => {}

  /** @param {import('./stage.js').Stage} stage */
  constructor (stage) {
    this.stage = stage
    this.#remembered()
    for (const radio of this.#radios) radio.addEventListener('change', () => this.#kind(/** @type {Kind} */ (radio.value)))
    onClick('open', () => this.kind === 'file' ? $('file').click() : this.open())
    onClick('swap', () => this.open())
    onClick('close', () => this.stage.clear())
    onClick('mute', () => { stage.mixer.muted = !stage.mixer.muted; this.#show() })
    onClick('hide', () => { stage.hidden = !stage.hidden; this.#show() })
    onClick('flip', () => this.#flip())
    $('file').addEventListener('change', () => this.open())
    $('loop').addEventListener('change', () => this.#loop())
    $('camera').addEventListener('change', () => this.#camera())
    $('microphone').addEventListener('change', () => this.#microphone())
    $('quality').addEventListener('change', () => {
      choose({ quality: this.quality.id })
      this.onQuality()
    })
    navigator.mediaDevices?.addEventListener('devicechange', () => this.#devices())
    setInterval(() => this.#meter(), METER)
    this.#devices()
    this.#kind(this.kind)
  }

  /** Something is sent. @param {boolean} onAir */
  set onAir (onAir) {
    if (this.#onAir === onAir) return
    this.#onAir = onAir
    this.#show()
  }

  /** What was chosen. */
  get quality () {
    return quality(/** @type {HTMLSelectElement} */ ($('quality')).value, navigator.hardwareConcurrency)
  }

  get #radios () { return /** @type {HTMLInputElement[]} */ ([...document.querySelectorAll('input[name=kind]')]) }

  #remembered () {
    const past = choices()
    const chosen = quality(past.quality ?? null, navigator.hardwareConcurrency)
    fill('quality', QUALITIES.map(({ id, label }) => ({ value: id, label })), chosen.id)
    $('loop', HTMLInputElement).checked = past.loop === true
    const radio = this.#radios.find(({ value }) => value === past.kind)
    if (radio) {
      radio.checked = true
      this.kind = /** @type {Kind} */ (radio.value)
    }
  }

  /** @param {Kind} kind */
  #kind (kind) {
    this.kind = kind
    choose({ kind })
    for (const field of document.querySelectorAll('[data-for]')) {
      /** @type {HTMLElement} */ (field).hidden = !field.getAttribute('data-for')?.split(' ').includes(kind)
    }
    this.#show()
  }

  /** Put what is chosen on the stage. @returns {Promise<boolean>} whether it is there */
  async open () {
    if (this.#opening || this.#unable()) return false
    this.#opening = true
    const { kind, stage } = this
    try {
      const source = await this.#source(kind)
      if (source === null) return false
      this.#film = 'element' in source ? /** @type {HTMLVideoElement} */ (source.element) : null
      if (kind === 'file') stage.hear(null) // a film is heard alone
      stage.show(source)
      this.#said(null)
      await this.#film?.play()
      if (kind === 'screen') await this.#microphone()
      await this.#devices()
      return true
    } catch (error) {
      this.#said(sourceTrouble(error, kind))
      return false
    } finally {
      this.#opening = false
      this.#show()
    }
  }

  /** A film that has been played begins anew. */
  async again () {
    const film = this.#film
    if (film?.ended) await film.play()
  }

  /** @param {Kind} kind @returns {Promise<import('./sources.js').Source | null>} */
  async #source (kind) {
    const { height } = this.quality
    if (kind === 'screen') return openScreen({ sound: $('screen-sound', HTMLInputElement).checked, height })
    if (kind === 'file') {
      const file = $('file', HTMLInputElement).files?.[0]
      return file ? openFile(file, { loop: $('loop', HTMLInputElement).checked, onEnd: () => this.onFilmEnd() }) : null
    }
    const microphone = $('microphone', HTMLSelectElement).value
    const camera = { id: this.#facing ? '' : $('camera', HTMLSelectElement).value, facing: this.#facing }
    return openCamera({ camera, microphone: microphone === 'none' ? null : microphone, height })
  }

  /** Why what is chosen cannot be had at all; said where the picture would be. @returns {Words | null} */
  #unable () {
    if (this.kind === 'file') return null
    if (!navigator.mediaDevices) return insecure(location.host)
    return this.kind === 'screen' && !navigator.mediaDevices.getDisplayMedia ? NO_SCREEN : null
  }

  async #camera () {
    choose({ camera: $('camera', HTMLSelectElement).value })
    this.#facing = ''
    if (this.stage.source?.kind === 'camera') await this.open()
  }

  async #flip () {
    this.#facing = this.#facing === 'environment' ? 'user' : 'environment'
    this.stage.pause()
    await this.open()
  }

  async #microphone () {
    const { value } = $('microphone', HTMLSelectElement)
    choose({ microphone: value })
    if (!this.stage.source || this.stage.source.kind === 'file') return
    try {
      this.stage.hear(value === 'none' ? null : await openMicrophone(value))
      await this.#devices()
    } catch (error) {
      this.stage.hear(null)
      this.#said(sourceTrouble(error, 'camera'))
    }
    this.#show()
  }

  #loop () {
    const { checked } = $('loop', HTMLInputElement)
    choose({ loop: checked })
    if (this.#film) this.#film.loop = checked
  }

  /** Fill the lists; the devices' names are there once the user has allowed one. */
  async #devices () {
    const found = await navigator.mediaDevices?.enumerateDevices() ?? []
    const named = (/** @type {MediaDeviceKind} */ kind, /** @type {string} */ what) => found
      .filter(device => device.kind === kind && device.deviceId !== '')
      .map(({ deviceId, label }, n) => ({ value: deviceId, label: label || `${what} ${n + 1}` }))
    const cameras = named('videoinput', 'Camera')
    const microphones = named('audioinput', 'Microphone')
    const past = choices()
    const any = { value: '', label: 'The usual one' }
    const now = this.stage.source?.kind === 'camera' ? this.stage.video?.getSettings().deviceId : undefined
    fill('camera', cameras.length > 0 ? cameras : [any], now ?? past.camera ?? '')
    fill('microphone', [...(microphones.length > 0 ? microphones : [any]), { value: 'none', label: 'None' }], past.microphone ?? '')
    $('flip').hidden = !(matchMedia('(pointer: coarse)').matches && cameras.length > 1)
  }

  /** @param {Words | null} words */
  #said (words) {
    const idle = $('idle')
    idle.dataset.trouble = words ? 'yes' : ''
    text('idle-title', words?.title ?? '')
    text('idle-text', words?.text ?? '')
    // Over a picture that is there it would stand in the way.
    if (words && this.stage.video) text('said-title', words.title)
  }

  /** All of it as it is now. */
  #show () {
    const { stage, kind } = this
    const unable = this.#unable()
    const idle = $('idle')
    if (unable) this.#said(unable)
    else if (!idle.dataset.trouble || stage.ready) {
      text('idle-title', stage.ready ? 'Sound alone' : IDLE[kind].title)
      text('idle-text', stage.ready ? 'There is no picture.' : this.#onAir ? 'Viewers see nothing new meanwhile.' : IDLE[kind].text)
    }
    text('open', this.#opening ? 'One moment…' : IDLE[kind].button)
    $('open').hidden = unable !== null || stage.ready
    $('swap').hidden = unable !== null || kind === 'file' || !stage.ready || stage.source?.kind === kind
    text('swap', kind === 'screen' ? 'Choose a screen instead' : 'Show the camera instead')
    idle.hidden = stage.video !== null
    const { mixer } = stage
    this.#tool('mute', mixer.inputs > 0, mixer.muted, mixer.muted ? 'Unmute' : 'Mute')
    this.#tool('hide', stage.video !== null, stage.hidden, stage.hidden ? 'Show picture' : 'Hide picture')
    $('close', HTMLButtonElement).disabled = !stage.ready
  }

  /** @param {string} id @param {boolean} there @param {boolean} pressed @param {string} label */
  #tool (id, there, pressed, label) {
    const button = $(id, HTMLButtonElement)
    button.disabled = !there
    button.setAttribute('aria-pressed', String(there && pressed))
    const span = button.querySelector('span')
    if (span && span.textContent !== label) span.textContent = label
  }

  /** The stage has changed. */
  changed () {
    const preview = $('preview', HTMLVideoElement)
    const { video } = this.stage
    const shown = /** @type {MediaStream | null} */ (preview.srcObject)?.getTracks()[0] ?? null
    if (shown !== video) preview.srcObject = video ? new MediaStream([video]) : null
    if (video === null && !this.stage.ready) this.#film = null
    this.#show()
  }

  #spokenAt = 0

  #meter () {
    if (document.hidden) return
    const level = this.stage.mixer.level()
    const meter = $('level')
    const bar = /** @type {HTMLElement} */ (meter.firstElementChild)
    bar.style.transform = `scaleX(${level.toFixed(3)})`
    meter.classList.toggle('hot', level > HOT)
    const now = performance.now()
    if (now - this.#spokenAt < SPOKEN) return
    this.#spokenAt = now
    const percent = Math.round(level * 100)
    if (meter.getAttribute('aria-valuenow') === String(percent)) return
    meter.setAttribute('aria-valuenow', String(percent))
    meter.setAttribute('aria-valuetext', percent === 0 ? 'silent' : level > HOT ? 'too loud' : `${percent} percent`)
  }
}
