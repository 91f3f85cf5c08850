// Replaces text-decoder (and b4a with it): streamx's setEncoding over the browser's own decoder, UTF-8 only.
// CommonJS on purpose: streamx calls `new (require("text-decoder"))()`.
module.exports = class {
  #decoder = new TextDecoder()

  /** @param {string} [encoding] */
  constructor(encoding = 'utf8') {
    if (!/^utf-?8$/i.test(encoding)) throw new Error(`unsupported encoding: ${encoding}`)
  }

  // Bytes of an unfinished character: unknown to the native decoder, and used only to tell '' from no data.
  get remaining() {
    return 0
  }

  /** @param {Uint8Array | string} data */
  push(data) {
    return typeof data === 'string' ? data : this.#decoder.decode(data, { stream: true })
  }

  /** @param {Uint8Array | string} [data] */
  end(data) {
    return (data ? this.push(data) : '') + this.#decoder.decode()
  }
}
