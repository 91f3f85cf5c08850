// Replaces immediate-chunk-store: what is put into our store can be read at once.
export default class ImmediateChunkStore {
  /** @param {object} store */
  constructor(store) {
    return store
  }
}
