// Replaces fsa-chunk-store (the origin-private file system): a live segment lives for seconds, in memory.
// webtorrent falls back to this store when none is named, so that fallback is memory too.
export { default } from 'memory-chunk-store'
