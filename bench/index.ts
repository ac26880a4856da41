/* eslint-disable no-console */

/**
 * Measures our connection manager against the one that libp2p comes with: both in
 * this process, as components of a node, on the same kind of connections.
 *
 * `--json` prints the figures for programs, `--evidence` writes them on the page of
 * evidence. `--against <commit>` compares this checkout with a commit instead, in turn, as
 * often as `--turns` says.
 */

import { parseArgs } from 'node:util'
import { accept } from './accept.ts'
import { against } from './against.ts'
import { fillUpTo } from './connections.ts'
import { writeEvidence } from './evidence.ts'
import { resultsOf } from './figures.ts'
import { goals } from './goals.ts'
import { compare, quiesce } from './measure.ts'
import { open } from './open.ts'
import { libp2ps, ours } from './subjects.ts'
import { table } from './table.ts'
import { choose, trim, trimLibp2p, trimOurs } from './trim.ts'
import type { DialingResults } from './dialing.ts'
import type { Figure } from './figures.ts'
import type { MemoryPerConnection, Results, Row } from './goals.ts'
import type { Side } from './measure.ts'
import type { Subject } from './subjects.ts'

/**
 * How many connections are open
 */
const SIZES = [1_000, 5_000, 20_000, 100_000]

/**
 * With more, libp2p's own manager would take minutes
 */
const LIBP2P_MAX = 5_000

/**
 * It takes so little that it has to be done often until it is compiled, and many times
 * at once so that the first of them do not decide
 */
const ACCEPT_ROUNDS = 25
const ACCEPT_BATCH = 4_000

/**
 * So often until it is compiled
 */
const WARM_UP_ROUNDS = 30

const { values } = parseArgs({ strict: false, options: { against: { type: 'string' }, turns: { type: 'string' } } })

if (typeof values.against === 'string') {
  await against(values.against, typeof values.turns === 'string' ? Number(values.turns) : undefined)
  process.exit()
}

const json = process.argv.includes('--json')
const our = await ours()
const their = await libp2ps()

progress('counting and deciding')
const resources = await resultsOf<Figure[]>('resources.ts')
const gating = await resultsOf<Figure[]>('gating.ts')

progress('counting bytes')
const memory = await resultsOf<MemoryPerConnection>('memory.ts')

progress('dialling')
const { dial, enqueue } = await resultsOf<DialingResults>('dialing.ts')

const results: Results = { accept: [], open: [], trim: [], trimWithRegistrar: [], choose: { n: 0, count: 0, choose_ms: 0, block_ms: 0 }, memory, resources, gating, dial, enqueue }

for (const n of SIZES) {
  const subjects: Subject[] = n <= LIBP2P_MAX ? [our, their] : [our]

  for (const subject of subjects) {
    progress(`opening ${n} connections, ${subject.name}`)
    await fillUpTo(subject, n, subject.manager.getConnectionsMap().size)
  }

  progress(`measuring at ${n} connections`)
  const batch = { ours: ACCEPT_BATCH, libp2p: Math.max(5, 20_000 / n) }
  results.accept.push(await row(n, subjects.map(subject => accept(subject, batch[subject.name])), ACCEPT_ROUNDS, ACCEPT_ROUNDS))
  results.open.push(await row(n, subjects.map(subject => open(subject, subject === our ? Math.min(500, n / 20) : 10)), undefined, WARM_UP_ROUNDS))

  const trims = (): Side[] => subjects.map(subject => trim(subject, subject === our ? trimOurs(our) : trimLibp2p(their), n))
  const [rounds, warmUp] = n <= LIBP2P_MAX ? [15, WARM_UP_ROUNDS] : [3, 3]

  results.trim.push(await our.withoutRegistrar(async () => their.withoutRegistrar(async () => row(n, trims(), rounds, warmUp))))
  results.trimWithRegistrar.push(await row(n, trims(), rounds))
}

progress('choosing')
const n = SIZES[SIZES.length - 1]
results.choose = { n, count: n / 10, ...await our.withoutRegistrar(async () => choose(our, n, n / 10)) }

const verdicts = goals(results)
console.info(json ? JSON.stringify({ ...results, goals: verdicts }) : table(results, verdicts))

if (process.argv.includes('--evidence')) {
  await writeEvidence({
    name: 'bench',
    title: 'Against libp2p\'s own connection manager',
    command: 'npm run bench',
    body: `Medians of several rounds, in which both take turns.\n\n\`\`\`text\n${table(results, verdicts)}\n\`\`\``
  })
}

await quiesce()
// closing what is open would take longer than all of the above
process.exit()

async function row (n: number, sides: Side[], rounds?: number, warmUp?: number): Promise<Row> {
  const { ours: mine, libp2p } = await compare(sides, rounds, warmUp)

  return { n, ours_us: round(mine), libp2p_us: libp2p == null ? null : round(libp2p), ratio: libp2p == null ? null : round(libp2p / mine) }
}

function round (value: number): number {
  return Number(value.toPrecision(4))
}

function progress (text: string): void {
  if (process.stderr.isTTY) {
    process.stderr.write(`\r\u001b[K${json ? '' : text}`)
  }
}
