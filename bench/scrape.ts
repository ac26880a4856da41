/* eslint-disable no-console */

/**
 * Measures what it costs to read all metrics of a node with many connections, most of
 * which have streams, as Prometheus does every few seconds.
 */

import { pathToFileURL } from 'node:url'
import { prometheusMetrics } from '@libp2p/prometheus-metrics'
import { createLibp2p } from 'libp2p'
import { Registry } from 'prom-client'
import { connectionManager } from '../src/index.ts'
import { reportOpen, stubConnection } from '../test/fixtures/connections.ts'
import { componentOf } from '../test/fixtures/managers.ts'
import { longestBlock, median, quiesce } from './measure.ts'
import type { Libp2pEvents } from '@libp2p/interface'
import type { TypedEventTarget } from 'main-event'

const PROTOCOLS = ['/meshsub/1.2.0', '/ipfs/kad/1.0.0', '/app/sync/1.0.0', '/app/blocks/1.0.0', '/app/blocks/1.0.0']
const ROUNDS = 15
const REALMS = 8

/**
 * So many ms a scrape may take with 10 000 connections
 */
export const MAX_SCRAPE_TIME = 20

export interface ScrapeResult {
  readonly connections: number
  readonly scrape_ms: number

  /**
   * For how long nothing else runs meanwhile
   */
  readonly block_ms: number

  /**
   * How many lines are read
   */
  readonly lines: number
}

/**
 * Opens `connections` connections and reads the metrics
 */
export async function scrape (connections: number): Promise<ScrapeResult> {
  const registry = new Registry()
  const node = await createLibp2p({
    connectionMonitor: { enabled: false },
    metrics: prometheusMetrics({ registry, collectDefaultMetrics: false }),
    services: {
      connectionManager: connectionManager({
        maxConnections: connections * 2,
        limits: { system: { connections: connections * 2, connectionsInbound: connections * 2 }, realms: Object.fromEntries(Array.from({ length: REALMS }, (_, i) => [`realm-${i}`, { connections }])) }
      })
    }
  })
  const { connectionManager: manager } = node.services
  const events = componentOf<TypedEventTarget<Libp2pEvents>>(node, 'events')

  for (let i = 0; i < connections; i++) {
    const connection = stubConnection({ remoteAddr: `/ip4/${20 + (i >>> 16)}.${i >>> 8 & 255}.${i & 255}.1/tcp/4001`, streams: PROTOCOLS.slice(0, i % (PROTOCOLS.length + 1)) })

    if (i % 2 === 0) {
      manager.realms.assign(connection.remotePeer, `realm-${i % REALMS}`)
    }

    reportOpen(events, connection)
  }

  if (manager.connectionCount() !== connections) {
    throw new Error(`Only ${manager.connectionCount()} of ${connections} connections are open`)
  }

  const times: number[] = []
  let text = ''

  for (let round = 0; round < ROUNDS; round++) {
    await quiesce()
    const start = performance.now()
    text = await registry.metrics()
    times.push(performance.now() - start)
  }

  const block = await longestBlock(async () => { await registry.metrics() })

  return { connections, scrape_ms: median(times), block_ms: block, lines: text.split('\n').length }
}

if (process.argv[1] != null && import.meta.url === pathToFileURL(process.argv[1]).href) {
  for (const connections of [100, 1_000, 10_000]) {
    const { scrape_ms: time, block_ms: block, lines } = await scrape(connections)
    console.info(`${connections} connections: ${time.toFixed(1)} ms for ${lines} lines, nothing else runs for ${block.toFixed(1)} ms`)

    if (connections === 10_000) {
      console.info(`${time <= MAX_SCRAPE_TIME ? '✔' : '✘'} a scrape with 10 000 connections takes at most ${MAX_SCRAPE_TIME} ms: ${time.toFixed(1)} ms`)
    }
  }

  // closing what is open would take longer than all of the above
  process.exit()
}
