/**
 * What it costs to watch 1 000 connections that are idle for a minute.
 *
 * A minute is run through in 6 seconds, with a tenth of the interval, so that there are
 * as many pings. The remote is in the same process, and what it does counts as well.
 *
 * Run with `node bench/liveness.ts`
 */

import process from 'node:process'
import { setTimeout } from 'node:timers/promises'
import { memory } from '@libp2p/memory'
import { noise } from '@libp2p/noise'
import { ping } from '@libp2p/ping'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'
import { NORMAL_LIVENESS, connectionManager } from '../src/index.ts'
import { Figures } from './figures.ts'
import type { LivenessInit } from '../src/index.ts'
import type { Libp2pOptions } from 'libp2p'

const CONNECTIONS = 1_000
const MINUTE = 60_000
const ACCELERATION = 10

/**
 * 5 % of one core
 */
const TARGET = MINUTE / 20

const OPTIONS: Libp2pOptions = {
  transports: [memory()],
  connectionEncrypters: [noise()],
  streamMuxers: [yamux()],
  connectionMonitor: { enabled: false }
}

const address = '/memory/remote'
const remote = await createLibp2p({
  ...OPTIONS,
  addresses: { listen: [address] },
  services: {
    connectionManager: connectionManager({
      maxConnections: CONNECTIONS * 2,
      limits: false,
      inboundConnectionThreshold: Infinity,
      maxIncomingPendingConnections: Infinity
    }),
    ping: ping({ maxInboundStreams: CONNECTIONS })
  }
})

// the one without liveness comes last, when all is compiled
const watched = await measure({ interval: NORMAL_LIVENESS.interval / ACCELERATION })
const unwatched = await measure(false)
const figures = new Figures()

figures.add({ name: `CPU time of ${watched.pings} pings, a minute of ${CONNECTIONS} idle connections`, unit: 'ms', measured: Math.max(0, watched.cpu - unwatched.cpu), target: TARGET })
figures.print()
await remote.stop()

/**
 * The CPU time in ms of a minute of idle connections, and the pings in it
 */
async function measure (liveness: LivenessInit | false): Promise<{ cpu: number, pings: number }> {
  const node = await createLibp2p({
    ...OPTIONS,
    services: {
      connectionManager: connectionManager({ maxConnections: CONNECTIONS * 2, limits: false, liveness })
    }
  })
  let pings = 0
  node.services.connectionManager.addEventListener('connection:ping', () => { pings++ })

  for (let i = 0; i < CONNECTIONS; i++) {
    await node.dial(remote.getMultiaddrs(), { force: true })
  }

  // all have been pinged once, and what opened them has settled
  await setTimeout(MINUTE / ACCELERATION)
  pings = 0
  const before = process.cpuUsage()
  await setTimeout(MINUTE / ACCELERATION)
  const { user, system } = process.cpuUsage(before)
  const result = { cpu: (user + system) / 1_000, pings }
  await node.stop()

  return result
}
