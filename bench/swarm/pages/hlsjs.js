/** Plain hls.js, the version and the settings of our own player: what a viewer has without peers. */

import Hls from 'hls.js'
import { liveConfig } from '../../../client/hls-config.js'
import { play } from './play.js'

play(Hls, liveConfig(Hls.DefaultConfig))
