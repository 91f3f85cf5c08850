// Bundles the contestants' pages into the folder named on the command line: one page and one script each.
// Ours needs none: it is measured on the page its server gives, /watch/NAME.

import { copyFile, mkdir } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import * as esbuild from 'esbuild'

const HERE = dirname(fileURLToPath(import.meta.url))

const [outdir] = process.argv.slice(2)
if (!outdir) throw new Error('usage: node bench/swarm/pages/build.mjs OUTDIR')
await mkdir(outdir, { recursive: true })
await esbuild.build({
  absWorkingDir: resolve(HERE, '../../..'),
  entryPoints: [join(HERE, 'hlsjs.js'), join(HERE, 'p2pml.js')],
  bundle: true,
  minify: true,
  format: 'iife',
  platform: 'browser',
  target: 'chrome120',
  outdir,
  logLevel: 'warning',
  // The bittorrent-tracker client inside p2p-media-loader is written for Node.
  define: { global: 'globalThis', 'process.browser': 'true', 'process.env.NODE_DEBUG': 'undefined' },
  banner: { js: 'globalThis.process ??= { nextTick: (f, ...a) => queueMicrotask(() => f(...a)), env: {} }' }
})
for (const name of ['hlsjs', 'p2pml']) await copyFile(join(HERE, 'page.html'), join(outdir, `${name}.html`))
