import type { Player } from './player.js'
import type { Mode, Snapshot } from './types.js'

declare global {
  interface Window {
    /** The page API: there while a player is mounted. `mode` and `stats` are those of the first player. */
    liveTorrent?: {
      readonly mode: Mode
      stats (): Snapshot
      /** Every player on the page, oldest first. */
      readonly players: readonly Player[]
    }
  }
}
