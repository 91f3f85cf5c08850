/** Full screen, and a small picture over everything else: each browser's way. */

/** WebKit's own names; iPhones know no others. */
/** @typedef {HTMLVideoElement & { webkitEnterFullscreen?: () => void, webkitSupportsFullscreen?: boolean }} WebKitVideo */

/** Whether any way leads there. @param {WebKitVideo} video */
export const canFill = video => document.fullscreenEnabled || typeof video.webkitEnterFullscreen === 'function'

export const fills = () => document.fullscreenElement !== null

/** The whole page with its controls; where only pictures may (iPhones), the picture. @param {WebKitVideo} video */
export function toggleFill (video) {
  if (fills()) document.exitFullscreen().catch(() => {}) // left meanwhile
  else if (document.fullscreenEnabled) document.documentElement.requestFullscreen().catch(() => {}) // the frame may not
  else video.webkitEnterFullscreen?.()
}

/** @param {HTMLVideoElement} video */
export const canFloat = video => document.pictureInPictureEnabled === true && !video.disablePictureInPicture

/** @param {HTMLVideoElement} video */
export function toggleFloat (video) {
  if (document.pictureInPictureElement) document.exitPictureInPicture().catch(() => {}) // left meanwhile
  else if (video.readyState > 0) video.requestPictureInPicture().catch(() => {}) // not allowed here
}
