/* eslint-disable no-console */

/**
 * What applications notice of a connection manager, ours and libp2p's own one after the
 * other.
 *
 * `gossip` has nodes with a DHT and pubsub, over TCP, that hold few of the connections
 * that they would like to have, 10 to 16: how many messages arrive, how many connections are opened
 * for that, what it costs, and whether nodes are cut off. With our default grace period,
 * and with a short one.
 *
 * `--nodes 30`, `--seconds 50` and `--rounds 1` are the defaults. `--json` prints the
 * figures for programs.
 */

import { parseArgs } from 'node:util'
import { markdownTable } from './evidence.ts'
import { format } from './goals.ts'
import { median } from './measure.ts'
import { answer, start } from './processes.ts'

interface Swarm {
  published: number
  delivered: number
  opened: number
  cpu_s: number
  open: number
  most: number
  isolated: number
}

/**
 * What ours is to reach
 */
const MAX_OPENED_RATIO = 1.2
const MAX_CPU_RATIO = 1.1

/**
 * In ms, for ours: libp2p's own manager has none
 */
const GRACE_PERIODS = ['default', '5000']

const { positionals: [scene], values } = parseArgs({
  allowPositionals: true,
  options: {
    nodes: { type: 'string', default: '30' },
    seconds: { type: 'string', default: '50' },
    rounds: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false }
  }
})

if (scene !== 'gossip') {
  console.error('usage: npm run bench:apps -- gossip [--nodes 30] [--seconds 50] [--rounds 1] [--json]')
  process.exit(2)
}

const sides = [...GRACE_PERIODS.map(grace => ['ours', grace] as const), ['libp2p', 'none'] as const]
const swarms = new Map<string, Swarm[]>()

for (let round = 0; round < Number(values.rounds); round++) {
  // another one is first each time
  for (const [side, grace] of round % 2 === 0 ? sides : [...sides].reverse()) {
    swarms.set(grace, [...swarms.get(grace) ?? [], await swarm(side, grace)])
  }
}

const libp2p = medians('none')
const rows = GRACE_PERIODS.map(grace => {
  const ours = medians(grace)
  const reached = ours.delivered >= libp2p.delivered && ours.opened <= MAX_OPENED_RATIO * libp2p.opened &&
    ours.cpu_s <= MAX_CPU_RATIO * libp2p.cpu_s && ours.isolated === 0

  return { grace, ours, reached }
})

console.info(values.json
  ? JSON.stringify({ nodes: Number(values.nodes), seconds: Number(values.seconds), libp2p, rows })
  : markdownTable(['manager', 'messages delivered', 'connections opened', 'CPU', 'open per node at the end', 'most', 'isolated nodes', 'goal'], [
    ...rows.map(({ grace, ours, reached }) => cells(`ours, grace period ${grace === 'default' ? 'as by default' : `${grace} ms`}`, ours, reached ? 'reached' : 'missed')),
    cells('libp2p', libp2p, '')
  ]))

async function swarm (side: string, grace: string): Promise<Swarm> {
  const child = start('apps-swarm.ts', side, values.nodes, values.seconds, grace)

  try {
    return await answer<Swarm>(child)
  } finally {
    child.kill('SIGKILL')
  }
}

function medians (grace: string): Swarm {
  const of = (key: keyof Swarm): number => Number(median((swarms.get(grace) ?? []).map(swarm => swarm[key])).toPrecision(4))

  return { published: of('published'), delivered: of('delivered'), opened: of('opened'), cpu_s: of('cpu_s'), open: of('open'), most: of('most'), isolated: of('isolated') }
}

function cells (name: string, { cpu_s: cpu, delivered, isolated, most, open, opened, published }: Swarm, goal: string): string[] {
  return [name, `${format(delivered)} % of ${format(published)}`, format(opened), `${format(cpu)} s`, format(open), format(most), format(isolated), goal]
}
