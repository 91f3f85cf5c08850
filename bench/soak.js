/**
 * Runs in a viewer's page before anything else: counts what browsers limit. Objects are held weakly, so that
 * what was collected is gone from the count, and what is only closed still shows.
 */
{
  const alive = { connections: new Set(), channels: new Set() }
  const timers = new Map()
  const made = { connections: 0 }

  const Native = globalThis.RTCPeerConnection
  globalThis.RTCPeerConnection = class extends Native {
    constructor (...args) {
      super(...args)
      made.connections += 1
      alive.connections.add(new WeakRef(this))
      this.addEventListener('datachannel', ({ channel }) => alive.channels.add(new WeakRef(channel)))
    }

    createDataChannel (...args) {
      const channel = super.createDataChannel(...args)
      alive.channels.add(new WeakRef(channel))
      return channel
    }
  }

  // A timeout is there until it fires, an interval until it is cleared.
  for (const [set, clear, once] of [['setTimeout', 'clearTimeout', true], ['setInterval', 'clearInterval', false]]) {
    const [start, stop] = [globalThis[set].bind(globalThis), globalThis[clear].bind(globalThis)]
    globalThis[set] = (then, ms, ...args) => {
      const id = start((...given) => { if (once) timers.delete(id); return then(...given) }, ms, ...args)
      timers.set(id, set)
      return id
    }
    globalThis[clear] = id => { timers.delete(id); stop(id) }
  }

  const left = (/** @type {Set<WeakRef<any>>} */ set) => {
    for (const ref of set) if (ref.deref() === undefined) set.delete(ref)
    return [...set].map(ref => ref.deref())
  }

  globalThis.soak = () => {
    const connections = left(alive.connections)
    const channels = left(alive.channels)
    const video = document.querySelector('video')
    const { stats, players: [player] } = globalThis.liveTorrent
    const told = stats()
    return {
      connections: connections.length,
      open: connections.filter(connection => connection?.connectionState !== 'closed').length,
      channels: channels.filter(channel => channel?.readyState !== 'closed').length,
      made: made.connections,
      timers: timers.size,
      torrents: player.engine.company.swarm?.client.torrents.length ?? 0,
      msn: told.segments.at(-1)?.msn ?? 0,
      peers: told.peers,
      fromPeers: told.bytesFromPeers,
      fromOrigin: told.bytesFromOrigin,
      fromSeed: told.bytesFromSeed,
      stalls: told.stalls,
      played: video.currentTime
    }
  }
}
