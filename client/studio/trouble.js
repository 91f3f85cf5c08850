/** Why there is no picture or sound, in words that help. Pure. */

/** @typedef {import('./outcome.js').Words} Words */
/** @typedef {'camera' | 'screen' | 'file'} Kind */

/** @param {string} address the page's own @returns {Words} */
export const insecure = address => ({
  title: 'Camera and screen need HTTPS',
  text: `Browsers give them to no page over plain HTTP, as this one from ${address}. The operator turns HTTPS on ` +
    'with --tls-cert and --tls-key, or --tls-self-signed. A video file can be sent even so.'
})

/** @type {Words} */
export const NO_SENDER = {
  title: 'This browser cannot send video',
  text: 'It has neither a recorder nor WebRTC. A current Chrome, Edge, Firefox or Safari has both.'
}
/** @type {Words} */
export const NO_SCREEN = { title: 'This browser cannot share a screen', text: 'Browsers on phones cannot. Use the camera or a file.' }

/**
 * @param {unknown} error of getUserMedia or getDisplayMedia, or of a file
 * @param {Kind} kind
 * @returns {Words}
 */
export function sourceTrouble (error, kind) {
  const name = error instanceof Error || error instanceof DOMException ? error.name : ''
  const what = kind === 'screen' ? 'screen' : 'camera or microphone'
  switch (name) {
    case 'NotAllowedError': case 'SecurityError':
      return kind === 'screen'
        ? { title: 'No screen was chosen', text: 'Choose one in the browser’s window. If there is none, the system may forbid this browser to record the screen.' }
        : { title: 'Camera and microphone are not allowed', text: 'Allow them for this page (the sign at the left of the address), then try again.' }
    case 'NotFoundError': case 'DevicesNotFoundError':
      return { title: `No ${what} was found`, text: 'Connect one, or send a screen or a video file.' }
    case 'NotReadableError': case 'TrackStartError': case 'AbortError':
      return { title: `The ${what} cannot be read`, text: 'Another program may be using it. Close that, then try again.' }
    case 'OverconstrainedError':
      return { title: `This ${what} is not there any more`, text: 'Choose another one.' }
    case 'FileError':
      return { title: 'The browser cannot play this file', text: 'MP4 (H.264, AAC) and WebM work in every browser.' }
    default:
      return { title: `The ${kind} cannot be used`, text: error instanceof Error ? error.message : '' }
  }
}
