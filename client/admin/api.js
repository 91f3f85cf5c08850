/** Asks the server's API, with the admin's token. */

/** The server said no. `status` 0: it did not answer. */
export class ApiError extends Error {
  /** @param {number} status @param {string} message */
  constructor (status, message) {
    super(message)
    this.name = 'ApiError'
    this.status = status
  }
}

/** Longer than any answer takes that is not going to fail, ms. */
const PATIENCE_MS = 20_000

export class Api {
  #token
  #signal

  /** @param {string} token @param {AbortSignal} signal ends what is under way */
  constructor (token, signal) {
    this.#token = token
    this.#signal = signal
  }

  /**
   * @param {string} method
   * @param {string} path beginning with `/`
   * @param {object} [body]
   * @returns {Promise<any>} the answer's JSON; rejects with an ApiError
   */
  async ask (method, path, body) {
    /** @type {Response} */
    let response
    try {
      response = await fetch(path, {
        method,
        headers: { authorization: `Bearer ${this.#token}`, ...(body ? { 'content-type': 'application/json' } : {}) },
        ...(body ? { body: JSON.stringify(body) } : {}),
        cache: 'no-store',
        redirect: 'error',
        signal: AbortSignal.any([this.#signal, AbortSignal.timeout(PATIENCE_MS)])
      })
    } catch {
      throw new ApiError(0, 'The server does not answer.')
    }
    const found = await response.json().catch(() => ({}))
    if (!response.ok) throw new ApiError(response.status, sentence(found.error ?? `The server answered ${response.status}`))
    return found
  }

  /** @param {string} path */
  get (path) { return this.ask('GET', path) }
}

/** The server's one-line errors as sentences. @param {unknown} line */
function sentence (line) {
  const text = String(line)
  return text.charAt(0).toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? '' : '.')
}
