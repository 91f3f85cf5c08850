/**
 * Runs in a page before its own code and notes when each step of joining was reached, ms from navigation:
 * `window.steps`. What is not ours to ask is looked at from outside, every 2 ms.
 */
window.steps = {}
const mark = name => { window.steps[name] ??= performance.now() }

const Socket = WebSocket
window.WebSocket = class extends Socket {
  constructor (...args) {
    super(...args)
    mark('tracker: socket made')
    this.addEventListener('open', () => mark('tracker: socket open'))
    this.addEventListener('message', event => {
      const message = JSON.parse(event.data)
      mark(`tracker: ${message.answer ? 'an answer' : message.offer ? 'an offer' : 'the count'}`)
    })
  }

  send (data) {
    if (JSON.parse(data).offers?.length) mark('tracker: offers sent')
    super.send(data)
  }
}

const PeerConnection = RTCPeerConnection
window.RTCPeerConnection = class extends PeerConnection {
  constructor (...args) {
    super(...args)
    mark('connection made')
    this.addEventListener('connectionstatechange', () => { if (this.connectionState === 'connected') mark('connected') })
  }

  createDataChannel (label, options) {
    const channel = super.createDataChannel(label, options)
    if (label === 'wire') {
      channel.addEventListener('message', event => {
        mark('first sub-stream')
        if (event.data.byteLength > 1024) mark('first block of a peer')
      })
    }
    return channel
  }
}

const fetched = window.fetch
window.fetch = async (...args) => {
  const url = String(args[0]?.url ?? args[0])
  if (url.includes('master')) mark('multivariant playlist asked')
  if (url.endsWith('.m4s')) mark('first segment asked of the origin')
  const answer = await fetched(...args)
  if (url.includes('.m3u8')) mark(url.includes('master') ? 'multivariant playlist' : 'playlist')
  return answer
}

window.addEventListener('playing', () => mark('first picture'), true)

const looking = setInterval(() => {
  const [player] = window.liveTorrent?.players ?? []
  if (!player) return
  mark('player made')
  if (!player.engine.watched) {
    const { engine } = player
    const segment = engine.segment.bind(engine)
    engine.watched = true
    engine.segment = (...args) => {
      mark('first segment asked')
      return segment(...args).then(got => { mark('first segment there'); return got })
    }
  }
  if (player.stats().peers > 0) mark('first link up')
  if (window.steps['first link up'] && window.steps['first segment there']) clearInterval(looking)
}, 2)
