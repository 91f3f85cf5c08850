// Stands for node:path, of which webtorrent's browser paths use these, on names with forward slashes.
export const sep = '/'

/** @param {...string} parts */
export const join = (...parts) => parts.filter(Boolean).join(sep)

/** @param {string} path */
export const basename = path => path.slice(path.lastIndexOf(sep) + 1)

/** @param {string} path */
export const dirname = path => path.slice(0, Math.max(0, path.lastIndexOf(sep))) || '.'

export default { sep, join, basename, dirname }
