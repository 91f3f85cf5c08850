// Bundles the trimmed webtorrent alone, as a page's script, into the file named: for test_trimmed.py.
import { dirname, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import * as esbuild from 'esbuild'
import { trimmed } from '../../client/shims/plugin.mjs'

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..')
await esbuild.build({
  ...trimmed(root).options,
  stdin: {
    contents: `
      export { default as WebTorrent } from 'webtorrent'
      export { default as Peer } from '@thaunknown/simple-peer/lite.js'
      export { default as bencode } from 'bencode'
    `,
    resolveDir: root
  },
  bundle: true,
  format: 'iife',
  globalName: 'trimmed',
  outfile: process.argv[2]
})
