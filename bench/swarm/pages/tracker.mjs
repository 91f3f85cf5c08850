// bittorrent-tracker's own server on loopback, for contestants whose infohashes our tracker does not know.
// Prints its port; ends with its standard input, so that it never outlives the bench.

// Its main entry would load a native WebRTC that no install script has built.
import Server from 'bittorrent-tracker/server'

const [host = '127.0.0.1', port = '0'] = process.argv.slice(2)
const server = new Server({ udp: false, http: false, ws: true, stats: false })
server.on('warning', () => {}) // a peer that left in mid-announce
server.on('error', error => {
  console.error(error.message)
  process.exit(1)
})
server.on('listening', () => console.log(server.ws.address().port))
server.listen(Number(port), host)
process.stdin.on('end', () => process.exit(0)).resume()
