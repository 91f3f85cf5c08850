/**
 * The player page's controls: a chunk of its own, which comes once the engine has begun. Here is what they know of the
 * page around them; panel.js puts them together.
 */

import { About } from './about.js'
import { watchAir } from './air.js'
import { panel } from './panel.js'

/** The first picture is usually there sooner, and a poster would take its bytes from it. ms */
const POSTER_AFTER = 1500

/**
 * @typedef {object} Opened what the player page is
 * @property {HTMLVideoElement} video
 * @property {HTMLElement} stage around it
 * @property {string | null} stream percent-encoded name on the server that the page is from; null: baked
 * @property {string} called what it plays, for people
 * @property {() => string} source the playlist that is played, absolute
 * @property {() => import('../player.js').MountedPlayer | null} player
 * @property {(source: string, at?: number) => void} play another playlist, from there
 * @property {(on: boolean) => void} air told when a live stream goes off air while it is watched, and comes back
 */

/** @param {Opened} page @returns {import('./panel.js').Controls} */
export function control ({ video, stage, stream, called, source, player, play, air }) {
  const own = source()
  const at = (/** @type {string} */ path) => new URL(`../${path}`, location.href).href
  const about = stream === null ? null : new About(at('api'), stream)
  if (stream !== null) {
    setTimeout(() => { if (video.readyState < 2) video.poster = at(`api/streams/${stream}/poster`) }, POSTER_AFTER)
  }
  const controls = panel({
    video,
    stage,
    framed: top !== self,
    home: stream === null ? null : at(''),
    player,
    title: () => about?.title || called,
    viewers: () => about?.viewers ?? 0,
    shared: () => ({
      page: location.href,
      script: new URL('../embed.js', import.meta.url).href,
      stream: stream === null ? null : called,
      playlist: own,
      title: about?.title || called
    }),
    fromStart: () => {
      const recording = about?.recording
      return recording && source() === own ? () => play(at(`live/${encodeURIComponent(recording)}/master.m3u8`), 0) : null
    },
    toLive: () => source() === own ? null : () => play(own)
  })
  if (about !== null) watchAir(video, () => about.onAir(), air)
  return {
    tell (state) {
      about?.tell(state)
      controls.tell(state)
    }
  }
}
