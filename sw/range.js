/** The Range header (RFC 9110 §14), by itself and against a body that is there whole. Pure. */

/**
 * @param {string | null} header the request's Range
 * @returns {import('./protocol.js').ByteRange | undefined} what it asks for, where it names both ends
 */
export function bounds (header) {
  const match = /^bytes=(\d+)-(\d+)$/.exec(header?.trim() ?? '')
  return match === null ? undefined : [Number(match[1]), Number(match[2]) + 1]
}

/**
 * @param {string | null} header the request's Range
 * @param {number} size bytes of the whole body
 * @returns {{ status: 200 } | { status: 206, start: number, end: number } | { status: 416 }}
 *   `end` is exclusive. 200 where the header is absent, malformed, of another unit or asks for several
 *   ranges: a server may ignore those, and no player sends them.
 */
export function range (header, size) {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header?.trim() ?? '')
  if (match === null) return { status: 200 }
  const [, first, last] = match
  if (first === '') {
    if (last === '') return { status: 200 }
    const length = Number(last)
    return length === 0 || size === 0 ? { status: 416 } : { status: 206, start: Math.max(0, size - length), end: size }
  }
  const start = Number(first)
  const end = last === '' ? size : Math.min(Number(last) + 1, size)
  if (last !== '' && Number(last) < start) return { status: 200 }
  return start >= size ? { status: 416 } : { status: 206, start, end }
}
