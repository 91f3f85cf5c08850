// Replaces ut_metadata (BEP 9): torrents begin with their info dictionary here, and who comes by a magnet link has it
// from the server's seed.
import { EventEmitter } from './events.cjs'

export default () => {
  class NoMetadata extends EventEmitter {
    setMetadata() {}
    fetch() {}
  }
  NoMetadata.prototype.name = 'ut_metadata'
  return NoMetadata
}
