/** What an embedding page wrote into its script tag. Pure. */

/**
 * @typedef {object} EmbedOptions
 * @property {string} url the stream's playlist
 * @property {string | null} mode
 * @property {boolean} muted
 * @property {boolean} controls
 * @property {boolean} sharing
 * @property {string} width CSS length
 */

/**
 * @param {Record<string, string | undefined>} data `script.dataset`
 * @param {string} src the script's own absolute URL: the stream lives where it came from
 * @returns {EmbedOptions | string} a string says what is wrong, for the page's author
 */
export function embedOptions ({ stream, mode, muted, controls, sharing, width }, src) {
  if (!stream) return 'data-stream is missing: <script src="…/embed.js" data-stream="NAME"></script>'
  if (stream === '.' || stream === '..' || stream.includes('/')) return `data-stream="${stream}" is not a stream's name`
  return {
    url: new URL(`live/${encodeURIComponent(stream)}/master.m3u8`, src).href,
    mode: mode ?? null,
    muted: on(muted),
    controls: on(controls),
    sharing: on(sharing),
    width: width === undefined ? '100%' : /^\d+$/.test(width) ? `${width}px` : width
  }
}

/** @param {string | undefined} value all switches are on unless turned off */
const on = value => !/^(?:false|off|no|0)$/i.test(value ?? '')
