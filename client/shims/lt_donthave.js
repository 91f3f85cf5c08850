// Replaces lt_donthave (BEP 54): who no longer holds a segment says so on the control channel, and closes its wire.
import { EventEmitter } from './events.cjs'

export default () => {
  class NoDontHave extends EventEmitter {}
  NoDontHave.prototype.name = 'lt_donthave'
  return NoDontHave
}
