import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import * as esbuild from 'esbuild'
import { trimmed } from '../../client/shims/plugin.mjs'
import { PATCHES, REPLACEMENTS } from '../../client/shims/replacements.mjs'

/** A folder with every file that is replaced or patched, each package at the version expected. */
async function tree (t, { versions = {}, files = {} } = {}) {
  const root = await mkdtemp(join(tmpdir(), 'shims-'))
  t.after(() => rm(root, { recursive: true }))
  for (const { file, version } of [...REPLACEMENTS, ...PATCHES]) {
    const parts = file.split('/')
    const name = parts.slice(0, file.startsWith('@') ? 2 : 1).join('/')
    const path = join(root, 'node_modules', file)
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, files[file] ?? 'export default 1')
    await writeFile(
      join(root, 'node_modules', name, 'package.json'),
      JSON.stringify({ name, version: versions[name] ?? version, type: 'module' })
    )
  }
  return root
}

function build (root, contents) {
  const { options, unused } = trimmed(root)
  return esbuild
    .build({ ...options, stdin: { contents, resolveDir: root }, bundle: true, write: false, logLevel: 'silent' })
    .then(result => ({ code: result.outputFiles[0].text, unused: unused() }))
}

test('an upgraded package whose shim was not read again fails the build', async t => {
  const root = await tree(t, { versions: { mime: '99.0.0' } })
  await assert.rejects(build(root, ''), /mime is 99\.0\.0, .* was written for 3\.0\.0/)
})

test('a replaced file that nothing imports any more is reported', async t => {
  const root = await tree(t)
  const { code, unused } = await build(root, "import mime from 'mime/lite.js'; console.log(mime)")
  assert.match(code, /video\/iso\.segment/)
  assert.ok(!unused.includes('mime/lite.js'))
  assert.ok(unused.includes('debug/src/browser.js'))
})

test('a patch whose text is gone fails the build', async t => {
  const file = 'webtorrent/lib/torrent.js'
  const root = await tree(t, { files: { [file]: 'export default 1' } })
  await assert.rejects(build(root, `import '${file}'`), /no longer holds exactly one/)
})

test('a name that a shim lacks fails the build', async t => {
  const root = await tree(t)
  await assert.rejects(
    build(root, "import { MessageStreamDecryptor } from 'bittorrent-protocol/mse.js'; MessageStreamDecryptor()"),
    /No matching export/
  )
})

test('text is decoded across chunk borders', async () => {
  const { default: Decoder } = await import('../../client/shims/text-decoder.cjs')
  const decoder = new Decoder('utf-8')
  const bytes = new TextEncoder().encode('añb')
  assert.equal(decoder.push(bytes.subarray(0, 2)) + decoder.push(bytes.subarray(2)) + decoder.end(), 'añb')
  assert.throws(() => new Decoder('latin1'), /unsupported encoding/)
})

test('paths are joined as webtorrent joins them', async () => {
  const { basename, dirname: folder, join: joined } = await import('../../client/shims/path.js')
  assert.equal(joined('', 'a', 'b.ts'), 'a/b.ts')
  assert.equal(basename('a/b.ts'), 'b.ts')
  assert.equal(folder('a/b.ts'), 'a')
  assert.equal(folder('b.ts'), '.')
})
