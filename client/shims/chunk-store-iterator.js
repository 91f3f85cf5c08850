// Replaces chunk-store-iterator: a torrent's bytes are read from its Holding, never as files.
const unused = () => {
  throw new Error('a torrent here has no files to read or write')
}

export { unused as chunkStoreRead, unused as chunkStoreWrite }
