/**
 * ICE server addresses (RFC 7064, RFC 7065). Chromium throws on `stun:…?transport=udp`, on a TURN server without
 * credentials and on anything malformed, which would silently end all peer-to-peer: what it would refuse is left out
 * and said. Addresses come from manifests, pages and trackers: nothing is taken for what it should be.
 */

/** More servers only slow gathering down (browsers warn from five on). */
const MAX_SERVERS = 4
const ADDRESS = /^((?:stun|turn)s?):(?:\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::(\d{1,5}))?(\?transport=(?:udp|tcp))?$/i

/**
 * @param {readonly unknown[]} listed URLs, or RTCIceServers: the first of a URL counts
 * @returns {{ servers: RTCIceServer[], refused: string[] }} refused: URLs alone, never a credential
 */
export function iceServers (listed) {
  /** @type {RTCIceServer[]} */
  const servers = []
  const refused = []
  const seen = new Set()
  for (const one of listed) {
    const { urls, username, credential } = /** @type {any} */ (typeof one === 'string' ? { urls: one } : one ?? {})
    for (const url of [urls].flat()) {
      if (seen.has(url)) continue
      seen.add(url)
      const [, scheme = '', port = '1', query] = ADDRESS.exec(url) ?? []
      const relay = /^turn/i.test(scheme)
      const named = typeof username === 'string' && typeof credential === 'string' && username && credential
      const usable = scheme && Number(port) > 0 && Number(port) < 2 ** 16 && (relay ? named : !query)
      if (usable && servers.length < MAX_SERVERS) {
        servers.push(relay ? { urls: url, username, credential } : { urls: url })
      } else refused.push(String(url).slice(0, 100))
    }
  }
  return { servers, refused }
}

/** Whether it is a TURN server. @param {RTCIceServer} server */
export const relays = ({ urls }) => /^turn/i.test(String(urls))
