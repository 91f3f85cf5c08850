/**
 * Candidates for a session description that is sent once, for the tracker cannot trickle. Chromium has its own
 * addresses within some 20 ms and says that it is done some 100 ms later, and a STUN server that is out of reach
 * holds that up for seconds: nobody waits for either longer than for what a candidate may be worth.
 */

/** Own addresses come together: none for so long, and all are there, ms. */
const QUIET = 40
/** For an answer of a STUN server, ms; once it was in vain, the shorter. */
const STUN = 800
const STUN_AGAIN = 200
/** When there is nothing at all, ms. */
const NONE = 1500

/** Whether a STUN server that was asked last did not answer in time; what one connection found out serves the next. */
let stunSilent = false

/**
 * @param {RTCPeerConnection} pc its local description is set
 * @param {boolean} stun whether it has ICE servers to ask
 * @returns {Promise<RTCSessionDescriptionInit>} with the candidates in it
 */
export async function gathered (pc, stun) {
  const began = performance.now()
  let reflexive = false
  await new Promise(resolve => {
    const stop = new AbortController()
    /** @type {ReturnType<typeof setTimeout>} */
    let timer
    const end = () => {
      stop.abort()
      clearTimeout(timer)
      resolve(undefined)
    }
    const wait = (/** @type {number} */ ms) => {
      clearTimeout(timer)
      timer = setTimeout(end, ms)
    }
    wait(NONE)
    if (pc.iceGatheringState === 'complete') return end()
    const { signal } = stop
    pc.addEventListener('icegatheringstatechange', () => { if (pc.iceGatheringState === 'complete') end() }, { signal })
    pc.addEventListener('icecandidate', ({ candidate }) => {
      if (!candidate) return end()
      reflexive ||= candidate.type === 'srflx'
      const stunLeft = began + (stunSilent ? STUN_AGAIN : STUN) - performance.now()
      wait(stun && !reflexive ? Math.max(QUIET, stunLeft) : QUIET)
    }, { signal })
  })
  if (stun) stunSilent = !reflexive
  const { type, sdp } = /** @type {RTCSessionDescription} */ (pc.localDescription)
  return { type, sdp }
}
