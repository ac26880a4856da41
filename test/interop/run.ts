/**
 * Runs the tests with go-libp2p nodes, or says why it cannot.
 *
 * `--json` prints what was shown for programs, `--evidence` writes it to
 * docs/evidence.md.
 */
/* eslint-disable no-console */
import { spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { writeEvidence } from '../../bench/evidence.ts'
import { buildGo } from '../fixtures/go-program.ts'
import { GO_PEER, GoPeer } from './go-peer.ts'
import { PROGRAM, quic } from './interop-group.ts'

/**
 * What mocha says of a test
 */
interface Test {
  fullTitle: string
}

interface Report {
  passes: Test[]
  pending: Test[]
  failures: Test[]
}

const TESTS = fileURLToPath(new URL('./*.node.ts', import.meta.url))
const TEST_TIMEOUT = 60_000

const asJSON = process.argv.includes('--json')
const asEvidence = process.argv.includes('--evidence')

// what is meant for people must not stand between what is meant for programs
const tell = asJSON ? console.error : console.info
const built = await buildGo(GO_PEER)

if ('missing' in built) {
  tell(`test:interop skipped: ${built.missing}`)
  process.exit()
}

if (quic == null) {
  tell('QUIC is skipped: npm install --no-save @chainsafe/libp2p-quic@^2.1.1')
}

if (!asJSON && !asEvidence) {
  process.exit(await runTests(built.program, 'spec').code)
}

const run = runTests(built.program, 'json')
const [code, output] = await Promise.all([run.code, run.output])
const { passes, pending, failures }: Report = JSON.parse(output)
const versions = await versionsOf(built.program)

if (asJSON) {
  console.info(JSON.stringify({ versions, passed: titles(passes), skipped: titles(pending), failed: titles(failures) }))
} else {
  titles(passes).forEach(title => { console.info(`✔ ${title}`) })
  titles(pending).forEach(title => { console.info(`- ${title}`) })
  titles(failures).forEach(title => { console.info(`✘ ${title}`) })
}

if (asEvidence) {
  await writeEvidence({
    name: 'interop',
    title: 'With go-libp2p nodes',
    command: 'npm run test:interop -- --evidence',
    body: [
      'Real nodes of both on the loopback interface. That the AutoNAT v2 server of go-libp2p verifies the address of',
      'a node behind a NAT is shown by `npm run test:natlab`.',
      '',
      ...titles(passes).map(title => `- ✔ ${title}`),
      ...titles(pending).map(title => `- skipped: ${title}`),
      ...titles(failures).map(title => `- ✘ ${title}`)
    ].join('\n'),
    versions: Object.entries(versions).map(([name, version]) => `${name} ${version}`)
  })
}

process.exit(code)

/**
 * Mocha is on the path of every npm script
 */
function runTests (program: string, reporter: 'spec' | 'json'): { code: Promise<number>, output: Promise<string> } {
  const child = spawn('mocha', ['--timeout', `${TEST_TIMEOUT}`, '--reporter', reporter, TESTS], {
    stdio: ['ignore', reporter === 'json' ? 'pipe' : 'inherit', 'inherit'],
    env: { ...process.env, [PROGRAM]: program }
  })

  return {
    code: new Promise((resolve, reject) => {
      child.once('error', reject)
      child.once('exit', code => { resolve(code ?? 1) })
    }),
    output: child.stdout == null ? Promise.resolve('') : text(child.stdout)
  }
}

function titles (tests: Test[]): string[] {
  return tests.map(({ fullTitle }) => fullTitle)
}

/**
 * What the nodes are built with
 */
async function versionsOf (program: string): Promise<Record<string, string>> {
  const peer = await GoPeer.start(program)
  const { versions } = await peer.call('info')
  await peer.program.stop()

  return {
    Go: versions.go.replace('go', ''),
    'go-libp2p': versions.libp2p,
    ...Object.fromEntries(['@libp2p/tcp', '@libp2p/websockets', '@libp2p/circuit-relay-v2'].map(name => [name, installed(name)])),
    ...(quic == null ? {} : { '@chainsafe/libp2p-quic': installed('@chainsafe/libp2p-quic') })
  }
}

function installed (name: string): string {
  const { version } = createRequire(import.meta.url)(`../../node_modules/${name}/package.json`) as { version: string }

  return version
}
