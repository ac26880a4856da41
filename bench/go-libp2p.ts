/* eslint-disable no-console */

/**
 * Measures our connection and resource managers against those of go-libp2p: the
 * same steps on the same number of connections, in turn, as medians of several
 * rounds. Says so and does nothing where there is no Go.
 *
 * `--json` prints the figures for programs, `--evidence` writes them to
 * docs/evidence.md, `--short` leaves out what takes long.
 */

import { GoProgram, buildGo } from '../test/fixtures/go-program.ts'
import { BareManager } from './bare-manager.ts'
import { writeEvidence } from './evidence.ts'
import { page, table, verdict } from './go-table.ts'
import { OurConnections, OurResources } from './go-works.ts'
import { format } from './goals.ts'
import { managerInNode } from './managed.ts'
import { compare } from './measure.ts'
import type { Row, Versions } from './go-table.ts'
import type { WorkArgs } from './go-works.ts'
import type { Side } from './measure.ts'

/**
 * What `bench/go` answers: how many microseconds a round took
 */
interface GoCalls extends Record<'connection' | 'stream' | 'lifecycle' | 'trim', { us: number }> {
  versions: Versions
}

/**
 * Something that all sides can do
 */
interface Work {
  name: string

  /**
   * What `bench/go` calls it
   */
  command: Exclude<keyof GoCalls, 'versions'>
  args: WorkArgs
  ours(args: WorkArgs): Promise<number>
  inNode?(args: WorkArgs): Promise<number>
  target: number
}

const args = process.argv.slice(2)
const asJSON = args.includes('--json')
const asEvidence = args.includes('--evidence')

// the page has everything
const short = args.includes('--short') && !asEvidence

// what is meant for people must not stand between what is meant for programs
const tell = asJSON ? console.error : console.info
const SIZES = short ? [1_000, 10_000] : [1_000, 10_000, 100_000]
const ROUNDS = short ? 3 : 7

/**
 * With so many connections ours has to be as fast
 */
const LARGE = 100_000
const WITHIN = 3

const LIFECYCLE = { connections: 10_000, count: 10_000 }
const RESERVATIONS = { connections: 0, count: 100_000 }

const built = await buildGo(new URL('./go/', import.meta.url))

if ('missing' in built) {
  tell(`bench:go skipped: ${built.missing}`)
  process.exit()
}

const go = GoProgram.start<GoCalls>(built.program)
const versions = await go.call('versions')
const rows: Row[] = []

for (const work of await works()) {
  rows.push(await measure(work))
}

await go.stop()
const verdicts = rows.map(verdict)

if (asJSON) {
  console.info(JSON.stringify({ versions, rows, goals: verdicts }))
} else {
  console.info(table(versions, rows, verdicts))
}

if (asEvidence) {
  await writeEvidence({
    name: 'bench-go',
    title: 'Beside go-libp2p',
    command: 'npm run bench:go -- --evidence',
    body: page(rows, verdicts),
    versions: [versions.go.replace('go', 'Go '), `go-libp2p ${versions.libp2p}`]
  })
}

// closing what is open would take longer than all of the above
process.exit()

async function works (): Promise<Work[]> {
  const alone = new OurConnections(new BareManager())
  const inNode = new OurConnections(await managerInNode())
  const resources = new OurResources()

  return [
    {
      name: 'resource manager: reserve a connection, set its peer, give it back',
      command: 'connection',
      args: RESERVATIONS,
      ours: async args => resources.connection(args),
      target: WITHIN
    },
    {
      name: 'resource manager: reserve a stream, set its protocol, give it back',
      command: 'stream',
      args: RESERVATIONS,
      ours: async args => resources.stream(args),
      target: WITHIN
    },
    // more and more connections, as none is ever closed but by a trim
    ...SIZES.flatMap((connections): Work[] => [
      ...(connections === LIFECYCLE.connections
        ? [{
            name: `connect, tag, untag and disconnect, beside ${format(connections)} others`,
            command: 'lifecycle' as const,
            args: LIFECYCLE,
            ours: async (args: WorkArgs) => alone.lifecycle(args),
            inNode: async (args: WorkArgs) => inNode.lifecycle(args),
            target: WITHIN
          }]
        : []),
      {
        name: `trim a tenth of ${format(connections)}`,
        command: 'trim',
        args: { connections, count: 1 },
        ours: async args => alone.trim(args),
        inNode: async args => inNode.trim(args),
        target: connections === LARGE ? 1 : WITHIN
      }
    ])
  ]
}

async function measure ({ name, command, args, ours, inNode, target }: Work): Promise<Row> {
  const sides: Side[] = [
    { name: 'go', round: async () => (await go.call(command, args)).us },
    { name: 'ours', round: async () => ours(args) },
    ...(inNode == null ? [] : [{ name: 'inNode', round: async () => inNode(args) }])
  ]
  const medians = await compare(sides, ROUNDS)

  return {
    name,
    go_us: round(medians.go),
    ours_us: round(medians.ours),
    ratio: round(medians.ours / medians.go),
    inNode_us: inNode == null ? null : round(medians.inNode),
    target
  }
}

function round (value: number): number {
  return Number(value.toPrecision(4))
}
