/** What the server says of the stream on the page: its title, its viewers, and whether it is being recorded. */

/** Viewers come and go; a recording that begins is soon offered. ms */
const EVERY = 15_000
const TIMEOUT = 10_000
/** How a recording that goes on is named; a live stream has no title to ask for. */
const RECORDING = /-\d{8}-\d{6}$/

export class About {
  title = ''
  viewers = 0
  /** The stream that its recording is, while it goes on; '': none. */
  recording = ''
  #asking = false
  /** A finished one changes no more. */
  #over = false
  /** Its title was asked for, as far as it has one. */
  #titled = false
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #timer

  /** @param {string} api its address @param {string} name percent-encoded */
  constructor (api, name) {
    this.api = api
    this.name = name
  }

  /** Asked once there is something to be asked about. @param {import('../player.js').State} state */
  tell (state) {
    if (state !== 'playing' || this.#timer !== undefined) return
    this.#timer = setInterval(() => this.#ask(), EVERY)
    this.#ask()
  }

  /** @param {'streams' | 'recordings'} kind @returns {Promise<Record<string, unknown>>} empty: there is none */
  async #get (kind) {
    const answer = await fetch(`${this.api}/${kind}/${this.name}`, { signal: AbortSignal.timeout(TIMEOUT) })
    return answer.ok ? answer.json() : {}
  }

  /** Whether it is a recording, or live and something new has come lately. */
  async onAir () {
    const { live, onAir } = await this.#get('streams')
    return live === false || onAir !== false
  }

  async #ask () {
    if (this.#asking || this.#over || document.hidden) return
    this.#asking = true
    try {
      const { viewers, recording, live } = await this.#get('streams')
      if (typeof viewers === 'number') this.viewers = viewers
      this.recording = typeof recording === 'string' ? recording : ''
      if (!this.#titled && (live === false || RECORDING.test(this.name))) {
        this.#titled = true
        const { title } = await this.#get('recordings')
        if (typeof title === 'string') this.title = title
      }
      this.#over = live === false
    } catch {
      // The next time will do.
    } finally {
      this.#asking = false
    }
  }
}
