// Replaces bittorrent-protocol's message stream encryption: only its TCP and uTP wires use it; a data channel
// is DTLS already.
export const nativeRC4 = false

export class MessageStreamEncryptor {
  constructor() {
    throw new Error('message stream encryption is for TCP and uTP, which no page has')
  }
}
