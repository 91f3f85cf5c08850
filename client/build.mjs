// Bundles the browser files into the folder named on the command line:
//
//   sw.js, embed.js               one plain script each: a worker, and what a foreign page includes
//   client/{player,site,demo,watch}.js modules, with what they share in chunks named by content
//   client/{front,studio}.js      a module each, of its own
//   pages/                        HTML, CSS and pictures as they are
//   sizes.json, THIRD-PARTY.txt   what it weighs, and whose code it holds
//
// Entry names are stable, chunk names change with their bytes: the latter may be cached for ever.
// Run by scripts/bundle.py (make, and the package's build hook), which skips it when nothing changed.

import { copyFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, extname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import * as esbuild from 'esbuild'
import { thirdParty } from './shims/licences.mjs'
import { trimmed } from './shims/plugin.mjs'

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '..')
const SCRIPTS = ['sw/sw.js', 'client/embed.js']
const MODULES = ['client/player.js', 'client/site.js', 'client/demo.js', 'client/watch.js']
/** Pages without the engine, each built by itself: a chunk shared with them would cost the others a request. */
const APART = ['client/front.js', 'client/studio.js', 'client/admin.js']
const PAGE_FILES = new Set(['.html', '.css', '.svg', '.png', '.webp', '.ico', '.webmanifest'])

/**
 * @typedef {object} Size
 * @property {number} bytes
 * @property {number} gzip
 * @property {boolean} hls whether hls.js is in this file
 * @property {boolean} seldom only pages that ask their viewers first load it
 * @property {boolean} face a page's own user interface, imported once the engine has begun
 * @property {string[]} imports other files, at once or later
 */

async function main() {
  const [outdir] = process.argv.slice(2)
  if (!outdir) throw new Error('usage: node client/build.mjs OUTDIR')

  const { options, unused } = trimmed(ROOT)
  /** @type {esbuild.BuildOptions} */
  const common = {
    absWorkingDir: ROOT,
    bundle: true,
    minify: true,
    metafile: true,
    write: true,
    sourcemap: 'linked',
    legalComments: 'none', // THIRD-PARTY.txt holds every notice in full
    logLevel: 'warning',
    ...options
  }

  const builds = [
    ...SCRIPTS.map(entry =>
      esbuild.build({
        ...common,
        entryPoints: [entry],
        format: 'iife',
        outfile: join(outdir, entry.slice(entry.indexOf('/') + 1))
      })
    ),
    esbuild.build({
      ...common,
      entryPoints: MODULES,
      format: 'esm',
      splitting: true,
      outdir: join(outdir, 'client'),
      chunkNames: '[name]-[hash]'
    }),
    // The front page's stage has the engine: it is loaded where it is needed, under the name it has above.
    esbuild.build({ ...common, entryPoints: APART, format: 'esm', outdir: join(outdir, 'client'), external: ['*/demo.js'] })
  ]
  const metafiles = (await Promise.all(builds)).map(result => /** @type {esbuild.Metafile} */ (result.metafile))

  const idle = unused()
  if (idle.length) throw new Error(`client/shims/ replaces what nothing imports any more: ${idle.join(', ')}`)

  await copyPages(join(ROOT, 'client/pages'), join(outdir, 'pages'), src => preloads(src, outdir, metafiles))
  await writeFile(join(outdir, 'THIRD-PARTY.txt'), await thirdParty(ROOT, metafiles))
  await report(outdir, metafiles)
}

/** @param {string} from @param {string} to @param {(src: string) => string[]} preloads what a module script will ask for */
async function copyPages(from, to, preloads) {
  await mkdir(to, { recursive: true })
  for (const name of (await readdir(from)).sort()) {
    if (!PAGE_FILES.has(extname(name))) continue
    if (extname(name) !== '.html') await copyFile(join(from, name), join(to, name))
    else {
      const html = await readFile(join(from, name), 'utf8')
      await writeFile(join(to, name), html.replace(MODULE_SCRIPT, (tag, indent, src) =>
        [tag, ...preloads(src).map(url => `${indent}<link rel="modulepreload" href="${url}">`)].join('\n')))
    }
  }
}

