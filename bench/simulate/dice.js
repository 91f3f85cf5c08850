/** Random numbers by seed: the same seed tells the same story (sfc32). Pure. */
export class Dice {
  /** @param {number} seed */
  constructor (seed) {
    this.a = 0x9e3779b9
    this.b = 0x243f6a88
    this.c = seed | 0
    this.d = 1
    for (let i = 0; i < 16; i++) this.next()
  }

  /** Uniform in [0, 1). */
  next () {
    const t = (((this.a + this.b) | 0) + this.d) | 0
    this.d = (this.d + 1) | 0
    this.a = this.b ^ (this.b >>> 9)
    this.b = (this.c + (this.c << 3)) | 0
    this.c = ((this.c << 21) | (this.c >>> 11)) + t | 0
    return (t >>> 0) / 4294967296
  }

  /** @param {number} low @param {number} high */
  between (low, high) { return low + (high - low) * this.next() }

  /** A whole number below n. @param {number} n */
  below (n) { return Math.floor(n * this.next()) }

  /** Exponential, by its mean. @param {number} mean */
  exponential (mean) { return -mean * Math.log(1 - this.next()) }

  /** 40 hex digits. */
  id () {
    let text = ''
    for (let i = 0; i < 5; i++) text += Math.floor(4294967296 * this.next()).toString(16).padStart(8, '0')
    return text
  }
}
