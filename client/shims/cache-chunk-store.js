// Replaces cache-chunk-store: a cache before a store that is itself memory only copies it.
export default class CacheChunkStore {
  constructor(store) {
    // biome-ignore lint/correctness/noConstructorReturn: `new CacheChunkStore(store)` must be that store
    return store
  }
}
