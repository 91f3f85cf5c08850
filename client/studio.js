/** The studio page: what is on the stage, and what becomes of it. */

import { Air } from './studio/air.js'
import { SetUp } from './studio/set-up.js'
import { Stage } from './studio/stage.js'

/** Between two tries to ask the server, ms. */
const AGAIN = 3000

const stage = new Stage()
const setUp = new SetUp(stage)
const air = new Air(stage, setUp)

stage.onChange = () => {
  setUp.changed()
  air.changed()
}
// What was shared is no longer: the sound goes on, and another can be chosen.
stage.onGone = () => stage.leave()
setUp.onQuality = () => air.chooseQuality()
setUp.onFilmEnd = () => air.broadcast?.stop()

async function ask () {
  try {
    const answer = await fetch('/api/site', { cache: 'no-store', signal: AbortSignal.timeout(AGAIN * 3) })
    air.offered(await answer.json())
  } catch {
    setTimeout(ask, AGAIN)
  }
}

ask()
