// Makes the npm package in the folder named on the command line (make package):
//
//   package.json, README.md, LICENSE, THIRD-PARTY.txt
//   dist/index.js, p2p-loader.js       what is imported; .d.ts beside them: its types
//   dist/swarm-HASH.js, chunk-HASH.js  the torrents' code, loaded once there are peers, and what both share
//
// hls.js is never inside: whoever uses the package has it. Chunks are imported by relative specifiers, which browsers
// and bundlers resolve against the importing file, wherever that was put.

import { execFile } from 'node:child_process'
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import * as esbuild from 'esbuild'
import { thirdParty } from '../shims/licences.mjs'
import { trimmed } from '../shims/plugin.mjs'

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '../..')
/** 1.5 is the first whose loaders, controllers and events are those we use; tests/build/test_package.py tries each. */
const HLS = '^1.5.0'
/** By what importers write after the package's name. The loaders alone need no hls.js to be found by a bundler. */
const ENTRIES = { '.': 'index', './loader': 'p2p-loader' }

async function main() {
  const [outdir] = process.argv.slice(2)
  if (!outdir) throw new Error('usage: node client/package/build.mjs OUTDIR')
  await rm(outdir, { recursive: true, force: true })
  const dist = join(outdir, 'dist')
  await mkdir(dist, { recursive: true })

  const [{ metafile }, version] = await Promise.all([scripts(dist), pythonVersion(), types(dist)])
  await Promise.all([
    writeFile(join(outdir, 'package.json'), `${JSON.stringify(manifest(version), null, 2)}\n`),
    writeFile(join(outdir, 'THIRD-PARTY.txt'), await thirdParty(ROOT, [metafile])),
    copyFile(join(ROOT, 'LICENSE'), join(outdir, 'LICENSE')),
    copyFile(join(ROOT, 'client/package/README.md'), join(outdir, 'README.md')),
    ...Object.keys(metafile.outputs).filter(file => file.endsWith('.map')).map(file => nameSources(resolve(ROOT, file)))
  ])
  console.log(`live-torrent ${version} is in ${outdir}: npm pack ${resolve(outdir)}`)
}

/**
 * A debugger shows sources under names that hold wherever the package is, and however it was made.
 *
 * @param {string} file a source map
 */
async function nameSources(file) {
  const map = JSON.parse(await readFile(file, 'utf8'))
  const name = (/** @type {string} */ source) => relative(ROOT, resolve(dirname(file), source)).replaceAll('\\', '/')
  await writeFile(file, JSON.stringify({ ...map, sources: map.sources.map(source => `live-torrent:///${name(source)}`) }))
}

/** @param {string} version */
const manifest = version => ({
  name: 'live-torrent',
  version,
  description: 'Live HLS in which the viewers carry the load: loaders for hls.js, and a player',
  keywords: ['hls', 'hls.js', 'live', 'streaming', 'webrtc', 'webtorrent', 'peer-to-peer', 'p2p', 'cdn'],
  license: 'MIT',
  type: 'module',
  sideEffects: false,
  main: `./dist/${ENTRIES['.']}.js`,
  types: `./dist/${ENTRIES['.']}.d.ts`,
  exports: {
    ...Object.fromEntries(Object.entries(ENTRIES).map(([path, name]) =>
      [path, { types: `./dist/${name}.d.ts`, default: `./dist/${name}.js` }])),
    './package.json': './package.json'
  },
  files: ['dist', 'THIRD-PARTY.txt'],
  peerDependencies: { 'hls.js': HLS },
  // createP2PLoader is given the class, attach can be told where to have it.
  peerDependenciesMeta: { 'hls.js': { optional: true } }
})

/** @param {string} dist */
async function scripts(dist) {
  const { options, unused } = trimmed(ROOT)
  const built = await esbuild.build({
    ...options,
    absWorkingDir: ROOT,
    entryPoints: Object.values(ENTRIES).map(name => `client/${name}.js`),
    outdir: resolve(dist),
    bundle: true,
    external: ['hls.js'],
    format: 'esm',
    splitting: true,
    chunkNames: '[name]-[hash]',
    minify: true,
    metafile: true,
    sourcemap: 'linked',
    legalComments: 'none', // THIRD-PARTY.txt holds every notice in full
    logLevel: 'warning'
  })
  const idle = unused().filter(file => !file.startsWith('hls.js/')) // whoever uses the package has it as it is
  if (idle.length) throw new Error(`client/shims/ replaces what nothing imports any more: ${idle.join(', ')}`)
  return built
}

/**
 * Declarations of what the entries export: those that tsc makes of the JSDoc, as far as they are within its reach.
 *
 * @param {string} dist
 */
async function types(dist) {
  const workshop = await mkdtemp(join(tmpdir(), 'live-torrent-types-'))
  try {
    const tsc = join(ROOT, 'node_modules/typescript/bin/tsc')
    const options = ['--noEmit', 'false', '--declaration', '--emitDeclarationOnly', '--rootDir', ROOT, '--outDir', workshop]
    await promisify(execFile)(process.execPath, [tsc, '--project', join(ROOT, 'tsconfig.json'), ...options]).catch(error => {
      throw new Error(`tsc: ${error.stdout || error.message}`)
    })
    const first = `${ENTRIES['.']}.d.ts`
    const waiting = [first, 'window.d.ts']
    for (const name of waiting) {
      // Written by hand, or made
      const file = [join(ROOT, 'client', name), join(workshop, 'client', name)]
      const made = await readFile(file[0] ?? '', 'utf8').catch(() => readFile(file[1] ?? '', 'utf8'))
      // A consumer's TypeScript may resolve as browsers do, by whole names.
      const text = made.replaceAll(/((?:\bfrom\s+|\bimport\s*\(?\s*)['"])([^'"]+)/g, (all, before, specifier) => {
        if (specifier === 'hls.js') return all
        const next = /^\.\/([\w-]+)(?:\.js)?$/.exec(specifier)?.[1]
        if (next === undefined) throw new Error(`${name} takes types from ${specifier}, which is not beside it`)
        if (!waiting.includes(`${next}.d.ts`)) waiting.push(`${next}.d.ts`)
        return `${before}./${next}.js`
      })
      const reference = name === first ? '/// <reference path="./window.d.ts" />\n' : ''
      await writeFile(join(dist, name), reference + text)
    }
  } finally {
    await rm(workshop, { recursive: true, force: true })
  }
}

/** The server's version, as npm writes it: 0.2.0rc1 and 0.2.0.dev3 (PEP 440) are 0.2.0-rc.1 and 0.2.0-dev.3. */
async function pythonVersion() {
  const text = await readFile(join(ROOT, 'seeder/__init__.py'), 'utf8')
  const [, version = '', kind, number] = /^__version__ = "(\d+\.\d+\.\d+)(?:\.?(a|b|rc|dev)(\d+))?"$/m.exec(text) ?? []
  if (version === '') throw new Error('seeder/__init__.py names no version that npm knows')
  return kind === undefined ? version : `${version}-${kind}.${number}`
}

try {
  await main()
} catch (error) {
  // esbuild has shown its own errors, each with its place, already
  if (!error.errors) console.error(`error: ${error.message}`)
  process.exitCode = 1
}
