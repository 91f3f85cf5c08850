// What the browser bundle leaves out of webtorrent's tree, and why: each shim's first line gives the reason.
// Every entry names the version that was read when the shim was written. The build fails when that version
// changes or when nothing imports the file any more, so that no upgrade outgrows a shim unseen.

/**
 * @typedef {object} Replacement
 * @property {string} file path below node_modules, as resolved for browsers
 * @property {string} version of its package when the shim was written
 * @property {string} shim file beside this one
 *
 * @typedef {object} Patch
 * @property {string} file path below node_modules
 * @property {string} version of its package when the patch was written
 * @property {string} from text that must occur exactly once
 * @property {string} to
 */

/** @type {readonly Replacement[]} */
export const REPLACEMENTS = [
  { file: 'bittorrent-protocol/mse.js', version: '5.0.9', shim: 'mse.js' },
  { file: 'cache-chunk-store/index.js', version: '3.2.2', shim: 'cache-chunk-store.js' },
  { file: 'chunk-store-iterator/index.js', version: '1.0.4', shim: 'chunk-store-iterator.js' },
  { file: 'create-torrent/index.js', version: '6.1.3', shim: 'create-torrent.js' },
  { file: 'debug/src/browser.js', version: '4.4.3', shim: 'debug.cjs' },
  { file: 'events/events.js', version: '3.3.0', shim: 'events.cjs' },
  { file: 'fsa-chunk-store/index.js', version: '1.3.0', shim: 'no-store.js' },
  { file: 'immediate-chunk-store/index.js', version: '2.2.0', shim: 'immediate-chunk-store.js' },
  { file: 'lt_donthave/index.js', version: '2.0.7', shim: 'lt_donthave.js' },
  { file: 'memory-chunk-store/index.js', version: '1.3.5', shim: 'no-store.js' },
  { file: 'mime/lite.js', version: '3.0.0', shim: 'mime.js' },
  { file: 'parse-torrent/index.js', version: '11.0.24', shim: 'parse-torrent.js' },
  { file: 'speed-limiter/index.js', version: '1.0.2', shim: 'speed-limiter.js' },
  { file: 'text-decoder/index.js', version: '1.2.7', shim: 'text-decoder.cjs' },
  { file: 'torrent-discovery/index.js', version: '11.0.21', shim: 'torrent-discovery.js' },
  { file: 'ut_metadata/index.js', version: '5.0.1', shim: 'ut_metadata.js' },
  { file: 'webtorrent/lib/file-iterator.js', version: '3.0.21', shim: 'file-iterator.js' },
  { file: 'webtorrent/lib/server.js', version: '3.0.21', shim: 'server.js' },
  { file: 'webtorrent/lib/webconn.js', version: '3.0.21', shim: 'webconn.js' },
  { file: 'webtorrent/version.cjs', version: '3.0.21', shim: 'version.js' }
]

