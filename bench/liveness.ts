/* eslint-disable no-console */

/**
 * What it costs a node to watch 1 000 connections that are idle for a minute, with our
 * liveness and with libp2p's connection monitor: with muxers that keep connections alive
 * themselves, as yamux does, and with muxers that do not, so that every connection is
 * pinged.
 *
 * The peers are real ones over TCP, in a process of their own. A minute is run through in
 * 12 seconds, with a fifth of all intervals, so that as much happens as in a minute. What
 * a node takes that watches nobody is subtracted.
 *
 * `--json` prints the figures for programs, `--evidence` writes them on the page of
 * evidence.
 */

import process from 'node:process'
import { setTimeout } from 'node:timers/promises'
import { noise } from '@libp2p/noise'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'
import { NORMAL_LIVENESS, connectionManager } from '../src/index.ts'
import { markdownTable, writeEvidence } from './evidence.ts'
import { Figures } from './figures.ts'
import { format } from './goals.ts'
import { answer, start } from './processes.ts'
import type { Libp2pOptions } from 'libp2p'
import type { ChildProcess } from 'node:child_process'

const CONNECTIONS = 1_000
const DIALS_AT_ONCE = 20
const MINUTE = 60_000
const ACCELERATION = 5

/**
 * In ms, of yamux and of libp2p's connection monitor
 */
const KEEP_ALIVE_INTERVAL = 30_000
const MONITOR_INTERVAL = 10_000

/**
 * In ms of CPU time for a minute: 5 % of one core
 */
const TARGET = MINUTE / 20

/**
 * Whoever connects is let in, as fast as they come
 */
const OPTIONS = { maxConnections: CONNECTIONS * 2, maxIncomingPendingConnections: Infinity, inboundConnectionThreshold: Infinity }

type Watcher = 'ours' | 'libp2p' | 'nobody'

interface Minute {
  /**
   * CPU time in ms
   */
  cpu: number

  /**
   * How many connections were left at the end
   */
  connections: number

  /**
   * How often our liveness has pinged
   */
  pings: number
}

interface Row {
  muxers: string
  ours: Minute
  libp2p: Minute
}

const rows: Row[] = []

for (const keepAliveInterval of [0, KEEP_ALIVE_INTERVAL / ACCELERATION]) {
  const peers = start('peers.ts', CONNECTIONS, DIALS_AT_ONCE, keepAliveInterval)

  try {
    await answer(peers)

    if (rows.length === 0) {
      // what has to be compiled first is no part of it
      await minute(peers, 'ours', keepAliveInterval)
    }

    const nobody = await minute(peers, 'nobody', keepAliveInterval)
    const libp2p = await minute(peers, 'libp2p', keepAliveInterval)
    const ours = await minute(peers, 'ours', keepAliveInterval)
    const costs = (watched: Minute): Minute => ({ ...watched, cpu: Math.max(0, watched.cpu - nobody.cpu) })

    rows.push({
      muxers: keepAliveInterval === 0 ? 'leave connections silent' : `keep them alive every ${KEEP_ALIVE_INTERVAL / 1_000} s`,
      ours: costs(ours),
      libp2p: costs(libp2p)
    })
  } finally {
    peers.kill('SIGKILL')
  }
}

const figures = new Figures()

for (const { muxers, ours } of rows) {
  figures.add({ name: `CPU time of a minute, ${format(ours.connections)} connections, muxers ${muxers}`, unit: 'ms', measured: ours.cpu, target: TARGET })
}

figures.print()
const head = ['muxers', 'ours', 'pings', 'connections left', 'libp2p\'s monitor', 'connections left']
const cells = rows.map(({ muxers, ours, libp2p }) => [muxers, ofACore(ours), format(ours.pings), format(ours.connections), ofACore(libp2p), format(libp2p.connections)])

if (!process.argv.includes('--json')) {
  console.info(`\n${markdownTable(head, cells)}`)
}

if (process.argv.includes('--evidence')) {
  await writeEvidence({
    name: 'liveness',
    title: `${format(CONNECTIONS)} connections that are idle for a minute`,
    command: 'npm run bench:liveness',
    body: `${markdownTable(head, cells)}\n\nCPU time of the node that watches them, as a share of one core, beyond that of a node that watches nobody. Real peers over TCP with noise and yamux, in a process of their own. A minute in ${MINUTE / ACCELERATION / 1_000} seconds, with all intervals as much shorter: ours ${NORMAL_LIVENESS.interval / 1_000} s, of libp2p's monitor ${MONITOR_INTERVAL / 1_000} s. The goal is ${100 * TARGET / MINUTE} %.`
  })
}

/**
 * A minute of the peers being idle that have dialled a node
 */
async function minute (peers: ChildProcess, watcher: Watcher, keepAliveInterval: number): Promise<Minute> {
  let pings = 0
  const common: Libp2pOptions = {
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp({ backlog: 1_024 })],
    connectionEncrypters: [noise()],
    streamMuxers: [keepAliveInterval > 0 ? yamux({ keepAliveInterval }) : yamux({ enableKeepAlive: false })],
    connectionMonitor: { enabled: watcher === 'libp2p', pingInterval: MONITOR_INTERVAL / ACCELERATION }
  }
  const node = watcher === 'libp2p'
    ? await createLibp2p({ ...common, connectionManager: OPTIONS, services: { ping: ping() } })
    : await createLibp2p({ ...common, services: { ping: ping(), connectionManager: ours(watcher, () => { pings++ }) } })

  try {
    const dialled = answer(peers)
    peers.send(node.getMultiaddrs().map(address => address.toString()))
    await dialled

    // all have been pinged once, and what opened them has settled
    await setTimeout(MINUTE / ACCELERATION)
    pings = 0
    const before = process.cpuUsage()
    await setTimeout(MINUTE / ACCELERATION)
    const { user, system } = process.cpuUsage(before)

    return { cpu: (user + system) / 1_000, connections: node.getConnections().length, pings }
  } finally {
    await node.stop()
  }
}

function ours (watcher: Watcher, onPing: () => void): ReturnType<typeof connectionManager> {
  const create = connectionManager({ ...OPTIONS, limits: false, liveness: watcher === 'ours' && { interval: NORMAL_LIVENESS.interval / ACCELERATION } })

  return components => {
    const manager = create(components)
    manager.addEventListener('connection:ping', onPing)

    return manager
  }
}

function ofACore ({ cpu }: Minute): string {
  return `${format(100 * cpu / MINUTE, 1)} %`
}
