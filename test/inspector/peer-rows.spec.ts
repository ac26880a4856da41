import { expect } from 'aegir/chai'
import { PeerRows } from '../../src/inspector/peer-rows.ts'
import { reportOpen, stubConnection } from '../fixtures/connections.ts'
import { componentOf } from '../fixtures/managers.ts'
import { createManagedNode } from '../fixtures/nodes.ts'
import type { ConnectionManagerService } from '../../src/index.ts'
import type { Libp2p, Libp2pEvents } from '@libp2p/interface'
import type { TypedEventTarget } from 'main-event'

describe('inspector/peer-rows', () => {
  let node: Libp2p<{ connectionManager: ConnectionManagerService }>
  let manager: ConnectionManagerService
  let events: TypedEventTarget<Libp2pEvents>

  beforeEach(async () => {
    node = await createManagedNode()
    manager = node.services.connectionManager
    events = componentOf(node, 'events')
  })

  afterEach(async () => {
    await node.stop()
  })

  it('tells what is known of a peer', () => {
    const connection = reportOpen(events, stubConnection({ remoteAddr: '/ip4/203.0.113.7/tcp/4001', streams: 2, direction: 'outbound' }))
    connection.rtt = 12.34
    manager.tag(connection.remotePeer, 'useful', 5)
    manager.tag(connection.remotePeer, 'blocks', 20)
    manager.protect(connection.remotePeer, 'validator')
    manager.realms.assign(connection.remotePeer, 'chain')

    const { rows: [row] } = new PeerRows(10).update(manager)

    expect(row).to.include({
      id: connection.remotePeer.toString(),
      value: 25,
      tagCount: 2,
      isProtected: true,
      realm: 'chain',
      group: '203.0.0.0/16',
      rtt: 12.3,
      streams: 2,
      direction: 'outbound',
      path: 'direct',
      transport: 'tcp',
      address: '/ip4/203.0.113.7/tcp/4001',
      connections: 1
    })
    expect(row.tags).to.deep.equal([['blocks', 20], ['useful', 5]])
  })

  it('tells what has changed, and nothing else', () => {
    const rows = new PeerRows(10)
    const [a, b] = [reportOpen(events, stubConnection()), reportOpen(events, stubConnection())]
    const idA = a.remotePeer.toString()

    expect(rows.update(manager).rows).to.have.lengthOf(2)
    expect(rows.update(manager)).to.deep.equal({ rows: [], gone: [] })

    manager.tag(a.remotePeer, 'useful', 1)
    expect(rows.update(manager).rows.map(({ id }) => id)).to.deep.equal([idA])

    b.remoteClose()
    expect(rows.update(manager)).to.deep.equal({ rows: [], gone: [b.remotePeer.toString()] })
    expect(rows.list().map(({ id }) => id)).to.deep.equal([idA])
  })

  it('tells no more peers than it should, and no more of their tags than can be read', () => {
    const rows = new PeerRows(2)
    const connections = [1, 2, 3].map(() => reportOpen(events, stubConnection()))

    for (let i = 0; i < 20; i++) {
      manager.tag(connections[0].remotePeer, `${'long'.repeat(100)}-${i}`, i)
    }

    const [first] = rows.update(manager).rows

    expect(rows.list()).to.have.lengthOf(2)
    expect(first.tagCount).to.equal(20)
    expect(first.tags).to.have.lengthOf(8)
    expect(first.tags[0][0]).to.have.lengthOf(201)
  })

  it('tells a relayed and a limited path from a direct one', () => {
    const relay = '/ip4/203.0.113.1/tcp/4001/p2p/12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5/p2p-circuit'
    reportOpen(events, stubConnection({ remoteAddr: relay, direct: false, limits: { bytes: 1_000n } }))
    reportOpen(events, stubConnection({ remoteAddr: relay, direct: false }))

    expect(new PeerRows(10).update(manager).rows.map(({ path }) => path)).to.deep.equal(['limited', 'relayed'])
  })
})
