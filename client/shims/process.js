// Stands for node's process, of which webtorrent's tree uses only nextTick (the rate limiter). There is no
// `hrtime` here on purpose: the limiter then reads Date.now().
export const process = {
  browser: true,
  env: {},
  /** @param {(...args: unknown[]) => void} task @param {...unknown} args */
  nextTick: (task, ...args) => queueMicrotask(() => task(...args))
}
