import { gossipsub } from '@libp2p/gossipsub'
import { identify } from '@libp2p/identify'
import { kadDHT, passthroughMapper } from '@libp2p/kad-dht'
import { noise } from '@libp2p/noise'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'
import { connectionManager } from '../src/index.ts'
import type { GossipSub, Message } from '@libp2p/gossipsub'
import type { Libp2p, ServiceMap } from '@libp2p/interface'

/**
 * Nodes with a DHT and pubsub in a process of their own: whose connection manager they
 * have, how many there are, for how many seconds they live, and the grace period in ms,
 * or `default`. Each is told of three others, finds more by itself, and publishes in turn a
 * message that is for all. Says at the end what came of it.
 */

const [side, grace] = [process.argv[2], process.argv[5]]
const [count, seconds] = process.argv.slice(3, 5).map(Number)

const LOW_WATER = 10
const HIGH_WATER = 16
const TOPIC = 'bench'

/**
 * In ms: the time between two messages
 */
const PUBLISH_INTERVAL = 250

/**
 * What both managers are told: with how many connections no other is let in, and that all
 * nodes are on one host
 */
const COMMON = { maxConnections: HIGH_WATER, inboundConnectionThreshold: 10_000, maxIncomingPendingConnections: 100 }

interface Services extends ServiceMap {
  pubsub: GossipSub
}

const nodes = await Promise.all(Array.from({ length: count }, create))
const counts = { opened: 0, delivered: 0 }
let published = 0

for (const node of nodes) {
  node.addEventListener('connection:open', ({ detail }) => {
    // each is seen by both of its ends
    counts.opened += detail.direction === 'outbound' ? 1 : 0
  })
  node.services.pubsub.addEventListener('message', ({ detail }: CustomEvent<Message>) => {
    counts.delivered += detail.topic === TOPIC ? 1 : 0
  })
  node.services.pubsub.subscribe(TOPIC)
}

const before = process.cpuUsage()

for (const [i, node] of nodes.entries()) {
  const known = i === 0 ? [] : [i - 1, i >> 1, Math.floor(i / 3)].map(earlier => nodes[earlier])
  await Promise.all(known.map(async other => { await node.dial(other.getMultiaddrs()).catch(() => {}) }))
}

const publisher = setInterval(() => {
  const node = nodes[published % nodes.length]
  published++
  node.services.pubsub.publish(TOPIC, new TextEncoder().encode(`message ${published}`)).catch(() => {})
}, PUBLISH_INTERVAL)

await wait(seconds * 1_000)
clearInterval(publisher)
// the last ones are on their way
await wait(1_000)

const { user, system } = process.cpuUsage(before)
const connections = nodes.map(node => node.getConnections().length)

process.send?.({
  published,
  // whoever publishes a message need not be told of it
  delivered: 100 * counts.delivered / (published * (count - 1)),
  opened: counts.opened,
  cpu_s: (user + system) / 1e6,
  open: connections.reduce((sum, open) => sum + open, 0) / count,
  most: Math.max(...connections),
  isolated: connections.filter(open => open === 0).length
})
await wait(100)
process.exit()

async function create (): Promise<Libp2p<Services>> {
  const services = {
    identify: identify(),
    ping: ping(),
    dht: kadDHT({ protocol: '/bench/kad/1.0.0', clientMode: false, peerInfoMapper: passthroughMapper }),
    // all nodes have one address, which would count against them
    pubsub: gossipsub({ allowPublishToZeroTopicPeers: true, scoreParams: { IPColocationFactorWeight: 0 } })
  }
  const common = {
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionGater: { denyDialMultiaddr: () => false }
  }

  return side === 'ours'
    ? createLibp2p({
      ...common,
      services: {
        connectionManager: connectionManager({
          ...COMMON,
          lowWater: LOW_WATER,
          highWater: HIGH_WATER,
          ...(grace === 'default' ? {} : { gracePeriod: Number(grace) })
        }),
        ...services
      }
    })
    : createLibp2p({ ...common, connectionManager: COMMON, services })
}

async function wait (ms: number): Promise<void> {
  await new Promise(resolve => setTimeout(resolve, ms))
}
