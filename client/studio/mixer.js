/**
 * All sound that is sent, as one track that stays the same whatever is plugged in or out: neither a recorder nor a
 * WebRTC sender notices a change of microphone.
 */

/** What the meter shows at its left end, dB below full scale: quieter than any room. */
const QUIET = -60

/** @typedef {{ gain: GainNode, meter: AnalyserNode, out: MediaStreamAudioDestinationNode, samples: Float32Array<ArrayBuffer> }} Chain */

export class Mixer {
  /** @type {AudioContext | null} */
  #context = null
  /** @type {Chain | null} */
  #chain = null
  /** @type {Map<string, { node: AudioNode, track: MediaStreamTrack | null }>} by what it is: microphone, screen, file */
  #inputs = new Map()
  #muted = false

  /** How many inputs there are: without one there is nothing to hear. */
  get inputs () { return this.#inputs.size }

  get muted () { return this.#muted }

  set muted (muted) {
    this.#muted = muted
    if (this.#chain && this.#context) {
      // Not at once: a step clicks.
      this.#chain.gain.gain.setTargetAtTime(muted ? 0 : 1, this.#context.currentTime, 0.01)
    }
  }

  /**
   * @param {string} name
   * @param {MediaStreamTrack | HTMLMediaElement | null} source null: unplug; a track is stopped then
   */
  plug (name, source) {
    const before = this.#inputs.get(name)
    if (before) {
      before.node.disconnect()
      before.track?.stop()
      this.#inputs.delete(name)
    }
    if (source === null) return
    const context = this.#ready()
    const chain = /** @type {Chain} */ (this.#chain)
    const node = source instanceof HTMLMediaElement
      ? context.createMediaElementSource(source)
      : context.createMediaStreamSource(new MediaStream([source]))
    node.connect(chain.gain)
    this.#inputs.set(name, { node, track: source instanceof HTMLMediaElement ? null : source })
  }

  /** The one track; made when it is first asked for. Call it from a click: else browsers keep it silent. */
  get track () {
    this.#ready()
    return /** @type {MediaStreamTrack} */ (this.#chain?.out.stream.getAudioTracks()[0])
  }

  /** How loud it is now: 0 (nothing) to 1 (as loud as can be), over what the meter can show. */
  level () {
    const chain = this.#chain
    if (chain === null || this.#inputs.size === 0) return 0
    chain.meter.getFloatTimeDomainData(chain.samples)
    let sum = 0
    for (const sample of chain.samples) sum += sample * sample
    const decibels = 10 * Math.log10(sum / chain.samples.length + 1e-12)
    return Math.min(1, Math.max(0, 1 - (decibels + 3) / (QUIET + 3)))
  }

  async close () {
    for (const name of [...this.#inputs.keys()]) this.plug(name, null)
    const context = this.#context
    this.#context = this.#chain = null
    await context?.close()
  }

  #ready () {
    if (this.#context === null) {
      // Nothing is played here, so no loudspeaker is needed (browsers that do not know this take the usual one).
      const context = new AudioContext(/** @type {AudioContextOptions} */ ({ latencyHint: 'interactive', sinkId: { type: 'none' } }))
      const gain = context.createGain()
      const meter = context.createAnalyser()
      const out = context.createMediaStreamDestination()
      meter.fftSize = 2048
      gain.gain.value = this.#muted ? 0 : 1
      gain.connect(meter)
      gain.connect(out)
      this.#context = context
      this.#chain = { gain, meter, out, samples: new Float32Array(meter.fftSize) }
    }
    if (this.#context.state !== 'running') this.#context.resume().catch(() => {}) // without a click; the next one does
    return this.#context
  }
}
