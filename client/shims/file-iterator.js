// Replaces webtorrent's file iterator: a torrent's bytes are read from its Holding, never as files.
export default class NoFileIterator {}
