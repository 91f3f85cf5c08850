/**
 * Whether this page should upload now, apart from what its user chose (Save-Data only sets that choice's default):
 * not on a line that is paid by the byte, and not while nobody looks (a hidden tab, also one that is listened to).
 */

/**
 * @typedef {object} Facts as navigator.connection (Network Information API) and the document say
 * @property {string} [type] 'cellular', 'wifi' …
 * @property {string} [effectiveType] 'slow-2g' to '4g'; '3g' is what a busy machine or a far server looks like, too
 * @property {boolean} [hidden]
 */

/** @param {Facts} facts @returns {boolean} */
export function mayUpload ({ type, effectiveType = '', hidden }) {
  return !hidden && type !== 'cellular' && !effectiveType.endsWith('2g')
}

/** The conditions as they change. */
export class Conditions {
  /** @param {() => void} onChange `uploads` is another */
  constructor (onChange) {
    this.stop = new AbortController()
    this.uploads = current()
    const look = () => {
      const uploads = current()
      if (uploads === this.uploads) return
      this.uploads = uploads
      onChange()
    }
    const { signal } = this.stop
    globalThis.document?.addEventListener('visibilitychange', look, { signal })
    connection()?.addEventListener?.('change', look, { signal })
  }

  /** Idempotent. */
  close () { this.stop.abort() }
}

function current () {
  const { type, effectiveType } = connection() ?? {}
  return mayUpload({ type, effectiveType, hidden: globalThis.document?.visibilityState === 'hidden' })
}

/** @returns {(EventTarget & Facts) | undefined} */
export function connection () {
  return /** @type {any} */ (globalThis.navigator)?.connection
}
