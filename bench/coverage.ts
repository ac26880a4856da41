/* eslint-disable no-console */

/**
 * How many of the lines of each room the tests run. Ends with code 1 where these are
 * less than 95 % of a room that is pure.
 *
 * `--short` runs the specs that the pure rooms have themselves, and no nodes.
 * `--json` prints the figures for programs, `--evidence` writes them on the page.
 */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs/promises'
import path from 'node:path'
import process from 'node:process'
import { markdownTable, writeEvidence } from './evidence.ts'
import { linesOf, ranges, roomOf } from './line-coverage.ts'
import type { FileCoverage, FileLines, RoomLines } from './line-coverage.ts'

const FLOOR = 95
const REPORT = '.coverage'
const DUMPS = `${REPORT}/v8`
const TESTS = ['test/node.ts', 'test/**/*.spec.ts']
const TESTS_OF_PURE_ROOMS = ['test/{addresses,admission,core,dialing,gating,outbound,reachability,resources,trimming,upkeep}/**/*.spec.ts']

/**
 * What a test leaves running must not hold it up for ever. In minutes
 */
const TIME_LIMIT = { short: 5, full: 20 }
const ATTEMPTS = 2

/**
 * What runs elsewhere: in browsers
 */
const ELSEWHERE = /\.browser\.ts$/

/**
 * The rooms that decide and do nothing, and the files of the others that do no more
 */
const PURE: Record<string, RegExp> = {
  addresses: /^src\/addresses\//,
  trimming: /^src\/trimming\//,
  resources: /^src\/resources\//,
  admission: /^src\/admission\//,
  gating: /^src\/gating\//,
  dialing: /^src\/dialing\/(adaptive-timeout|back-off|black-hole|budgets|dial-failure|dial-history|dial-traits|explain-dial-error|options|ranker)\.ts$/,
  outbound: /^src\/outbound\/(candidate|candidate-stages|choose-churned|dial-rate|dial-records|failure-brake|group-counts|mix-fairly|parse-peers|retry-chance|retry-delay|skip-counts|skip-reasons|top-up-options)\.ts$/,
  core: /^src\/core\/(best-path)\.ts$/,
  upkeep: /^src\/upkeep\/(due-queue|duplicates|flapping|liveness-policy|options)\.ts$/,
  'reachability (policy)': /^src\/reachability\/(node-state|mapping\/(gateway-state|mapping-state)|probing\/address-state)\.ts$/
}

const args = process.argv.slice(2)
const json = args.includes('--json')
const short = args.includes('--short')

await runTests()

const files = await measure()
const pure = Object.entries(PURE).map(([room, pattern]) => roomOf(room, files.filter(({ file }) => pattern.test(file))))
const rooms = [...Map.groupBy(files, ({ file }) => roomNameOf(file))].map(([room, members]) => roomOf(room, members))
const all = roomOf('all', files)
const low = pure.filter(({ files, percent }) => files === 0 || percent < FLOOR)

if (args.includes('--evidence')) {
  await writeEvidence({ name: 'coverage', title: 'Coverage', command: short ? 'npm run coverage -- --short' : 'npm run coverage', body: markdown() })
}

console.info(json ? JSON.stringify({ floor: FLOOR, pure, rooms, all, missed: files.filter(isPure).filter(hasMissed) }) : text())
process.exitCode = low.length > 0 ? 1 : 0

/**
 * @throws {Error} if a test fails: what ran until then says nothing
 */
async function runTests (): Promise<void> {
  const minutes = short ? TIME_LIMIT.short : TIME_LIMIT.full
  const args = [...(short ? TESTS_OF_PURE_ROOMS : TESTS), '--timeout', '60000', '--reporter', 'dot']

  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    await fs.rm(DUMPS, { recursive: true, force: true })

    if (await run('mocha/bin/mocha.js', args, { env: { NODE_V8_COVERAGE: path.resolve(DUMPS) }, timeout: minutes * 60_000 })) {
      return
    }

    console.error(`The tests did not come to an end within ${minutes} minutes, attempt ${attempt} of ${ATTEMPTS}`)
  }

  throw new Error(`The tests did not come to an end ${ATTEMPTS} times`)
}

/**
 * Whether it came to an end in time
 *
 * @throws {Error} if it fails
 */
async function run (program: string, args: string[], { env, timeout }: { env?: NodeJS.ProcessEnv, timeout?: number } = {}): Promise<boolean> {
  const child = spawn(process.execPath, [`node_modules/${program}`, ...args], {
    // the figures are all that is printed where programs read
    stdio: ['ignore', json ? 2 : 1, 2],
    env: { ...process.env, ...env },
    timeout,
    killSignal: 'SIGKILL'
  })
  const [code] = await once(child, 'exit')

  if (code !== 0 && !child.killed) {
    throw new Error(`${program} has failed`)
  }

  return !child.killed
}

async function measure (): Promise<FileLines[]> {
  // one dump after the other, as there is one of each process that the tests have started
  await run('c8/bin/c8.js', ['report', '--temp-directory', DUMPS, '--report-dir', REPORT, '--reporter', 'json', '--include', 'src/**', '--merge-async'])

  const map: Record<string, FileCoverage> = JSON.parse(await fs.readFile(`${REPORT}/coverage-final.json`, 'utf-8'))
  const sources = (await fs.readdir('src', { recursive: true }))
    .map(file => path.join('src', file))
    .filter(file => file.endsWith('.ts') && !ELSEWHERE.test(file))
    .sort()

  return Promise.all(sources.map(async file => linesOf(file, await fs.readFile(file, 'utf-8'), map[path.resolve(file)])))
}

function roomNameOf (file: string): string {
  const [, room, ...rest] = file.split('/')

  return rest.length === 0 ? 'roof' : room
}

function isPure ({ file }: FileLines): boolean {
  return Object.values(PURE).some(pattern => pattern.test(file))
}

function hasMissed ({ missed }: FileLines): boolean {
  return missed.length > 0
}

function text (): string {
  const line = ({ room, lines, covered, percent }: RoomLines): string => `${room.padEnd(14)}${`${percent.toFixed(1)} %`.padStart(8)}  ${covered} of ${lines} lines`

  return [
    'Pure rooms, and pure files of the others',
    '',
    ...pure.map(line),
    '',
    ...files.filter(isPure).filter(hasMissed).map(({ file, missed }) => `  not run: ${file}:${ranges(missed)}`),
    '',
    ...(short ? [] : ['All files', '', ...rooms.map(line), line(all), '']),
    low.length === 0 ? `each of the pure rooms has ${FLOOR} % at least` : `less than ${FLOOR} %: ${low.map(({ room }) => room).join(', ')}`
  ].join('\n')
}

function markdown (): string {
  const cells = ({ room, files, lines, covered, percent }: RoomLines): string[] => [room, `${files}`, `${lines}`, `${covered}`, `${percent.toFixed(1)} %`]
  const head = ['room', 'files', 'lines of code', 'run by tests', '']

  return [
    `Lines of code, without comments, types and closing brackets, that the tests in Node.js run. Each room that only decides, and the files of other rooms that only decide, has to have ${FLOOR} %:`,
    markdownTable(head, pure.map(cells)),
    ...(short ? [] : ['All files but those that only run in browsers:', markdownTable(head, [...rooms, all].map(cells))])
  ].join('\n\n')
}
