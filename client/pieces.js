/** A set of piece indices of known size: what is held of one segment. Small, mutable, no I/O. */
export class PieceSet {
  /**
   * @param {number} size number of pieces
   * @param {boolean} [full]
   */
  constructor (size, full = false) {
    this.size = size
    this.bits = new Uint8Array(size).fill(full ? 1 : 0)
    this.count = full ? size : 0
  }

  /** @param {number} index */
  has (index) { return this.bits[index] === 1 }

  /**
   * @param {number} index
   * @returns {boolean} whether it was new
   */
  add (index) {
    if (index < 0 || index >= this.size || this.bits[index] === 1) return false
    this.bits[index] = 1
    this.count += 1
    return true
  }

  get complete () { return this.count === this.size }

  /** Hex, most significant bit first as in BEP 3's bitfield, for the control channel. */
  toHex () {
    let text = ''
    for (let i = 0; i < this.size; i += 4) {
      let nibble = 0
      for (let j = 0; j < 4; j++) nibble = nibble << 1 | (this.bits[i + j] ?? 0)
      text += nibble.toString(16)
    }
    return text
  }

  /**
   * @param {string} text
   * @param {number} size
   */
  static fromHex (text, size) {
    const set = new PieceSet(size)
    for (let i = 0; i < size; i++) {
      const nibble = Number.parseInt(text[i >> 2] ?? '0', 16) || 0
      if (nibble >> (3 - i % 4) & 1) set.add(i)
    }
    return set
  }
}
