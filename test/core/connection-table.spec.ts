import { PeerMap } from '@libp2p/peer-collections'
import { peerIdFromString } from '@libp2p/peer-id'
import { expect } from 'aegir/chai'
import * as fc from 'fast-check'
import { ConnectionTable, entriesOf } from '../../src/core/index.ts'
import { stubConnection, stubPeerId } from '../fixtures/connections.ts'

describe('connections/connection-table', () => {
  it('is empty at first', () => {
    const table = new ConnectionTable()

    expect([table.size, table.peerCount, table.inbound, table.outbound]).to.deep.equal([0, 0, 0, 0])
    expect(table.allConnections()).to.be.empty()
    expect(table.getPeer(stubPeerId())).to.be.undefined()
    expect(table.get(stubConnection())).to.be.undefined()
  })

  it('tells the first connection of a peer from others, and the last one', () => {
    const table = new ConnectionTable()
    const remotePeer = stubPeerId()
    const [a, b] = [stubConnection({ remotePeer }), stubConnection({ remotePeer })]

    expect(table.add(a, 1)?.peer.connections).to.have.lengthOf(1)
    expect(table.add(b, 2)?.peer.connections).to.have.lengthOf(2)
    expect(table.remove(a)?.peer.connections).to.have.lengthOf(1)
    expect(table.remove(b)?.peer.connections).to.have.lengthOf(0)
    expect(table.add(a, 3)?.peer.connections).to.have.lengthOf(1)
  })

  it('does not add a connection twice, and does not remove one twice', () => {
    const table = new ConnectionTable()
    const connection = stubConnection()
    const added = table.add(connection, 1)

    expect(table.add(connection, 2)).to.be.undefined()
    expect(table.size).to.equal(1)
    expect(table.get(connection)).to.equal(added)

    expect(table.remove(connection)).to.equal(added)
    expect(table.remove(connection)).to.be.undefined()
    expect([table.size, table.inbound]).to.deep.equal([0, 0])
  })

  it('knows peers by their id, not by the object', () => {
    const table = new ConnectionTable()
    const remotePeer = stubPeerId()
    const copy = peerIdFromString(remotePeer.toString())
    table.add(stubConnection({ remotePeer }), 1)
    table.add(stubConnection({ remotePeer: copy }), 2)

    expect(table.peerCount).to.equal(1)
    expect(table.getPeer(copy)).to.have.property('connections').with.lengthOf(2)
  })

  it('keeps when a peer was first seen until its last connection is gone', () => {
    const table = new ConnectionTable()
    const remotePeer = stubPeerId()
    const [a, b] = [stubConnection({ remotePeer }), stubConnection({ remotePeer })]
    table.add(a, 1)
    table.add(b, 2)
    table.remove(a)

    expect(table.getPeer(remotePeer)).to.deep.include({ firstSeen: 1, connections: [b] })
    expect(table.get(b)).to.have.property('openedAt', 2)

    table.remove(b)
    table.add(a, 3)
    expect(table.getPeer(remotePeer)).to.have.property('firstSeen', 3)
  })

  it('counts a connection in the direction in which it was opened, whatever becomes of it', () => {
    const table = new ConnectionTable()
    const connection = stubConnection({ direction: 'outbound' })
    table.add(connection, 1)
    Object.assign(connection, { direction: 'inbound' })
    table.remove(connection)

    expect([table.inbound, table.outbound]).to.deep.equal([0, 0])
  })

  it('has a live PeerMap of its connections', () => {
    const table = new ConnectionTable()
    const map = table.byPeer
    const remotePeer = stubPeerId()
    const [a, b] = [stubConnection({ remotePeer }), stubConnection({ remotePeer })]

    expect(map).to.be.an.instanceOf(PeerMap)

    table.add(a, 1)
    const connections = map.get(remotePeer)
    expect(connections).to.deep.equal([a])

    table.add(b, 2)
    expect(connections).to.deep.equal([a, b])

    table.remove(a)
    expect(connections).to.deep.equal([b])

    table.remove(b)
    expect(map.has(remotePeer)).to.be.false()
    expect(map.size).to.equal(0)
    expect(table.byPeer).to.equal(map)
  })

  it('forgets everything', () => {
    const table = new ConnectionTable()
    const connection = stubConnection()
    table.add(connection, 1)
    table.clear()

    expect([table.size, table.peerCount, table.inbound, table.byPeer.size]).to.deep.equal([0, 0, 0, 0])
    expect(table.remove(connection)).to.be.undefined()
  })

  it('counts what a recount would, after any sequence of openings and closings', () => {
    const peers = Array.from({ length: 4 }, () => stubPeerId())
    const step = fc.oneof(
      fc.record({ type: fc.constant('add' as const), index: fc.nat(11) }),
      fc.record({ type: fc.constant('remove' as const), index: fc.nat(11) }),
      fc.record({ type: fc.constant('note' as const), index: fc.nat(11) }),
      fc.record({ type: fc.constant('clear' as const), index: fc.constant(0) })
    )

    fc.assert(fc.property(fc.array(step, { maxLength: 60 }), steps => {
      const table = new ConnectionTable()
      const pool = Array.from({ length: 12 }, (_, i) => stubConnection({ remotePeer: peers[i % 4], direction: i % 3 === 0 ? 'outbound' : 'inbound' }))
      let open = new Set<typeof pool[number]>()

      for (const [time, { type, index }] of steps.entries()) {
        const connection = pool[index]

        if (type === 'add') {
          expect(table.add(connection, time) != null).to.equal(!open.has(connection))
          open.add(connection)
        } else if (type === 'remove') {
          expect(table.remove(connection) != null).to.equal(open.delete(connection))
        } else if (type === 'note') {
          const peer = table.getPeer(connection.remotePeer)

          if (peer?.connections.length === 1) {
            table.columns.note(peer.place, peer.entry, time)
          }
        } else {
          table.clear()
          open = new Set()
        }

        const all = [...open]
        const connected = new Set(all.map(({ remotePeer }) => remotePeer.toString()))

        expect(table.size).to.equal(all.length)
        expect(table.allConnections()).to.deep.equal([...table.allPeers()].flatMap(({ connections }) => connections))
        expect(table.columns.peers.filter(peer => peer != null)).to.have.lengthOf(connected.size)
        expect(table.inbound).to.equal(all.filter(({ direction }) => direction === 'inbound').length)
        expect(table.outbound).to.equal(all.filter(({ direction }) => direction === 'outbound').length)
        expect(table.peerCount).to.equal(connected.size)
        expect(table.byPeer.size).to.equal(connected.size)
        expect([...table.allPeers()].map(({ key }) => key)).to.have.members([...connected])

        for (const peer of table.allPeers()) {
          const { peerId, connections, firstSeen } = peer
          const entries = entriesOf(peer)

          expect(connections).to.deep.equal(all.filter(({ remotePeer }) => remotePeer.equals(peerId)))
          expect(entries.map(({ connection }) => connection)).to.deep.equal(connections)
          expect(entries.every(entry => table.get(entry.connection) === entry)).to.be.true()
          expect(firstSeen).to.be.at.most(entries[0].openedAt)
          expect(table.byPeer.get(peerId)).to.equal(connections)
        }

        for (const { place, connections, entry, firstSeen } of table.allPeers()) {
          const { columns } = table
          const noted = columns.entries[place]

          expect(columns.firstSeen[place]).to.equal(firstSeen)
          expect(columns.connections[place]).to.equal(noted?.connection)
          expect(Number.isNaN(columns.values[place])).to.equal(noted == null)
          expect(noted == null || (connections.length === 1 && entry === noted), 'what is noted is the only connection').to.be.true()
        }
      }
    }))
  })
})
