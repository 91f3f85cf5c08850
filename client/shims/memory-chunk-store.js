// Replaces memory-chunk-store: every torrent is given a store of ours.
export default class NoStore {
  constructor() {
    throw new Error('live-torrent pages keep segments themselves')
  }
}
