// Whose code is in the bundle: every package's licence text, as its licence asks for.

import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * @param {string} root folder that holds node_modules
 * @param {import('esbuild').Metafile[]} metafiles
 * @returns {Promise<string>} one notice per package, in alphabetical order
 */
export async function thirdParty(root, metafiles) {
  /** @type {Set<string>} */
  const folders = new Set()
  for (const { outputs } of metafiles) {
    for (const { inputs } of Object.values(outputs)) {
      for (const [input, { bytesInOutput }] of Object.entries(inputs)) {
        const folder = /^([^(]*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(input)?.[1]
        // esbuild names what a browser leaves out '(disabled):…': none of its bytes are here
        if (folder && bytesInOutput > 0) folders.add(folder)
      }
    }
  }
  const notices = await Promise.all([...folders].sort().map(folder => notice(join(root, folder))))
  return `The files beside this one hold code of these packages.\n\n${notices.join('\n')}`
}

/** @param {string} folder */
async function notice(folder) {
  const { name, version, license, author } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'))
  const file = (await readdir(folder)).find(entry => /^licen[cs]e/i.test(entry))
  const by = typeof author === 'string' ? author : (author?.name ?? 'its authors')
  const text = file ? await readFile(join(folder, file), 'utf8') : `Copyright ${by}\n`
  const rule = '-'.repeat(78)
  return `${rule}\n${name} ${version}, licence ${license ?? 'see below'}\n\n${text.trim()}\n`
}
