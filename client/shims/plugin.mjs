// What makes webtorrent fit a browser and a live deadline: the esbuild options every bundle of it shares, among
// them the plugin that carries out replacements.mjs and counts every hit.

import { readFile } from 'node:fs/promises'
import { dirname, join, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { PATCHES, REPLACEMENTS } from './replacements.mjs'

/** The smallest browsers with the APIs webtorrent 3 needs; they also all have what esbuild emits for them. */
const TARGET = ['es2022', 'chrome110', 'firefox115', 'safari16.4']

const here = dirname(fileURLToPath(import.meta.url))

/**
 * @param {string} root folder that holds node_modules
 * @returns {{ options: import('esbuild').BuildOptions, unused: () => string[] }} `unused` after the build: the
 *   files that nothing imported
 */
export function trimmed(root) {
  const modules = join(root, 'node_modules')
  const replaced = new Map(REPLACEMENTS.map(r => [resolve(modules, r.file), r]))
  const patched = Map.groupBy(PATCHES, p => resolve(modules, p.file))
  /** @type {Set<string>} */
  const hits = new Set()

  /** @param {string} file @param {string} version */
  async function checkVersion(file, version) {
    const parts = file.split('/')
    const name = parts.slice(0, file.startsWith('@') ? 2 : 1).join('/')
    const found = JSON.parse(await readFile(join(modules, name, 'package.json'), 'utf8')).version
    if (found !== version) {
      throw new Error(
        `${name} is ${found}, client/shims/replacements.mjs was written for ${version}: read ${file} again`
      )
    }
  }

  /** @type {import('esbuild').Plugin} */
  const plugin = {
    name: 'live-torrent-shims',
    setup(build) {
      build.onStart(async () => {
        for (const { file, version } of [...REPLACEMENTS, ...PATCHES]) await checkVersion(file, version)
      })

      build.onResolve({ filter: /.*/ }, async args => {
        // Our own question below; and what a shim imports is the real thing.
        if (args.pluginData === trimmed || args.importer.startsWith(here + sep)) return undefined
        const found = await build.resolve(args.path, {
          importer: args.importer,
          kind: args.kind,
          namespace: args.namespace,
          resolveDir: args.resolveDir,
          pluginData: trimmed
        })
        const replacement = replaced.get(found.path)
        if (!replacement) return undefined
        hits.add(replacement.file)
        return { path: join(here, replacement.shim), sideEffects: found.sideEffects }
      })

      build.onLoad({ filter: /[\\/]node_modules[\\/].*\.[cm]?js$/ }, async args => {
        const patches = patched.get(args.path)
        if (!patches) return undefined
        let contents = (await readFile(args.path, 'utf8')).replaceAll('\r\n', '\n')
        for (const { file, from, to } of patches) {
          const pieces = contents.split(from)
          if (pieces.length !== 2) throw new Error(`${file} no longer holds exactly one \`${from}\``)
          hits.add(file)
          contents = pieces.join(to)
        }
        return { contents, loader: 'js' }
      })
    }
  }

  const unused = () => [...REPLACEMENTS, ...PATCHES].map(r => r.file).filter(file => !hits.has(file))
  /** @type {import('esbuild').BuildOptions} */
  const options = {
    target: TARGET,
    define: { global: 'globalThis', 'process.browser': 'true' },
    inject: [join(here, 'process.js')],
    alias: { path: join(here, 'path.js') },
    plugins: [plugin]
  }
  return { options, unused }
}
