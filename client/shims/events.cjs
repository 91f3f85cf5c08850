// Replaces events: what webtorrent and streamx use of it. Lists of listeners are never changed, only replaced, so that
// one may be added or taken away while they are called.
class EventEmitter {
  /** @type {Map<string | symbol, readonly Function[]>} */
  #listeners = new Map()

  /** @param {string | symbol} name @param {Function & { listener?: Function }} listener */
  on(name, listener) {
    if (this.#listeners.has('newListener')) this.emit('newListener', name, listener.listener ?? listener)
    this.#listeners.set(name, [...(this.#listeners.get(name) ?? []), listener])
    return this
  }

  /** @param {string | symbol} name @param {Function} listener */
  once(name, listener) {
    const once = (/** @type {unknown[]} */ ...args) => {
      this.off(name, once)
      listener.apply(this, args)
    }
    once.listener = listener
    return this.on(name, once)
  }

  /** @param {string | symbol} name @param {Function} listener the one added last, if it was added more than once */
  off(name, listener) {
    const list = this.#listeners.get(name) ?? []
    const at = list.findLastIndex((/** @type {Function & { listener?: Function }} */ one) => one === listener || one.listener === listener)
    const left = list.filter((_, index) => index !== at)
    if (left.length > 0) this.#listeners.set(name, left)
    else this.#listeners.delete(name)
    return this
  }

  /** @param {string | symbol} name @param {unknown[]} args @returns {boolean} whether anyone listens; an error nobody hears is thrown */
  emit(name, ...args) {
    const list = this.#listeners.get(name)
    if (!list && name === 'error') throw args[0] instanceof Error ? args[0] : new Error(`nobody listens: ${args[0]}`)
    for (const listener of list ?? []) listener.apply(this, args)
    return list !== undefined
  }

  /** @param {string | symbol} name */
  listenerCount(name) {
    return this.#listeners.get(name)?.length ?? 0
  }

  /** @param {string | symbol} [name] */
  removeAllListeners(name) {
    if (name === undefined) this.#listeners.clear()
    else this.#listeners.delete(name)
    return this
  }

  setMaxListeners() {
    return this
  }

  /** @param {string | symbol} name @param {Function} listener */
  addListener(name, listener) {
    return this.on(name, listener)
  }

  /** @param {string | symbol} name @param {Function} listener */
  removeListener(name, listener) {
    return this.off(name, listener)
  }
}

module.exports = EventEmitter
module.exports.EventEmitter = EventEmitter
