/* eslint-disable no-console */

/**
 * The figures of the manager for Prometheus. Point it at the address that is printed,
 * and import the dashboard in `dashboards/` into Grafana. With `--keep` it runs until
 * it is stopped.
 */

import { createServer } from 'node:http'
import { noise } from '@libp2p/noise'
import { ping } from '@libp2p/ping'
import { prometheusMetrics } from '@libp2p/prometheus-metrics'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'
import { register } from 'prom-client'
// in your project: from 'libp2p-connmgr'
import { connectionManager } from '../../src/index.ts'
import { createNode } from '../node.ts'

const node = await createLibp2p({
  addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
  transports: [tcp()],
  connectionEncrypters: [noise()],
  streamMuxers: [yamux()],
  metrics: prometheusMetrics(),
  services: {
    connectionManager: connectionManager({ lowWater: 160, highWater: 192 }),
    ping: ping()
  }
})

const server = createServer((_request, response) => {
  register.metrics()
    .then(text => { response.setHeader('content-type', register.contentType).end(text) })
    .catch(() => { response.writeHead(500).end() })
})
await new Promise<void>(resolve => { server.listen(0, '127.0.0.1', resolve) })

const address = server.address()
const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : address}/metrics`
console.info(`the metrics are at ${url}`)

const peer = await createNode()
await peer.dial(node.getMultiaddrs())

const text = await (await fetch(url)).text()
console.info(text.split('\n').filter(line => /^libp2p_connection_manager_connections|^libp2p_connmgr_watermarks/.test(line)).join('\n'))

if (!process.argv.includes('--keep')) {
  server.close()
  server.closeAllConnections()
  await Promise.all([node.stop(), peer.stop()])
}
