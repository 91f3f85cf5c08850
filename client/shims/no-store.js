// Replaces memory-chunk-store and fsa-chunk-store (the origin-private file system): torrents are given a store of ours.
export default class NoStore {
  constructor() {
    throw new Error('live-torrent pages keep segments themselves')
  }
}
