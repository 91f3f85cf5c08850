/** What is sent now: one picture and the mixed sound, whatever they come from. */

import { Mixer } from './mixer.js'

/** @typedef {import('./sources.js').Source} Source */

export class Stage {
  mixer = new Mixer()
  /** @type {Source | null} */
  source = null
  #hidden = false
  /** Told of a new picture, a sound that came to a silent stage or left it; and of a picture that ended by itself. */
  onChange = () => {}
  onGone = () => {}

  /** @type {MediaStreamTrack | null} */
  get video () { return this.source?.video ?? null }

  get sounds () { return this.mixer.inputs > 0 }

  /** Something can be sent. */
  get ready () { return this.video !== null || this.sounds }

  /** The picture is black. */
  get hidden () { return this.#hidden }

  set hidden (hidden) {
    this.#hidden = hidden
    if (this.video) this.video.enabled = !hidden
  }

  /** Tracks for a recorder: for each a stream of its own, for a stream whose tracks change ends a recorder. */
  stream () {
    const tracks = this.video ? [this.video] : []
    if (this.sounds) tracks.push(this.mixer.track)
    return new MediaStream(tracks)
  }

  /** @param {Source} source in place of the present one, which is closed */
  show (source) {
    const before = this.source
    this.source = source
    const { video } = source
    if (video) {
      video.enabled = !this.#hidden
      video.addEventListener('ended', () => { if (this.source === source) this.onGone() })
    }
    for (const name of ['screen', 'file']) this.mixer.plug(name, source.sounds[name] ?? null)
    if (source.sounds.microphone) this.mixer.plug('microphone', source.sounds.microphone)
    if (before !== source) before?.close()
    this.onChange()
  }

  /** @param {MediaStreamTrack | null} microphone */
  hear (microphone) {
    const before = this.sounds
    this.mixer.plug('microphone', microphone)
    if (this.sounds !== before) this.onChange()
  }

  /** Its picture only: phones have no second camera while the first is on. */
  pause () { this.source?.video?.stop() }

  /** Its picture has ended by itself: whatever is heard beside it stays. */
  leave () {
    this.source?.close()
    this.source = null
    this.mixer.plug('screen', null)
    this.onChange()
  }

  clear () {
    this.source?.close()
    this.source = null
    for (const name of ['screen', 'file', 'microphone']) this.mixer.plug(name, null)
    this.onChange()
  }

  /** A picture of so many lines at most, where its source can. @param {number} height */
  async fit (height) {
    const { video } = this
    if (!video || this.source?.kind === 'file') return
    try {
      const size = { height: { ideal: height }, width: { ideal: Math.round(height * 16 / 9) } }
      await video.applyConstraints({ ...video.getConstraints(), ...size })
    } catch { /* it stays as large as it is */ }
  }
}
