/** `window.liveTorrent`: there as long as a player is. */

/** @typedef {import('./player.js').Player} Player */

/** @type {Player[]} oldest first */
const players = []

/** @param {Player} player */
export function announce (player) {
  players.push(player)
  show()
}

/** @param {Player} player */
export function withdraw (player) {
  const at = players.indexOf(player)
  if (at >= 0) players.splice(at, 1)
  show()
}

function show () {
  const [first] = players
  if (first === undefined) {
    delete window.liveTorrent
    return
  }
  window.liveTorrent = Object.freeze({
    get mode () { return first.mode },
    stats: () => first.stats(),
    players: Object.freeze([...players])
  })
}
