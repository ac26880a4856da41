import { once } from 'node:events'
import { createServer } from 'node:net'
import { tcp } from '@libp2p/tcp'
import { webSockets } from '@libp2p/websockets'
import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import { explainDialError } from '../../src/dialing/index.ts'
import { NodeGroup } from '../fixtures/node-group.ts'
import { createManagedNode } from '../fixtures/nodes.ts'
import type { ConnectionManagerService } from '../../src/index.ts'
import type { Libp2p } from '@libp2p/interface'

const PEER = '12D3KooWBUC8S8zbSx6HT2VhBq5Rt8GUuDShBUSuM5FDuf68Y8kD'

describe('explain-dial-error, of real dials', () => {
  const nodes = new NodeGroup()
  let node: Libp2p<{ connectionManager: ConnectionManagerService }>
  let port: number

  beforeEach(async () => {
    node = await nodes.add(createManagedNode({}, { addresses: { listen: [] }, transports: [tcp(), webSockets()] }))
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    port = typeof address === 'object' && address != null ? address.port : 0

    // nobody listens there from now on
    server.close()
    await once(server, 'close')
  })

  afterEach(async () => nodes.stop())

  async function errorOf (address: string): Promise<unknown> {
    return node.dial(multiaddr(address)).then(() => { throw new Error('it was connected to') }, (err: unknown) => err)
  }

  it('says of a WebSocket what failed, and that nobody is told why', async () => {
    const address = `/ip4/127.0.0.1/tcp/${port}/ws/p2p/${PEER}`
    const expected = `ws://127.0.0.1:${port}/ failed with the event "error", which does not say why`
    const error = await errorOf(address)

    expect(error).to.be.an.instanceOf(Error).with.property('message', expected)
    expect(explainDialError(error)).to.equal(`Could not connect to ${PEER}: ${expected}\n  ${address} – it failed (${expected})`)
    expect((await node.services.connectionManager.explain(PEER)).lastDialError).to.equal(explainDialError(error))
    expect(node.services.connectionManager.decisions({ kind: 'dial' })).to.have.nested.property('[0].details.message', expected)
  })

  it('says of TCP what the system says', async () => {
    const error = await errorOf(`/ip4/127.0.0.1/tcp/${port}/p2p/${PEER}`)

    expect(explainDialError(error)).to.equal(`Could not connect to ${PEER}: nobody listens there\n  /ip4/127.0.0.1/tcp/${port}/p2p/${PEER} – nobody listens there (connection error 127.0.0.1:${port}: connect ECONNREFUSED 127.0.0.1:${port})`)
  })

  it('says of both why each of them failed', async () => {
    const addresses = [`/ip4/127.0.0.1/tcp/${port}/p2p/${PEER}`, `/ip4/127.0.0.2/tcp/${port}/ws/p2p/${PEER}`]
    const error = await node.dial(addresses.map(address => multiaddr(address))).then(() => undefined, (err: unknown) => err)

    expect(error).to.be.an.instanceOf(AggregateError)
    expect(explainDialError(error)).to.include('ECONNREFUSED').and.include('does not say why').and.not.include('[object')
    expect(node.services.connectionManager.decisions({ kind: 'dial' })).to.have.nested.property('[0].details.message')
      .that.includes('ECONNREFUSED').and.includes('does not say why')
  })
})
