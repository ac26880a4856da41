/**
 * What it costs to ask for a connection or a stream and to give it back, with
 * every scope that there is, on a busy node. The targets are 3 µs for a
 * connection and 2 µs for a stream.
 *
 * Run with `node bench/resources.ts`
 */
import { resourceManager, scaleLimits } from '../src/resources/index.ts'
import { Figures } from './figures.ts'
import { median } from './measure.ts'
import type { ConnectionScope, ResourceManager, StreamScope } from '../src/resources/index.ts'

const PEERS = 10_000
const ROUNDS = 7
const PER_ROUND = 100_000

function busyNode (): { resources: ResourceManager, connections: ConnectionScope[] } {
  const resources = resourceManager({
    limits: {
      system: { connections: 1_000_000, connectionsInbound: 1_000_000, connectionsOutbound: 1_000_000, streams: 'unlimited', streamsInbound: 'unlimited', streamsOutbound: 'unlimited' },
      realms: { chain: { connections: 100_000, reserved: 100 } }
    },
    defaults: scaleLimits(8 * 2 ** 30, 16_384),
    realmOfProtocol: protocol => protocol.startsWith('/realm/chain/') ? 'chain' : undefined
  })
  const connections = Array.from({ length: PEERS }, (_, index) => {
    return resources.openConnection({ direction: 'outbound', peer: peerOf(index), realm: index % 2 === 0 ? 'chain' : undefined })
  })

  return { resources, connections }
}

function peerOf (index: number): string {
  return `12D3KooW${index.toString(36).padStart(44, '0')}`
}

const figures = new Figures()

/**
 * The median of the rounds, in µs per call
 */
function measure (name: string, target: number, run: (index: number) => void): void {
  const times = Array.from({ length: ROUNDS }, () => {
    const start = performance.now()

    for (let index = 0; index < PER_ROUND; index++) {
      run(index)
    }

    return (performance.now() - start) * 1000 / PER_ROUND
  })

  figures.add({ name, unit: 'µs', target, measured: median(times) })
}

const { resources, connections } = busyNode()
const newPeers = Array.from({ length: PEERS }, (_, index) => peerOf(index + PEERS))
const protocols = Array.from({ length: 20 }, (_, index) => index % 4 === 0 ? `/realm/chain/${index}` : `/app/${index}/1.0.0`)

measure('connection of a new peer: open, setPeer, release', 3, index => {
  const scope = resources.openConnection({ direction: 'inbound', fileDescriptor: true })
  scope.setPeer(newPeers[index % PEERS], index % 2 === 0 ? 'chain' : undefined)
  scope.release()
})

measure('connection to a known peer: open, release', 3, index => {
  resources.openConnection({ direction: 'outbound', peer: newPeers[index % PEERS], fileDescriptor: true }).release()
})

measure('stream: open, setProtocol, release', 2, index => {
  const scope = resources.openStream({ connection: connections[index % PEERS], direction: 'inbound' })
  scope.setProtocol(protocols[index % protocols.length])
  scope.release()
})

measure('stream: open, setProtocol, setService, release', 2, index => {
  const scope = resources.openStream({ connection: connections[index % PEERS], direction: 'inbound' })
  scope.setProtocol(protocols[index % protocols.length])
  scope.setService('app')
  scope.release()
})

const open: Array<StreamScope | undefined> = []

measure('stream with 10 000 others open', 2, index => {
  open[index % PEERS]?.release()
  const scope = resources.openStream({ connection: connections[index % PEERS], direction: 'outbound' })
  scope.setProtocol(protocols[index % protocols.length])
  open[index % PEERS] = scope
})

figures.print()
