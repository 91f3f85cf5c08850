/** What an embedding page wrote into its script tag. Pure. */

/**
 * @typedef {object} EmbedOptions
 * @property {string} url absolute, of a multivariant or media playlist; '' when `worker` is there
 * @property {string | null} worker absolute URL of the site's copy of the service worker: no player of ours is wanted
 * @property {boolean} register whether the worker is ours to register; else the site does
 * @property {string} title
 * @property {string | null} mode
 * @property {boolean} muted
 * @property {boolean} controls
 * @property {import('./types').Terms & { iceServers: string[] }} engineOptions what the page allows (policy.js)
 * @property {import('./notice.js').Words} notice
 * @property {string} width CSS length
 */

const MODES = new Set(['loader', 'http', 'p2p-only', 'service-worker'])

/**
 * @param {Record<string, string | undefined>} data `script.dataset`
 * @param {string} script the script's own absolute URL: the stream `data-stream` names lives where it came from
 * @param {string} page what `data-src` is relative to (document.baseURI)
 * @returns {EmbedOptions | string} a string says what is wrong, for the page's author
 */
export function embedOptions (data, script, page) {
  const { stream, src, worker, register, mode, muted, controls, width } = data
  if (stream && src) return 'data-stream and data-src are both there: one of them says what is played'
  if (worker && (stream || src)) return 'data-worker is for players of your own: data-stream and data-src belong into another script tag'
  if (!stream && !src && !worker) return 'data-stream is missing: <script src="…/embed.js" data-stream="NAME"></script> (or data-src="URL")'
  const file = worker ? address(worker, page) : null
  if (worker && (file === null || new URL(file).origin !== new URL(page).origin)) {
    return `data-worker="${worker}" is not a file of this site: browsers take no service worker from another`
  }
  const url = worker ? '' : stream ? hosted(stream, script) : address(src, page)
  if (url === null) return stream ? `data-stream="${stream}" is not a stream's name` : `data-src="${src}" is not the address of a playlist`
  const allowed = terms(data)
  if (typeof allowed === 'string') return allowed
  const way = mode?.toLowerCase()
  if (way && !MODES.has(way)) return `data-mode="${mode}" is none of ${[...MODES].join(', ')}`
  const { ice = '', notice: text, noticeYes: yes, noticeNo: no } = data
  return {
    url,
    worker: file,
    register: on(register),
    title: stream ?? '',
    mode: way || null,
    muted: on(muted),
    controls: on(controls),
    engineOptions: { ...allowed, iceServers: ice.split(',').map(url => url.trim()).filter(Boolean) },
    notice: { text, yes, no },
    width: width === undefined ? '100%' : /^\d+$/.test(width) ? `${width}px` : width
  }
}

/**
 * What viewers may exchange. Nothing is guessed: a page that means to restrict something does, or is told.
 * @param {Record<string, string | undefined>} data
 * @returns {import('./types').Terms | string}
 */
function terms (data) {
  const { sharing = 'on', uploadOnCellular, uploadWhenHidden, iceTransportPolicy = 'all' } = data
  const word = /^ask$/i.test(sharing) ? 'ask' : /^(?:true|on|yes|1|)$/i.test(sharing) ? 'on' : on(sharing) ? '' : 'off'
  if (!word) return `data-sharing="${sharing}" is none of on, ask and off`
  if (iceTransportPolicy !== 'all' && iceTransportPolicy !== 'relay') {
    return `data-ice-transport-policy="${iceTransportPolicy}" is neither all nor relay`
  }
  /** @type {Record<string, number>} */
  const numbers = {}
  for (const [key, attribute] of Object.entries({ maxUpload: 'max-upload', maxRatio: 'max-ratio', minViewers: 'min-viewers' })) {
    const text = data[key]
    if (text === undefined) continue
    if (!/^\d+(?:\.\d+)?$/.test(text)) return `data-${attribute}="${text}" is not a number`
    numbers[key] = Number(text)
  }
  return {
    sharing: word,
    ...numbers,
    ...(uploadOnCellular !== undefined && { uploadOnCellular: on(uploadOnCellular) }),
    ...(uploadWhenHidden !== undefined && { uploadWhenHidden: on(uploadWhenHidden) }),
    iceTransportPolicy
  }
}

/** @param {string} stream @param {string} script */
function hosted (stream, script) {
  if (stream === '.' || stream === '..' || stream.includes('/')) return null
  return new URL(`live/${encodeURIComponent(stream)}/master.m3u8`, script).href
}

/** @param {string | undefined} src @param {string} page */
function address (src = '', page) {
  try {
    const { protocol, href } = new URL(src, page)
    return protocol === 'https:' || protocol === 'http:' ? href : null
  } catch {
    return null
  }
}

/** @param {string | undefined} value all switches are on unless turned off */
const on = value => !/^(?:false|off|no|0)$/i.test(value ?? '')
