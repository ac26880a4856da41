import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { expect } from 'aegir/chai'
import { DOCUMENTS, findExamples } from './fixtures/documents.ts'
import type { Example } from './fixtures/documents.ts'

const run = promisify(execFile)
const FOLDER = '.tmp-readme'

/**
 * Runs the blocks one after the other, as they are written
 *
 * @throws {Error} that names the heading, if one fails
 */
async function runExamples (name: string, examples: readonly Example[]): Promise<void> {
  await mkdir(FOLDER, { recursive: true })

  for (const [index, { heading, code }] of examples.entries()) {
    const file = join(FOLDER, `${name}-${index}.ts`)
    await writeFile(file, code.replaceAll("'libp2p-connmgr'", "'../src/index.ts'"))

    try {
      await run(process.execPath, ['--unhandled-rejections=strict', file], { timeout: 100_000 })
    } catch (err) {
      throw new Error(`The example under "${heading}" failed`, { cause: err })
    }
  }
}

/**
 * Links to files of the repository, without the place in the file
 */
function findLinks (text: string): string[] {
  return [...text.matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)].map(([, link]) => link)
}

describe('README and docs', function () {
  this.timeout(300_000)

  after(async () => {
    await rm(FOLDER, { recursive: true, force: true })
  })

  it('have a first example', async () => {
    const examples = findExamples(await readFile('README.md', 'utf-8'))

    expect(examples).to.not.be.empty()
  })

  for (const document of DOCUMENTS) {
    it(`have examples in ${document} that run as they are written`, async () => {
      await runExamples(document.replaceAll(/\W/g, '-'), findExamples(await readFile(document, 'utf-8')))
    })
  }

  it('have links that lead somewhere', async () => {
    for (const file of [...DOCUMENTS, 'CONTRIBUTING.md', 'CHANGELOG.md']) {
      for (const link of findLinks(await readFile(file, 'utf-8'))) {
        expect(existsSync(join(dirname(file), link)), `${file} links to ${link}`).to.be.true()
      }
    }
  })
})
