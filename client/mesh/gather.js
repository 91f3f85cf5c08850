/**
 * Candidates for a session description that is sent once, for the tracker cannot trickle. Chromium has its own
 * addresses within some 20 ms and says that it is done some 100 ms later, and a STUN or TURN server that is out of
 * reach holds that up for seconds: nobody waits for either longer than for what a candidate may be worth.
 */

/** Own addresses come together: none for so long, and all are there, ms. */
const QUIET = 40
/** For an answer of a STUN or TURN server, ms; once it was in vain, the shorter. */
const SERVER = 800
const SERVER_AGAIN = 200
/** When there is nothing at all, ms. */
const NONE = 1500

/** Whether the servers that were asked last did not answer in time; what one connection found out serves the next. */
let silent = false

/**
 * @param {RTCPeerConnection} pc its local description is set
 * @param {'' | 'srflx' | 'relay'} last the kind of candidate that its ICE servers give last; '': there are none
 * @returns {Promise<RTCSessionDescriptionInit>} with the candidates in it
 */
export async function gathered (pc, last) {
  const began = performance.now()
  let there = false
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
      there ||= candidate.type === last
      const left = began + (silent ? SERVER_AGAIN : SERVER) - performance.now()
      wait(last && !there ? Math.max(QUIET, left) : QUIET)
    }, { signal })
  })
  if (last) silent = !there
  const { type, sdp } = /** @type {RTCSessionDescription} */ (pc.localDescription)
  return { type, sdp }
}
