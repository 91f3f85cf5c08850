/**
 * Runs in every page before its own code: the same measurements for all contestants, none from their
 * counters. `window.__bench.sample(frames)` gives what follows from it.
 */
(() => {
  if (window !== window.top) return

  /** Bits of the frame number drawn into the picture (stream.py), and the size of a mark. */
  const BITS = 14
  const SIZE = 24
  /** A wait shorter than this is three frames: nobody sees it. ms */
  const UNSEEN_MS = 100

  // ---- playing, waiting

  const played = { first: null, stalls: 0, stalledMs: 0, since: null, jumps: 0 }
  const settle = now => {
    if (played.since !== null && now - played.since >= UNSEEN_MS) {
      played.stalls += 1
      played.stalledMs += now - played.since
    }
    played.since = null
  }
  window.addEventListener('playing', () => {
    const now = performance.now()
    played.first ??= now
    settle(now)
  }, true)
  // A wait inside a player's own jump is a wait: the viewer sees it.
  window.addEventListener('waiting', () => {
    if (played.first !== null) played.since ??= performance.now()
  }, true)
  window.addEventListener('seeking', () => { if (played.first !== null) played.jumps += 1 }, true)
  // Where no `playing` follows (a jump within the buffer), movement ends the wait.
  window.addEventListener('timeupdate', event => {
    const { readyState, paused, seeking } = /** @type {HTMLVideoElement} */ (event.target)
    if (played.since !== null && readyState >= 3 && !paused && !seeking) settle(performance.now())
  }, true)

  // ---- peer connections: weakly held, for a page that drops them must be free to

  const rtc = { made: 0, sent: 0, received: 0 }
  const open = new Set()
  const Native = window.RTCPeerConnection
  const read = async pc => {
    let sent = 0
    let received = 0
    for (const report of (await pc.getStats()).values()) {
      if (report.type !== 'transport') continue
      sent += report.bytesSent
      received += report.bytesReceived
    }
    return { sent, received }
  }
  const note = (entry, now) => {
    rtc.sent += Math.max(0, now.sent - entry.sent)
    rtc.received += Math.max(0, now.received - entry.received)
    entry.sent = Math.max(entry.sent, now.sent)
    entry.received = Math.max(entry.received, now.received)
  }
  const entries = new WeakMap()
  window.RTCPeerConnection = new Proxy(Native, {
    construct (target, args, newTarget) {
      const pc = Reflect.construct(target, args, newTarget)
      rtc.made += 1
      const entry = { ref: new WeakRef(pc), sent: 0, received: 0 }
      entries.set(pc, entry)
      open.add(entry)
      return pc
    }
  })
  const close = Native.prototype.close
  Native.prototype.close = function () {
    const entry = entries.get(this)
    if (entry && open.delete(entry)) read(this).then(now => note(entry, now), () => {})
    return close.call(this)
  }
  const count = async () => {
    for (const entry of [...open]) {
      const pc = entry.ref.deref()
      if (pc === undefined) open.delete(entry)
      else await read(pc).then(now => note(entry, now), () => {})
    }
  }

  // ---- which frame is on the screen

  const canvas = new OffscreenCanvas((BITS + 2) * 3, 6)
  const pen = canvas.getContext('2d', { willReadFrequently: true })
  const frame = video => {
    const width = (BITS + 2) * SIZE
    pen.drawImage(video, 0, 0, width, SIZE * 2, 0, 0, canvas.width, canvas.height)
    const { data } = pen.getImageData(0, 0, canvas.width, canvas.height)
    const white = (x, y) => data[((y * 3 + 1) * canvas.width + x * 3 + 1) * 4] > 127
    let number = 0
    for (let x = 0; x < BITS + 2; x++) {
      // The second row is the first inverted: anything else is no mark of ours.
      if (white(x, 0) === white(x, 1)) return null
      if (x >= 2 && white(x, 0)) number += 2 ** (x - 2)
    }
    return white(0, 0) && !white(1, 0) ? number : null
  }

  const ahead = ({ buffered, currentTime }) => {
    for (let i = 0; i < buffered.length; i++) {
      if (buffered.start(i) <= currentTime && buffered.end(i) >= currentTime) return buffered.end(i) - currentTime
    }
    return 0
  }

  window.__bench = {
    async sample () {
      await count()
      const video = document.querySelector('video')
      const now = performance.now()
      const seen = video && video.readyState >= 2 ? frame(video) : null
      const waiting = played.since === null ? 0 : now - played.since
      return {
        at: Date.now() / 1000,
        frame: seen,
        ahead: video ? ahead(video) : 0,
        startMs: played.first,
        stalls: played.stalls + (waiting >= UNSEEN_MS ? 1 : 0),
        stalledMs: played.stalledMs + (waiting >= UNSEEN_MS ? waiting : 0),
        jumps: played.jumps,
        connections: rtc.made,
        sent: rtc.sent,
        received: rtc.received,
        heap: performance.memory?.usedJSHeapSize ?? 0
      }
    }
  }
})()
