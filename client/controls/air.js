/** A live stream whose encoder has stopped leaves a picture that stands still: somebody has to say so. */

/** Between two looks, ms: the word is no later than a person would begin to wonder. */
const LOOK = 2000
/** Looks in a row at a picture that has not moved: a slow line is not taken for the stream's end. */
const STILL = 3

/**
 * @param {HTMLVideoElement} video
 * @param {() => Promise<boolean>} onAir whether something new of it has come lately, as the server says
 * @param {(on: boolean) => void} tell each change
 */
export function watchAir (video, onAir, tell) {
  let at = video.currentTime
  let still = 0
  let away = false
  let asking = false
  setInterval(async () => {
    const stands = video.currentTime === at && !video.paused && !video.ended && !video.seeking
    at = video.currentTime
    still = stands ? still + 1 : 0
    if (!stands && away) tell(!(away = false))
    if (still < STILL || away || asking || document.hidden) return
    asking = true
    const on = await onAir().catch(() => true) // who does not answer says nothing of the stream
    asking = false
    if (!on && still >= STILL) tell(!(away = true))
  }, LOOK)
}