const MODULE_SCRIPT = /( *)<script type="module" src="([^"]+)"><\/script>/

/**
 * What a page needs for its first picture: the script's chunks and hls.js, which it would find one after the other,
 * a round trip each. What is imported later stays out.
 *
 * @param {string} src of a module script, such as /client/watch.js
 * @param {string} outdir
 * @param {esbuild.Metafile[]} metafiles
 */
function preloads(src, outdir, metafiles) {
  const outputs = Object.assign({}, ...metafiles.map(metafile => metafile.outputs))
  const urlOf = (/** @type {string} */ path) =>
    resolve(ROOT, path).slice(resolve(outdir).length).replaceAll('\\', '/')
  const byUrl = new Map(Object.keys(outputs).map(path => [urlOf(path), outputs[path]]))
  /** @type {Set<string>} */
  const found = new Set()
  const follow = (/** @type {string} */ url) => {
    for (const { path, kind } of byUrl.get(url)?.imports ?? []) {
      const next = urlOf(path)
      const hls = Object.keys(outputs[path]?.inputs ?? {}).some(input => input.startsWith('node_modules/hls.js/'))
      if (found.has(next) || (kind !== 'import-statement' && !hls)) continue
      found.add(next)
      follow(next)
    }
  }
  if (!byUrl.has(src)) throw new Error(`a page loads ${src}, which is not built`)
  follow(src)
  // The largest first: it gets the connection that is open already.
  const size = (/** @type {string} */ url) => byUrl.get(url)?.bytes ?? 0
  return [...found].sort((a, b) => size(b) - size(a))
}

/**
 * Print and write every script's size.
 *
 * @param {string} outdir
 * @param {esbuild.Metafile[]} metafiles
 */
async function report(outdir, metafiles) {
  /** @type {Record<string, Size>} */
  const sizes = {}
  const nameOf = (/** @type {string} */ path) => resolve(ROOT, path).slice(resolve(outdir).length + 1).replaceAll('\\', '/')
  for (const metafile of metafiles) {
    for (const [path, output] of Object.entries(metafile.outputs)) {
      if (!path.endsWith('.js')) continue
      const bytes = await readFile(resolve(ROOT, path))
      const hls = Object.keys(output.inputs).some(input => input.startsWith('node_modules/hls.js/'))
      sizes[nameOf(path)] = {
        bytes: bytes.length,
        gzip: gzipSync(bytes, { level: 9 }).length,
        hls,
        seldom: Object.keys(output.inputs).includes('client/notice.js'),
        face: Object.keys(output.inputs).some(input => input.startsWith('client/controls/')),
        imports: output.imports.filter(({ external }) => !external).map(({ path }) => nameOf(path))
      }
    }
  }
  await writeFile(join(outdir, 'sizes.json'), `${JSON.stringify(sizes, null, 1)}\n`)

  const kb = (/** @type {number} */ n) => (n / 1000).toFixed(1).padStart(7)
  console.log('    raw KB   gzip KB')
  for (const [name, { bytes, gzip, hls, seldom, face }] of Object.entries(sizes)) {
    const what = hls ? '  (hls.js)' : seldom ? '  (where viewers are asked)' : face ? '  (controls)' : ''
    console.log(`   ${kb(bytes)}   ${kb(gzip)}  ${name}${what}`)
  }
  const loaded = (/** @type {string} */ name, /** @type {Set<string>} */ seen) => {
    if (seen.has(name)) return seen
    seen.add(name)
    for (const next of sizes[name]?.imports ?? []) loaded(next, seen)
    return seen
  }
  const weights = MODULES.map(entry => [...loaded(entry, new Set(['sw.js']))]
    .map(name => sizes[name])
    .reduce((sum, size) => sum + (!size || size.hls || size.seldom || size.face ? 0 : size.gzip), 0))
  console.log(`             ${kb(Math.max(...weights))}  the most a page loads of it, with the worker, without hls.js (goal: 75.0)`)
}

try {
  await main()
} catch (error) {
  // esbuild has shown its own errors, each with its place, already
  if (!error.errors) console.error(`error: ${error.message}`)
  process.exitCode = 1
}
