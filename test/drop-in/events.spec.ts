import { generateKeyPair } from '@libp2p/crypto/keys'
import { expect } from 'aegir/chai'
import { pEvent } from 'p-event'
import { stubPeerId } from '../fixtures/connections.ts'
import { recordEvents } from '../fixtures/events.ts'
import { MANAGERS, OURS, UPSTREAM, idsOf, componentOf } from '../fixtures/managers.ts'
import { NodeGroup } from '../fixtures/node-group.ts'
import { createPlainNode } from '../fixtures/nodes.ts'
import type { ManagerUnderTest } from '../fixtures/managers.ts'
import type { Connection, Libp2p, Libp2pEvents, PeerId, PeerUpdate } from '@libp2p/interface'
import type { TypedEventTarget } from 'main-event'

interface EventComponents {
  events: TypedEventTarget<Libp2pEvents>
}

describe('drop-in: connection and peer events', () => {
  const nodes = new NodeGroup()

  afterEach(async () => nodes.stop())

  MANAGERS.forEach(specify)

  function specify (underTest: ManagerUnderTest): void {
    describe(underTest.name, () => {
      let node: Libp2p
      let remote: Libp2p

      beforeEach(async () => {
        node = await nodes.add(underTest.create())
        remote = await nodes.add(createPlainNode())
      })

      it('a peer connects before its connection opens, and disconnects before it closes', async () => {
        const events = recordEvents(node)
        await node.dial(remote.getMultiaddrs())
        await node.hangUp(remote.peerId)

        expect(events.map(({ type }) => type)).to.deep.equal(['peer:connect', 'connection:open', 'peer:disconnect', 'connection:close'])
      })

      it('the same order holds for a connection that the remote has opened and closes', async () => {
        const events = recordEvents(node)
        const closed = pEvent(node, 'connection:close')
        await remote.dial(node.getMultiaddrs())
        await remote.hangUp(node.peerId)
        await closed

        expect(events.map(({ type }) => type)).to.deep.equal(['peer:connect', 'connection:open', 'peer:disconnect', 'connection:close'])
      })

      it('the events carry the peer and the connection', async () => {
        const events = recordEvents(node)
        const connection = await node.dial(remote.getMultiaddrs())
        await node.hangUp(remote.peerId)
        const details = events.map(({ detail }) => detail)

        expect((details[0] as PeerId).equals(remote.peerId)).to.be.true()
        expect(details[1] === connection).to.be.true()
        expect((details[2] as PeerId).equals(remote.peerId)).to.be.true()
        expect(details[3] === connection).to.be.true()
      })

      it('only the first connection of a peer connects it, and only the last disconnects it', async () => {
        const events = recordEvents(node)
        const first = await node.dial(remote.getMultiaddrs())
        const second = await node.dial(remote.getMultiaddrs(), { force: true })
        await first.close()
        await second.close()

        expect(events.map(({ type }) => type)).to.deep.equal([
          'peer:connect', 'connection:open', 'connection:open',
          'connection:close', 'peer:disconnect', 'connection:close'
        ])
      })

      it('the connections of the node are up to date when the events are seen', async () => {
        const counts: number[] = []
        node.addEventListener('peer:connect', ({ detail }) => { counts.push(node.getConnections(detail).length) })
        node.addEventListener('peer:disconnect', ({ detail }) => { counts.push(node.getConnections(detail).length) })
        await node.dial(remote.getMultiaddrs())
        await node.hangUp(remote.peerId)

        expect(counts).to.deep.equal([1, 0])
      })

      it('connects and disconnects of a peer alternate, however its connections come and go', async () => {
        const events = recordEvents(node)
        const connections: Connection[] = []

        for (let round = 0; round < 8; round++) {
          connections.push(...await Promise.all([
            node.dial(remote.getMultiaddrs(), { force: true }),
            node.dial(remote.getMultiaddrs(), { force: true })
          ]))
          await Promise.all(connections.splice(0, round % 3 + 1).map(close))
        }

        await Promise.all(connections.map(close))
        const types = events.map(({ type }) => type).filter(type => type.startsWith('peer:'))

        expect(types.length).to.be.greaterThan(0)
        types.forEach((type, i) => {
          expect(type).to.equal(i % 2 === 0 ? 'peer:connect' : 'peer:disconnect')
        })
        expect(types.length % 2).to.equal(0)
      })

      it('no peer is told to have disconnected when the node stops', async () => {
        await node.dial(remote.getMultiaddrs())
        const events = recordEvents(node)
        await node.stop()

        expect(events.map(({ type }) => type)).to.deep.equal(['connection:close'])
      })

      it('the public key of an RSA peer is in the peer store when the peer connects', async () => {
        const rsa = await nodes.add(createPlainNode({ privateKey: await generateKeyPair('RSA', 2048) }))
        const connect = pEvent<'peer:connect', CustomEvent<PeerId>>(node, 'peer:connect')
        const keys: string[] = []
        const patch = node.peerStore.patch.bind(node.peerStore)
        node.peerStore.patch = async (peerId, data) => {
          const peer = await patch(peerId, data)

          // the node writes its own addresses, too
          if (peerId.equals(rsa.peerId)) {
            keys.push(String(data.publicKey))
          }

          return peer
        }
        node.addEventListener('peer:connect', () => { keys.push('connected') })
        await node.dial(rsa.getMultiaddrs())
        await connect

        expect(keys).to.deep.equal([String(rsa.peerId.publicKey), 'connected'])
        expect((await node.peerStore.get(rsa.peerId)).id.publicKey?.equals(rsa.peerId.publicKey)).to.be.true()
      })
    })
  }

  const DEAD = [
    { underTest: OURS, types: ['connection:open', 'connection:close'] },
    // a peer disconnects that never connected
    { underTest: UPSTREAM, types: ['peer:disconnect'] }
  ]

  DEAD.forEach(({ underTest, types }) => {
    it(`of a connection that is closed before the manager sees it, ${underTest.name} tells ${types.includes('peer:disconnect') ? 'that its peer has disconnected' : 'nothing'}`, async () => {
      const node = await nodes.add(underTest.create({}, {
        services: {
          hostile: ({ events }: EventComponents) => {
            events.addEventListener('connection:open', ({ detail }) => { detail.abort(new Error('Not this one')) })

            return {}
          }
        }
      }))
      const remote = await nodes.add(createPlainNode())
      const events = recordEvents(node)
      await expect(node.dial(remote.getMultiaddrs())).to.eventually.be.rejected()

      expect(events.map(({ type }) => type).filter(type => type.startsWith('peer:'))).to.deep.equal(types.filter(type => type.startsWith('peer:')))
      expect(node.getConnections()).to.be.empty()
      expect(node.getPeers()).to.be.empty()
    })
  })

  const LATE_KEYS = [
    { underTest: OURS, types: [] },
    // the peer is told to be connected when it is gone
    { underTest: UPSTREAM, types: ['peer:disconnect', 'peer:connect'] }
  ]

  LATE_KEYS.forEach(({ underTest, types }) => {
    it(`of an RSA peer that is gone before its key is stored, ${underTest.name} tells ${types.length} times`, async () => {
      const node = await nodes.add(underTest.create())
      const remote = await nodes.add(createPlainNode({ privateKey: await generateKeyPair('RSA', 2048) }))
      const stored = Promise.withResolvers<void>()
      const patch = node.peerStore.patch.bind(node.peerStore)
      node.peerStore.patch = async (peerId, data) => {
        await stored.promise

        return patch(peerId, data)
      }
      const events = recordEvents(node)
      const updated = pEvent<'peer:update', CustomEvent<PeerUpdate>>(node, 'peer:update', { filter: ({ detail }) => detail.peer.id.equals(remote.peerId) && detail.peer.id.publicKey != null })
      const connection = await node.dial(remote.getMultiaddrs())
      await connection.close()
      stored.resolve()
      await updated
      // the key is stored, whoever waits for that goes on
      await node.peerStore.get(remote.peerId)

      expect(events.map(({ type }) => type).filter(type => type.startsWith('peer:'))).to.deep.equal(types)
    })
  })

  it('events that make no sense do no harm', async () => {
    const node = await nodes.add(OURS.create())
    const remote = await nodes.add(createPlainNode())
    const events = componentOf<EventComponents['events']>(node, 'events')

    for (const type of ['connection:open', 'connection:close'] as const) {
      for (const detail of [undefined, null, 5, {}, { status: 'open' }]) {
        // an exception in a handler would end the process
        events.safeDispatchEvent(type, { detail })
      }
    }

    // a connection that nobody has opened
    events.safeDispatchEvent('connection:close', { detail: { remotePeer: stubPeerId(), status: 'closed' } })

    const connection = await node.dial(remote.getMultiaddrs())
    expect(idsOf(...node.getConnections())).to.deep.equal(idsOf(connection))
  })
})

async function close (connection: Connection): Promise<void> {
  try {
    await connection.close()
  } catch (err) {
    connection.abort(new Error('It could not be closed', { cause: err }))
  }
}
