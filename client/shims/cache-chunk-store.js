// Replaces cache-chunk-store: a cache before a store that is itself memory only copies it.
export default class CacheChunkStore {
  constructor(store) {
    return store
  }
}
