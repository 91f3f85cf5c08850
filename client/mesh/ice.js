/**
 * ICE server addresses (RFC 7064, RFC 7065). Chromium throws on `stun:…?transport=udp` and on anything
 * malformed, which would silently end all peer-to-peer: what it would refuse is left out and said.
 */

/** More servers only slow gathering down (browsers warn from five on). */
const MAX_SERVERS = 4

/**
 * @param {readonly string[]} urls
 * @returns {{ servers: RTCIceServer[], refused: string[] }}
 */
export function iceServers (urls) {
  /** @type {RTCIceServer[]} */
  const servers = []
  const refused = []
  for (const url of new Set(urls)) {
    const usable = /^stuns?:(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:\d{1,5})?$/i.test(url)
    if (usable && servers.length < MAX_SERVERS) servers.push({ urls: url })
    else refused.push(url)
  }
  return { servers, refused }
}
