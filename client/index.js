/** The npm package: a browser's half of live-torrent as a module (package/build.mjs makes it). */

export { attach } from './attach.js'
export { createP2PLoader } from './p2p-loader.js'

/**
 * @typedef {import('./attach.js').AttachOptions} AttachOptions
 * @typedef {import('./attach.js').AttachedPlayer} AttachedPlayer
 * @typedef {import('./attach.js').PlayerEvents} PlayerEvents
 * @typedef {import('./player.js').State} State
 * @typedef {import('./p2p-loader.js').P2PLoader} P2PLoader
 * @typedef {import('./p2p-loader.js').P2PLoaderOptions} P2PLoaderOptions
 * @typedef {import('./types.js').Engine} Engine
 * @typedef {import('./types.js').EngineOptions} EngineOptions
 * @typedef {import('./types.js').Terms} Terms
 * @typedef {import('./types.js').Sharing} Sharing
 * @typedef {import('./notice.js').Words} Words
 * @typedef {import('./types.js').Mode} Mode
 * @typedef {import('./types.js').WantedMode} WantedMode
 * @typedef {import('./types.js').Snapshot} Snapshot
 * @typedef {import('./types.js').SegmentRecord} SegmentRecord
 * @typedef {import('./types.js').Source} Source
 */
