/* eslint-disable no-console */

/**
 * Many peers connect to a node at once, over TCP: how many connections per second are
 * opened, and for how long the event loop of the node is held up, with our connection
 * manager and with libp2p's own. With none open before, and with many (these are
 * without a network, as so many sockets are not to be had everywhere).
 *
 * `--json` prints the figures for programs, `--evidence` writes them on the page of
 * evidence.
 */

import { markdownTable, writeEvidence } from './evidence.ts'
import { format } from './goals.ts'
import { median } from './measure.ts'
import { answer, start } from './processes.ts'

const PEERS = 200
const OPEN = [0, 5_000]
const ROUNDS = 3

interface Storm {
  connected: number
  per_second: number
  delay_p99_ms: number
  delay_max_ms: number
}

interface Row {
  open: number
  ours: Storm
  libp2p: Storm
}

const json = process.argv.includes('--json')
const rows: Row[] = []

for (const open of OPEN) {
  const storms: Record<'ours' | 'libp2p', Storm[]> = { ours: [], libp2p: [] }

  for (let round = 0; round < ROUNDS; round++) {
    // the other one is first each time
    for (const side of round % 2 === 0 ? ['ours', 'libp2p'] as const : ['libp2p', 'ours'] as const) {
      storms[side].push(await storm(side, open))
    }
  }

  rows.push({ open, ours: medians(storms.ours), libp2p: medians(storms.libp2p) })
}

const head = ['open before', 'connected, ours', 'libp2p', 'connections per second, ours', 'libp2p', 'event loop held up, 99th percentile, ours', 'libp2p', 'longest, ours', 'libp2p']
const cells = rows.map(({ open, ours, libp2p }) => [
  format(open),
  format(ours.connected),
  format(libp2p.connected),
  format(ours.per_second),
  format(libp2p.per_second),
  ...[ours.delay_p99_ms, libp2p.delay_p99_ms, ours.delay_max_ms, libp2p.delay_max_ms].map(ms => `${format(ms)} ms`)
])

console.info(json ? JSON.stringify({ peers: PEERS, storms: rows }) : markdownTable(head, cells))

if (process.argv.includes('--evidence')) {
  await writeEvidence({
    name: 'storm',
    title: `A storm of ${PEERS} peers that connect at once`,
    command: 'npm run bench:storm',
    body: `${markdownTable(head, cells)}\n\nReal peers over TCP with noise and yamux, in a process of their own on the same machine, medians of ${ROUNDS} storms. The connections that are open before have no network.`
  })
}

async function storm (side: string, open: number): Promise<Storm> {
  const hub = start('storm-hub.ts', side, open)
  const peers = start('peers.ts', PEERS)

  try {
    const [{ addresses }] = await Promise.all([answer<{ addresses: string[] }>(hub), answer(peers)])
    const started = answer(hub)
    hub.send({ start: true })
    await started
    const settled = answer(peers)
    peers.send(addresses)
    await settled
    const result = answer<Omit<Storm, 'per_second'> & { seconds: number }>(hub)
    hub.send({ end: true })
    const { connected, seconds, ...delays } = await result

    return { connected, per_second: connected / seconds, ...delays }
  } finally {
    hub.kill('SIGKILL')
    peers.kill('SIGKILL')
  }
}

function medians (storms: Storm[]): Storm {
  const of = (key: keyof Storm): number => Number(median(storms.map(storm => storm[key])).toPrecision(4))

  return { connected: of('connected'), per_second: of('per_second'), delay_p99_ms: of('delay_p99_ms'), delay_max_ms: of('delay_max_ms') }
}