/** @type {readonly Patch[]} */
export const PATCHES = [
  {
    // A page asks no third party: the operator names the STUN servers, or there are none.
    file: '@thaunknown/simple-peer/lite.js',
    version: '10.1.2',
    from: `iceServers: [
    {
      urls: [
        'stun:stun.l.google.com:19302',
        'stun:global.stun.twilio.com:3478'
      ]
    }
  ],`,
    to: 'iceServers: [],'
  },
  {
    // Every update of a wire would wait up to 250 ms for an idle main thread: a live deadline cannot.
    file: 'webtorrent/lib/torrent.js',
    version: '3.0.21',
    from: "typeof window !== 'undefined' && typeof window.requestIdleCallback === 'function' && window.requestIdleCallback",
    to: 'false'
  },
  {
    // The older of two ways to read statistics, which no browser has any more that has the rest.
    file: '@thaunknown/simple-peer/lite.js',
    version: '10.1.2',
    from: '} else if (this._pc.getStats.length > 0) {',
    to: '} else if (false) {'
  },
  {
    // Whose addresses a connection found is nothing to us.
    file: '@thaunknown/simple-peer/lite.js',
    version: '10.1.2',
    from: '          let local = localCandidates[selectedCandidatePair.localCandidateId]\n',
    to: '          return\n          let local\n'
  },
  {
    // Its speeds are the room that asking.js sees at a peer: who has less of it is not the worse to ask. Who is asked
    // first fair.js says; denied by both, a piece would be asked of nobody.
    file: 'webtorrent/lib/torrent.js',
    version: '3.0.21',
    from: 'const SPEED_THRESHOLD = 3 * Piece.BLOCK_LENGTH',
    to: 'const SPEED_THRESHOLD = -Infinity'
  },
  {
    // An empty track, as browsers want one for captions. Our pages' policy lets media come from blob:, not from data:.
    file: 'hls.js/dist/hls.mjs',
    version: '1.7.4',
    from: "el.src = 'data:,WEBVTT'",
    to: "el.src = URL.createObjectURL(new Blob(['WEBVTT']))"
  },
  {
    // Media end a little later than their EXTINFs say. Who has played a live stream that brings nothing new to that end
    // is not thrown back by what hls.js takes for another window, to see the last seconds over and over.
    file: 'hls.js/dist/hls.mjs',
    version: '1.7.4',
    from: 'currentTime >= start - config.maxFragLookUpTolerance && currentTime <= end;',
    to: 'currentTime >= start - config.maxFragLookUpTolerance && currentTime <= end + 1;'
  },
  ...leftOut('webtorrent/index.js', '3.0.21', [
    'seed (input, opts, onseed)', 'createServer (options, force)', 'throttleDownload (rate)', 'throttleUpload (rate)',
    'async _getByHash (infoHashHash)'
  ]),
  ...leftOut('webtorrent/lib/torrent.js', '3.0.21', [
    '_getMetadataFromServer ()', 'addWebSeed (urlOrConn)', 'getFileModtimes (cb)', 'rescanFiles (cb)', 'async load (streams, cb)',
    '_verifyPiecesUsingBitfield (cb)', '_validAddr (addr)', 'critical (start, end)', 'pause ()', 'resume ()',
    'get downloaded ()'
  ]),
  // Ours takes its place (asking.js).
  ...leftOut('webtorrent/lib/torrent.js', '3.0.21', ['_hotswap (wire, index)'], 'return false'),
  ...leftOut('webtorrent/lib/file.js', '3.0.21', [
    'get downloaded ()', '[Symbol.asyncIterator] (opts = {})', 'createReadStream (opts)', 'async arrayBuffer (opts = {})',
    'async blob (opts)', 'stream (opts)', 'get streamURL ()'
  ]),
  // Called, and there is nothing to do: no peer is searched for here, and none is connected to by its address.
  ...leftOut('webtorrent/lib/torrent.js', '3.0.21', ['_startDiscovery ()'], 'this.discovery ??= new Discovery()\n    return'),
  ...leftOut('webtorrent/lib/torrent.js', '3.0.21', ['_drain ()'], 'return'),
  // We ask no tracker to scrape; one that tells unasked is not listened to.
  {
    file: 'bittorrent-tracker/client.js',
    version: '11.2.3',
    from: '\nClient.scrape = (opts, cb) => {\n',
    to: '\nClient.scrape = (opts, cb) => {\n  return\n'
  },
  ...leftOut('bittorrent-tracker/lib/client/websocket-tracker.js', '11.2.3', ['scrape (opts)']),
  ...leftOut('bittorrent-tracker/lib/client/websocket-tracker.js', '11.2.3', ['_onScrapeResponse (data)'], 'return')
]

/**
 * Methods that are never called where torrents are added by their info dictionary, with a store of ours: what comes
 * after a `throw` or `return` the bundler leaves out.
 * @param {string} file @param {string} version @param {string[]} methods @param {string} instead @returns {Patch[]}
 */
function leftOut (file, version, methods, instead = "throw new Error('left out')") {
  return methods.map(method => ({
    file, version, from: `\n  ${method} {\n`, to: `\n  ${method} {\n    ${instead}\n`
  }))
}
