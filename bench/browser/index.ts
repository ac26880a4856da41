/* eslint-disable no-console */

/**
 * How much a page grows that uses our connection manager: by what it fetches at once,
 * and by what it fetches when it is needed
 *
 * `--json` prints the figures for programs, `--evidence` writes them into
 * `docs/evidence.md`, and `--tests` runs the tests in a browser as well.
 */

import { createRequire } from 'node:module'
import { markdownTable, writeEvidence } from '../evidence.ts'
import { bundles } from './bundles.ts'
import { testCounts } from './test-counts.ts'

/**
 * 60 KB of 1 024 bytes, as where the memory of a connection is meant. After gzip, beyond
 * what a page with libp2p has anyway
 */
const GOAL = 60 * 1_024

const [libp2p, ...ours] = await bundles()
const added = ours.map(({ name, minified, gzip, onDemand }) => ({ name, minified: minified - libp2p.minified, gzip: gzip - libp2p.gzip, onDemand: onDemand - libp2p.onDemand }))
const [manager] = added
const goal = { limit: GOAL, reached: manager.gzip <= GOAL }
const rooms = Object.entries(ours[0].rooms).sort(([, a], [, b]) => b - a)
const packages = ours[0].packages.filter(name => !libp2p.packages.includes(name))
const tests = process.argv.includes('--tests') ? await testCounts() : []

const HEAD = ['a page with', 'minified', 'gzip', 'on demand']
const sizes = [
  [libp2p.name, kibibytes(libp2p.minified), kibibytes(libp2p.gzip), kibibytes(libp2p.onDemand)],
  ...added.map(({ name, minified, gzip, onDemand }) => [name, `+ ${kibibytes(minified)}`, `+ ${kibibytes(gzip)}`, `+ ${kibibytes(onDemand)}`])
]
const verdict = `${goal.reached ? '✔' : '✘'} \`connectionManager()\` adds ${manager.gzip.toLocaleString('en')} bytes of gzip to a page with libp2p, the goal is ${GOAL.toLocaleString('en')}; loaded on demand: ${kibibytes(manager.onDemand)}`
const madeOf = `Minified, by room: ${rooms.filter(([, bytes]) => bytes >= 1_000).map(([room, bytes]) => `${room} ${kibibytes(bytes)}`).join(', ')}. Dependencies that libp2p has not: ${packages.join(', ') || 'none'}.`
const counts = tests.map(({ where, passed, leftOut }) => `${passed} tests passed in a ${where} of Chromium, ${leftOut} were left out`)

if (process.argv.includes('--json')) {
  console.info(JSON.stringify({ libp2p: { minified: libp2p.minified, gzip: libp2p.gzip, onDemand: libp2p.onDemand }, added, goal, rooms: Object.fromEntries(rooms), packages, tests }))
} else {
  console.info([HEAD, ...sizes].map(([name, ...sizes]) => `${name.padEnd(34)}${sizes.map(size => size.padStart(12)).join('')}`).join('\n'))
  console.info(['', ...counts, madeOf, verdict].join('\n'))
}

if (process.argv.includes('--evidence')) {
  const { version } = createRequire(import.meta.url)('esbuild/package.json') as { version: string }

  await writeEvidence({
    name: 'browser',
    title: 'In browsers',
    command: `npm run bundle-size --${tests.length > 0 ? ' --tests' : ''} --evidence`,
    body: [verdict, markdownTable(HEAD, sizes), madeOf, ...counts].join('\n\n'),
    versions: [`esbuild ${version}`]
  })
}

function kibibytes (bytes: number): string {
  return `${(bytes / 1_024).toFixed(1)} KiB`
}
