/** Where picture and sound come from: asks the browser for devices, a screen, a file. */

import { FRAMES } from './quality.js'

/**
 * @typedef {object} Source
 * @property {import('./trouble.js').Kind} kind
 * @property {MediaStreamTrack | null} video
 * @property {Record<string, MediaStreamTrack | HTMLMediaElement>} sounds by the mixer's names
 * @property {() => void} close stops what is not the mixer's
 */

/** @typedef {{ id: string, facing?: string }} Which '': whichever the browser likes; `facing` on phones */

/** @param {Which} which @param {number} height lines @returns {MediaTrackConstraints} */
const picture = ({ id, facing }, height) => ({
  ...(id ? { deviceId: { exact: id } } : facing ? { facingMode: facing } : {}),
  height: { ideal: height },
  width: { ideal: Math.round(height * 16 / 9) },
  frameRate: { ideal: FRAMES, max: FRAMES }
})

/** @param {string} id @returns {MediaTrackConstraints} */
const sound = id => id ? { deviceId: { exact: id } } : {}

/**
 * Camera and microphone with one question to the user, each if there is one.
 * @param {{ camera: Which, microphone: string | null, height: number }} wanted microphone null: none
 * @returns {Promise<Source>}
 */
export async function openCamera ({ camera, microphone, height }) {
  const stream = await media({
    video: picture(camera, height),
    audio: microphone === null ? false : sound(microphone)
  })
  const [video = null] = stream.getVideoTracks()
  const [audio] = stream.getAudioTracks()
  return { kind: 'camera', video, sounds: audio ? { microphone: audio } : {}, close: () => video?.stop() }
}

/** @param {string} id '': whichever @returns {Promise<MediaStreamTrack>} */
export async function openMicrophone (id) {
  const stream = await media({ audio: sound(id) })
  return /** @type {MediaStreamTrack} */ (stream.getAudioTracks()[0])
}

/** @param {{ sound: boolean, height: number }} wanted @returns {Promise<Source>} */
export async function openScreen (wanted) {
  const stream = await navigator.mediaDevices.getDisplayMedia({
    video: { height: { max: Math.max(720, wanted.height) }, frameRate: { ideal: FRAMES, max: FRAMES } },
    audio: wanted.sound
  })
  const [video = null] = stream.getVideoTracks()
  const [audio] = stream.getAudioTracks()
  if (video) video.contentHint = 'detail' // text stays readable; frames may be fewer
  return { kind: 'screen', video, sounds: audio ? { screen: audio } : {}, close: () => video?.stop() }
}

/**
 * A film, played here.
 * @param {File} file
 * @param {{ loop: boolean, onEnd: () => void }} options
 * @returns {Promise<Source & { element: HTMLVideoElement }>}
 */
export async function openFile (file, { loop, onEnd }) {
  const element = document.createElement('video')
  const url = URL.createObjectURL(file)
  Object.assign(element, { src: url, loop, playsInline: true })
  element.addEventListener('ended', onEnd)
  const gone = new AbortController()
  const close = () => {
    gone.abort()
    element.removeEventListener('ended', onEnd)
    element.pause()
    element.removeAttribute('src')
    element.load()
    URL.revokeObjectURL(url)
  }
  try {
    await new Promise((resolve, reject) => {
      element.addEventListener('loadeddata', resolve, { once: true })
      element.addEventListener('error', reject, { once: true })
    })
  } catch {
    close()
    throw Object.assign(new Error('the browser cannot play it'), { name: 'FileError' })
  }
  const hasPicture = element.videoWidth > 0
  const video = hasPicture ? captured(element, gone.signal) : null
  // Its sound goes to the mixer, which is silent for a file without any.
  return { kind: 'file', video, sounds: { file: element }, element, close: () => { video?.stop(); close() } }
}

/** @param {HTMLVideoElement} element @param {AbortSignal} gone @returns {MediaStreamTrack} */
function captured (element, gone) {
  const able = /** @type {{ captureStream?: () => MediaStream, mozCaptureStream?: () => MediaStream }} */ (element)
  const stream = able.captureStream?.() ?? able.mozCaptureStream?.()
  const track = stream?.getVideoTracks()[0]
  if (track) return track
  // Safari has none: what it shows is drawn, frame by frame.
  const canvas = document.createElement('canvas')
  canvas.width = element.videoWidth
  canvas.height = element.videoHeight
  const paint = canvas.getContext('2d', { alpha: false })
  const draw = () => {
    if (gone.aborted) return
    paint?.drawImage(element, 0, 0)
    element.requestVideoFrameCallback(draw)
  }
  draw()
  return /** @type {MediaStreamTrack} */ (canvas.captureStream().getVideoTracks()[0])
}

/**
 * `getUserMedia`, without what the machine has not: no microphone is no reason for no picture.
 * @param {MediaStreamConstraints} constraints
 */
async function media (constraints) {
  const { mediaDevices } = navigator
  try {
    return await mediaDevices.getUserMedia(constraints)
  } catch (error) {
    const name = /** @type {Error} */ (error).name
    if (name === 'OverconstrainedError') return await mediaDevices.getUserMedia(unbound(constraints))
    if (name !== 'NotFoundError' || !constraints.video || !constraints.audio) throw error
    const kinds = new Set((await mediaDevices.enumerateDevices()).map(({ kind }) => kind))
    if (!kinds.has('videoinput') && !kinds.has('audioinput')) throw error
    return await mediaDevices.getUserMedia({
      video: kinds.has('videoinput') && constraints.video,
      audio: kinds.has('audioinput') && constraints.audio
    })
  }
}

/** The remembered device is not there: any other will do. @param {MediaStreamConstraints} constraints */
function unbound (constraints) {
  const free = (/** @type {MediaTrackConstraints | boolean | undefined} */ of) =>
    typeof of === 'object' ? { ...of, deviceId: undefined } : of
  return { video: free(constraints.video), audio: free(constraints.audio) }
}
