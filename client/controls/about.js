/** What the server says of the stream on the page: its title, its viewers, and whether it is being recorded. */

/** Viewers come and go; a recording that begins is soon offered. ms */
const EVERY = 15_000
const TIMEOUT = 10_000

export class About {
  title = ''
  viewers = 0
  /** The stream that its recording is, while it goes on; '': none. */
  recording = ''
  #asking = false
  /** A finished one changes no more. */
  #over = false
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #timer

  /** @param {string} url of the API */
  constructor (url) { this.url = url }

  /** Asked once there is something to be asked about. @param {import('../player.js').State} state */
  tell (state) {
    if (state !== 'playing' || this.#timer !== undefined) return
    this.#timer = setInterval(() => this.#ask(), EVERY)
    this.#ask()
  }

  async #ask () {
    if (this.#asking || this.#over || document.hidden) return
    this.#asking = true
    try {
      const answer = await fetch(this.url, { signal: AbortSignal.timeout(TIMEOUT) })
      const found = answer.ok ? await answer.json() : {}
      const { title, viewers, recording, live } = found
      if (typeof title === 'string') this.title = title
      if (typeof viewers === 'number') this.viewers = viewers
      this.recording = typeof recording === 'string' ? recording : ''
      this.#over = live === false
    } catch {
      // The next time will do.
    } finally {
      this.#asking = false
    }
  }
}
