// A TURN server (node-turn) that takes time-limited credentials: node turn.mjs ADDRESS PORT SECRET.
// Passwords are made here by Node's own HMAC, from the secret, for user names whose time has not come.

import { createHmac } from 'node:crypto'
import Turn from 'node-turn'

const [address, port, secret] = process.argv.slice(2)
new Turn({
  listeningIps: [address],
  relayIps: [address],
  listeningPort: Number(port),
  authMech: 'long-term',
  credentials: new Proxy({}, {
    get: (_, name) => Number(String(name).split(':')[0]) > Date.now() / 1000
      ? createHmac('sha1', secret).update(String(name)).digest('base64')
      : undefined
  })
}).start()
