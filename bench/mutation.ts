/* eslint-disable no-console */

/**
 * Changes the code that decides who has to go, and counts the changes that no test
 * notices. `docs/mutation.md` says why those that are left cannot be noticed.
 *
 * `--only <group>` does one of the groups. Ends with code 1 where too many changes go
 * unnoticed. `--json` prints the figures for programs, `--evidence` writes them on the
 * page.
 */

import process from 'node:process'
import { parseArgs } from 'node:util'
import { Stryker } from '@stryker-mutator/core'
import { markdownTable, writeEvidence } from './evidence.ts'

/**
 * In percent
 */
const FLOOR = 90

interface Group {
  /**
   * What is changed
   */
  readonly files: readonly string[]

  /**
   * What has to notice it
   */
  readonly specs: readonly string[]
}

const GROUPS: Record<string, Group> = {
  eviction: {
    files: ['src/admission/eviction.ts', 'src/admission/victim-chooser.ts'],
    specs: ['test/admission/eviction.spec.ts', 'test/admission/victim-chooser.spec.ts']
  },
  scopes: {
    files: ['scope', 'limited-usage', 'charged-scope', 'span', 'scope-registry', 'realm-reserves'].map(name => `src/resources/${name}.ts`),
    specs: ['memory', 'scope', 'connection-scopes', 'stream-scopes', 'resource-manager'].map(name => `test/resources/${name}.spec.ts`)
  },
  trimming: {
    files: ['absent-peers', 'candidate-pass', 'candidates', 'candidates-among', 'decay', 'fair-selection', 'note-value', 'nth-smallest', 'partition', 'peer-tags', 'protection', 'select', 'tag', 'value-selection', 'watermarks'].map(name => `src/trimming/${name}.ts`),
    specs: ['test/trimming/*.spec.ts']
  }
}

/**
 * What it says would be in between the figures. The type has a list of words that
 * exist in types only.
 */
const QUIET: object = { logLevel: 'off' }

/**
 * What became of the changes to a file
 */
interface Score {
  readonly file: string
  readonly mutants: number
  readonly killed: number
  readonly survived: number

  /**
   * In percent
   */
  readonly score: number
}

/**
 * A change that no test has noticed
 */
interface Survivor {
  readonly file: string
  readonly line: number
  readonly mutator: string
  readonly replacement: string | undefined
}

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    json: { type: 'boolean', default: false },
    evidence: { type: 'boolean', default: false }
  }
})

if (values.only != null && GROUPS[values.only] == null) {
  throw new TypeError(`--only has to be one of ${Object.keys(GROUPS).join(', ')}, it is "${values.only}"`)
}

const scores: Score[] = []
const survivors: Survivor[] = []

for (const [name, group] of Object.entries(GROUPS)) {
  if (values.only == null || values.only === name) {
    await mutate(group)
  }
}

if (values.evidence) {
  await writeEvidence({ name: 'mutation', title: 'Mutation testing', command: 'npm run mutation', body: markdown() })
}

console.info(values.json ? JSON.stringify({ floor: FLOOR, scores, survivors }) : text())
process.exitCode = scores.every(({ score }) => score >= FLOOR) ? 0 : 1

async function mutate ({ files, specs }: Group): Promise<void> {
  const results = await new Stryker({
    mutate: [...files],
    testRunner: 'mocha',
    mochaOptions: { spec: [...specs] },
    coverageAnalysis: 'perTest',
    // types are checked elsewhere, and a change that breaks them is one all the same
    checkers: [],
    ignorePatterns: ['**/*', '!src/**', '!test/**', '!package.json', '!tsconfig.json'],
    plugins: ['@stryker-mutator/mocha-runner'],
    reporters: [],
    tempDirName: '.tmp-mutation',
    timeoutMS: 10_000,
    ...QUIET
  }).runMutationTest()

  for (const file of files) {
    const mutants = results.filter(({ fileName, status }) => fileName.endsWith(file) && status !== 'Ignored' && status !== 'CompileError' && status !== 'RuntimeError')
    const alive = mutants.filter(({ status }) => status === 'Survived' || status === 'NoCoverage')
    const killed = mutants.length - alive.length
    scores.push({ file, mutants: mutants.length, killed, survived: alive.length, score: mutants.length === 0 ? 100 : Number((killed / mutants.length * 100).toFixed(1)) })
    survivors.push(...alive.map(({ location, mutatorName, replacement }) => ({ file, line: location.start.line, mutator: mutatorName, replacement })))
  }
}

function text (): string {
  return [
    ...scores.map(({ file, score, killed, mutants }) => `${file.padEnd(36)}${`${score.toFixed(1)} %`.padStart(8)}  ${killed} of ${mutants} changes are noticed`),
    '',
    ...survivors.map(({ file, line, mutator, replacement = '' }) => `  not noticed: ${file}:${line} ${mutator}: ${replacement.replaceAll(/\s+/g, ' ').slice(0, 100)}`)
  ].join('\n')
}

function markdown (): string {
  return [
    'Each change to the code is one mutant: an operator, a condition, a value, or a block that is left out. A mutant survives if no test of its room notices it. [Why those that are left cannot be noticed](mutation.md).',
    markdownTable(['file', 'mutants', 'killed', 'survived', 'score'], scores.map(({ file, mutants, killed, survived, score }) => [`\`${file}\``, `${mutants}`, `${killed}`, `${survived}`, `${score.toFixed(1)} %`]))
  ].join('\n\n')
}
