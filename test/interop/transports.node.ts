import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import { InteropGroup, connectionTo, quic } from './interop-group.ts'

const TRANSPORTS = [
  { name: 'TCP', listen: '/ip4/127.0.0.1/tcp/0', part: /\/tcp\/\d+/, installed: true },
  { name: 'WebSockets', listen: '/ip4/127.0.0.1/tcp/0/ws', part: /\/tcp\/\d+\/ws/, installed: true },
  { name: 'QUIC', listen: '/ip4/127.0.0.1/udp/0/quic-v1', part: /\/udp\/\d+\/quic-v1/, installed: quic != null }
]

describe('a go-libp2p node', () => {
  const group = new InteropGroup()

  afterEach(async () => group.stop())

  for (const { name, listen, part, installed } of TRANSPORTS) {
    const test = installed ? it : it.skip

    test(`is dialled over ${name}`, async () => {
      const peer = await group.goPeer({ listen: [listen] })
      const node = await group.node()

      const connection = await node.dial(multiaddr(peer.addresses[0]))
      expect(connection.remotePeer.toString()).to.equal(peer.id)
      expect(connection.direction).to.equal('outbound')
      expect(connection.remoteAddr.toString()).to.match(part)
      expect(node.services.connectionManager.connectionCount()).to.equal(1)

      // both ends can open streams
      expect(await node.services.ping.ping(connection.remotePeer)).to.be.at.least(0)
      await peer.call('ping', { peer: node.peerId.toString() })
      expect(await peer.call('connections', { peer: node.peerId.toString() })).to.have.nested.property('[0].direction', 'Inbound')
    })

    test(`dials over ${name}`, async () => {
      const node = await group.node({}, [listen])
      const peer = await group.goPeer({})

      await peer.call('dial', { address: node.getMultiaddrs()[0].toString() })
      const connection = await connectionTo(node, peer)
      expect(connection.direction).to.equal('inbound')
      expect(connection.remoteAddr.toString()).to.match(part)
      expect(node.services.connectionManager.connectionCount()).to.equal(1)

      await peer.call('ping', { peer: node.peerId.toString() })
      expect(await node.services.ping.ping(connection.remotePeer)).to.be.at.least(0)
    })
  }
})
