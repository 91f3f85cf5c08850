/**
 * p2p-media-loader 2.3.1 on the hls.js it was made for, with our player's settings for live.
 *
 * `?window=S` sets its highDemandTimeWindow; without, everything is as shipped. Two addresses have to be
 * ours: its tracker, and no STUN servers (it names public ones; nothing here may leave the machine, and
 * every viewer can be reached by its own address).
 */

import Hls from 'hls.js-1.6'
import { HlsJsP2PEngine } from 'p2p-media-loader-hlsjs'
import { liveConfig } from '../../../client/hls-config.js'
import { play } from './play.js'

const window = new URLSearchParams(location.search).get('window')
const core = {
  announceTrackers: [`ws://${location.host}/tracker`],
  rtcConfig: { iceServers: [] },
  ...(window === null ? {} : { highDemandTimeWindow: Number(window) })
}
play(HlsJsP2PEngine.injectMixin(Hls), { ...liveConfig(Hls.DefaultConfig), p2p: { core } })
