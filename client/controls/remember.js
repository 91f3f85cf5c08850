/** What a viewer set, for this site and browser. Without a storage, as in some frames, it holds for the page. */

const KEY = 'live-torrent.player'

/**
 * @typedef {object} Remembered
 * @property {number} volume 0 to 1
 * @property {boolean} silent the viewer turned the sound off: who has not is told how to turn it on
 * @property {boolean} figures the statistics are shown
 */

/** @returns {Remembered} */
export function recall () {
  /** @type {Partial<Record<keyof Remembered, unknown>>} */
  let found = {}
  try { found = JSON.parse(localStorage.getItem(KEY) ?? '{}') ?? {} } catch { /* forbidden, or not ours */ }
  const { volume, silent, figures } = found
  return {
    volume: typeof volume === 'number' && volume >= 0 && volume <= 1 ? volume : 1,
    silent: silent === true,
    figures: figures === true
  }
}

/** @param {Remembered} values */
export function remember (values) {
  try { localStorage.setItem(KEY, JSON.stringify(values)) } catch { /* full or forbidden */ }
}
