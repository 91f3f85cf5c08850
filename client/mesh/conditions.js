/** How things are for this page, as far as they speak for or against uploading (policy.js judges). */

/**
 * @typedef {object} Line as navigator.connection says (Network Information API)
 * @property {string} [type]
 * @property {string} [effectiveType]
 * @property {boolean} [saveData]
 */

/** @returns {Line & { hidden: boolean }} */
export function conditions () {
  const { type, effectiveType, saveData } = connection() ?? {}
  return { type, effectiveType, saveData, hidden: globalThis.document?.visibilityState === 'hidden' }
}

/** Be told when they may have changed. @param {() => void} look @param {AbortSignal} signal */
export function watchConditions (look, signal) {
  globalThis.document?.addEventListener('visibilitychange', look, { signal })
  connection()?.addEventListener?.('change', look, { signal })
}

/** @returns {(EventTarget & Line) | undefined} */
export function connection () {
  return /** @type {any} */ (globalThis.navigator)?.connection
}
