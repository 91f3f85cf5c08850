/** What the recorder is asked to make. Pure. */

/**
 * H.264 first, for the server copies it; and before MP4 what gives each frame as it comes, where Chromium's MP4 gives
 * a second at once. Of the rest what costs least to make.
 */
const WITH_PICTURE = [
  'video/x-matroska;codecs=avc1,opus',
  'video/webm;codecs=h264,opus',
  'video/mp4;codecs=avc1.42E01F,mp4a.40.2',
  'video/mp4;codecs=avc1.42E01F,opus',
  'video/webm;codecs=vp8,opus',
  'video/webm;codecs=vp9,opus',
  'video/webm',
  'video/mp4'
]
const SOUND_ALONE = ['audio/webm;codecs=opus', 'audio/mp4;codecs=mp4a.40.2', 'audio/webm', 'audio/mp4']

/**
 * @param {(type: string) => boolean} supported `MediaRecorder.isTypeSupported`
 * @param {{ video: boolean, audio: boolean }} tracks
 * @returns {string} '' when none of them is; the recorder's own choice is then as good as any
 */
export function recorderType (supported, { video, audio }) {
  const types = !video ? SOUND_ALONE : audio ? WITH_PICTURE : WITH_PICTURE.map(pictureAlone)
  return types.find(supported) ?? ''
}

/** A type that names a codec for sound promises a track. @param {string} type */
const pictureAlone = type => type.replace(/,.*/, '')

/** @param {string} type @returns {string} for people: `H.264`, `VP8` … */
export function codecName (type) {
  if (/avc[13]|h264/i.test(type)) return 'H.264'
  if (/hvc1|hev1|h265/i.test(type)) return 'H.265'
  if (/av0?1/i.test(type)) return 'AV1'
  return (/vp[89]/i.exec(type)?.[0] ?? type.split(';')[0]?.split('/')[1] ?? '').toUpperCase()
}
