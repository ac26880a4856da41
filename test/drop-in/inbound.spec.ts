import { noise } from '@libp2p/noise'
import { plaintext } from '@libp2p/plaintext'
import { expect } from 'aegir/chai'
import { pEvent } from 'p-event'
import pWaitFor from 'p-wait-for'
import { resolveConfig } from '../../src/config.ts'
import { stubPeerId } from '../fixtures/connections.ts'
import { Arrivals } from '../fixtures/inbound.ts'
import { MANAGERS, OURS, UPSTREAM, managerOf } from '../fixtures/managers.ts'
import { NodeGroup } from '../fixtures/node-group.ts'
import { createManagedNode, createPlainNode } from '../fixtures/nodes.ts'
import { ScriptedNetwork } from '../fixtures/scripted-network.ts'
import type { ConnectionManagerInit } from '../../src/index.ts'
import type { ManagerUnderTest } from '../fixtures/managers.ts'
import type { Libp2p } from '@libp2p/interface'
import type { Libp2pOptions } from 'libp2p'

const HOST = '/ip4/8.8.8.8/tcp/4001'
const OTHER_HOST = '/ip4/8.8.4.4/tcp/4001'
const RELAY = `/p2p/${stubPeerId().toString()}/p2p-circuit`

describe('drop-in: inbound connections', () => {
  const nodes = new NodeGroup()
  let network: ScriptedNetwork
  let node: Libp2p
  let arrivals: Arrivals

  beforeEach(() => {
    network = new ScriptedNetwork()
  })

  afterEach(async () => nodes.stop())

  async function start ({ create }: ManagerUnderTest, init: ConnectionManagerInit = {}, options: Libp2pOptions = {}): Promise<void> {
    node = await nodes.add(create(init, { transports: [network.transport()], connectionGater: { denyDialMultiaddr: () => false }, ...options }))
    arrivals = new Arrivals(managerOf(node))
  }

  /**
   * Another node, whose connections come from `address`
   */
  async function nodeAt (address: string, options: Libp2pOptions = {}): Promise<Libp2p> {
    return nodes.add(createPlainNode({ transports: [network.transport({ from: address })], ...options }))
  }

  MANAGERS.forEach(specify)

  function specify (underTest: ManagerUnderTest): void {
    describe(underTest.name, () => {
      it('of hosts on the deny list do not come in', async () => {
        await start(underTest, { deny: ['/ip4/8.8.8.8'] })
        const denied = await nodeAt(HOST)
        const other = await nodeAt(OTHER_HOST)

        await expect(denied.dial(node.getMultiaddrs())).to.eventually.be.rejected()
        await other.dial(node.getMultiaddrs())
        expect(node.getPeers().map(String)).to.deep.equal([other.peerId.toString()])
      })

      it('of denied ranges do not come in', async () => {
        await start(underTest, { deny: ['/ip4/8.8.0.0/ipcidr/16', '/ip6/2001:4860::/ipcidr/32'] })

        expect(arrivals.accept(HOST)).to.be.undefined()
        expect(arrivals.accept('/ip6/2001:4860::1/tcp/4001')).to.be.undefined()
        expect(arrivals.accept('/ip4/8.9.8.8/tcp/4001')).to.be.ok()
      })

      it('of hosts on both lists do not come in', async () => {
        await start(underTest, { deny: ['/ip4/8.8.8.8'], allow: ['/ip4/8.8.0.0/ipcidr/16'] })

        expect(arrivals.accept(HOST)).to.be.undefined()
        expect(arrivals.accept(OTHER_HOST)).to.be.ok()
      })

      it('of hosts on the deny list only: they can be dialled', async () => {
        await start(underTest, { deny: ['/ip4/8.8.8.8'] })
        const remote = await nodes.add(createPlainNode())

        expect((await node.dial(network.route(HOST, remote))).status).to.equal('open')
      })

      it('come in when there are fewer than maxConnections', async () => {
        await start(underTest, { maxConnections: 2 })
        const dialers = [await nodeAt('/ip4/8.8.1.1/tcp/1'), await nodeAt('/ip4/8.8.2.2/tcp/1')]

        for (const dialer of dialers) {
          await dialer.dial(node.getMultiaddrs())
        }

        expect(node.getPeers().map(String)).to.have.members(dialers.map(dialer => dialer.peerId.toString()))
      })

      it('of hosts on the allow list come in although maxConnections are open', async () => {
        await start(underTest, { maxConnections: 1, allow: ['/ip4/8.8.8.8'] })
        const first = await nodeAt(OTHER_HOST)
        await first.dial(node.getMultiaddrs())
        const allowed = await nodeAt(HOST)
        await allowed.dial(node.getMultiaddrs())

        expect(node.getPeers().map(String)).to.include(allowed.peerId.toString())
      })

      it('of hosts on the allow list come in however many are being upgraded, and however often', async () => {
        await start(underTest, { maxIncomingPendingConnections: 1, inboundConnectionThreshold: 1, allow: ['/ip4/8.8.8.8'] })
        expect(arrivals.accept('/memory/somebody')).to.be.ok()

        expect(arrivals.acceptMany(HOST, 5)).to.equal(5)
      })

      it('come in while fewer than maxIncomingPendingConnections are being upgraded', async () => {
        await start(underTest, { maxIncomingPendingConnections: 3 })

        expect(arrivals.acceptMany('/memory/somebody', 5)).to.equal(3)
      })

      it('from one host come in inboundConnectionThreshold times per second', async () => {
        await start(underTest, { inboundConnectionThreshold: 3, maxIncomingPendingConnections: 100 })

        expect(arrivals.acceptMany(HOST, 10)).to.equal(3)
        expect(arrivals.acceptMany('/ip4/8.8.8.8/udp/9/quic-v1', 10)).to.equal(0)
        expect(arrivals.acceptMany(OTHER_HOST, 10)).to.equal(3)
      })

      it('from one host come in five times per second by default', async () => {
        await start(underTest, { maxIncomingPendingConnections: 100 })

        expect(arrivals.acceptMany(HOST, 10)).to.equal(5)
      })

      it('from one host come in so often on loopback too where inboundConnectionThreshold is given', async () => {
        await start(underTest, { inboundConnectionThreshold: 3, maxIncomingPendingConnections: 100 })

        expect(arrivals.acceptMany('/ip4/127.0.0.1/tcp/1', 10)).to.equal(3)
        expect(arrivals.acceptMany('/ip4/192.168.1.1/tcp/1', 10)).to.equal(3)
      })

      it('without an IP address of their own come in as often as they like', async () => {
        await start(underTest, { inboundConnectionThreshold: 3, maxIncomingPendingConnections: 100 })

        expect(arrivals.acceptMany('/memory/somebody', 10)).to.equal(10)
      })

      it('whose handshakes fail do not count as being upgraded', async () => {
        await start(underTest, { maxIncomingPendingConnections: 1 }, { connectionEncrypters: [plaintext()] })
        const foreign = await nodeAt('/memory/foreign', { connectionEncrypters: [noise()] })
        const friend = await nodeAt('/memory/friend')

        for (let i = 0; i < 3; i++) {
          await expect(foreign.dial(node.getMultiaddrs(), { force: true })).to.eventually.be.rejected()
        }

        expect((await friend.dial(node.getMultiaddrs())).status).to.equal('open')
      })

      it('whose upgrade has ended do not count as being upgraded, also where none of them was closed', async () => {
        await start(underTest, { maxIncomingPendingConnections: 1 })

        for (let i = 0; i < 3; i++) {
          expect(arrivals.accept('/memory/somebody')).to.be.ok()
          expect(arrivals.accept('/memory/somebody')).to.be.undefined()
          managerOf(node).afterUpgradeInbound()
        }
      })

      it('that the gater denies do not count as being upgraded', async () => {
        let isDenied = true
        await start(underTest, { maxIncomingPendingConnections: 1 }, {
          connectionGater: {
            denyInboundConnection: async () => isDenied,
            denyInboundUpgradedConnection: async () => isDenied
          }
        })
        const dialer = await nodeAt('/memory/dialer')

        for (let i = 0; i < 3; i++) {
          await expect(dialer.dial(node.getMultiaddrs())).to.eventually.be.rejected()
        }

        isDenied = false
        expect((await dialer.dial(node.getMultiaddrs())).status).to.equal('open')
      })

      it('whose handshakes take longer than inboundUpgradeTimeout are closed', async () => {
        await start(underTest, { inboundUpgradeTimeout: 20, maxIncomingPendingConnections: 1 }, {
          connectionGater: { denyInboundConnection: async () => new Promise<boolean>(() => {}) }
        })
        const dialer = await nodeAt('/memory/dialer')

        for (let i = 0; i < 2; i++) {
          await expect(dialer.dial(node.getMultiaddrs())).to.eventually.be.rejected()
        }

        expect(arrivals.accept('/memory/somebody')).to.be.ok()
      })

      it('count until they are closed', async () => {
        await start(underTest, { maxConnections: 1 })
        const dialer = await nodeAt('/memory/dialer')

        for (let i = 0; i < 3; i++) {
          const closed = pEvent(node, 'connection:close')
          const connection = await dialer.dial(node.getMultiaddrs())
          await connection.close()
          await closed
        }

        expect(arrivals.accept('/memory/somebody')).to.be.ok()
      })
    })
  }

  const DEFAULT_PENDING = [
    // as many as fit the machine
    { underTest: OURS, accepted: Math.min(2_000, resolveConfig().maxIncomingPendingConnections) },
    { underTest: UPSTREAM, accepted: 10 }
  ]

  DEFAULT_PENDING.forEach(({ underTest, accepted }) => {
    it(`of which ${underTest.name} upgrades ${accepted} at the same time by default`, async () => {
      await start(underTest)

      expect(arrivals.acceptMany('/memory/somebody', 2_000)).to.equal(accepted)
    })
  })

  const FULL = [
    // one that is worse has to go, however few there are
    { underTest: OURS, isLetIn: true },
    { underTest: UPSTREAM, isLetIn: false }
  ]

  FULL.forEach(({ underTest, isLetIn }) => {
    it(`when there are maxConnections ${underTest.name} ${isLetIn ? 'closes one for a newcomer' : 'refuses a newcomer'}`, async () => {
      await start(underTest, { maxConnections: 2 })
      const newcomer = await nodeAt('/ip4/8.8.3.3/tcp/1')

      for (const address of ['/ip4/8.8.1.1/tcp/1', '/ip4/8.8.2.2/tcp/1']) {
        await (await nodeAt(address)).dial(node.getMultiaddrs())
      }

      const hasDialled = await newcomer.dial(node.getMultiaddrs()).then(() => true, () => false)
      await pWaitFor(() => node.getConnections().length === 2)

      expect(hasDialled).to.equal(isLetIn)
      expect(node.getPeers().map(String).includes(newcomer.peerId.toString())).to.equal(isLetIn)
    })
  })

  it('of trusted peers come in when all others are protected, and others do not', async () => {
    const trusted = await nodeAt('/ip4/8.8.3.3/tcp/1')
    const friends = [await nodeAt('/ip4/8.8.1.1/tcp/1'), await nodeAt('/ip4/8.8.2.2/tcp/1')]
    const stranger = await nodeAt('/ip4/8.8.4.4/tcp/1')
    const managed = await nodes.add(createManagedNode({ maxConnections: 2, trustedPeers: [trusted.peerId.toString()] }, { transports: [network.transport()] }))
    node = managed

    for (const friend of friends) {
      managed.services.connectionManager.protect(friend.peerId, 'friend')
      await friend.dial(node.getMultiaddrs())
    }

    await expect(stranger.dial(node.getMultiaddrs())).to.eventually.be.rejected()
    await trusted.dial(node.getMultiaddrs())
    expect(node.getPeers().map(String)).to.have.members([trusted, ...friends].map(({ peerId }) => peerId.toString()))
  })

  const LOOPBACK = [
    { underTest: OURS, accepted: 10 },
    // whatever shares a machine or a network is limited together
    { underTest: UPSTREAM, accepted: 5 }
  ]

  LOOPBACK.forEach(({ underTest, accepted }) => {
    it(`of 10 connections at once from the own machine or network ${underTest.name} takes ${accepted} by default`, async () => {
      await start(underTest, { maxIncomingPendingConnections: 100 })

      for (const address of ['/ip4/127.0.0.1/tcp/1', '/ip6/::1/tcp/1', '/ip4/10.0.0.1/tcp/1', '/ip4/192.168.1.1/tcp/1']) {
        expect(arrivals.acceptMany(address, 10)).to.equal(accepted)
      }
    })
  })

  const BYPASS = [
    { underTest: OURS, accepted: 0 },
    // a single entry on the allow list lets them pass all limits
    { underTest: UPSTREAM, accepted: 3 }
  ]

  BYPASS.forEach(({ underTest, accepted }) => {
    it(`of 3 connections without an IP address of their own ${underTest.name} takes ${accepted} over the limit where an allow list is given`, async () => {
      await start(underTest, { maxIncomingPendingConnections: 1, allow: ['/ip4/8.8.8.8'] })
      expect(arrivals.accept(OTHER_HOST)).to.be.ok()

      const taken = [RELAY, '/memory/somebody', `${RELAY}/webrtc`].filter(address => arrivals.accept(address) != null)
      expect(taken).to.have.lengthOf(accepted)
    })
  })

  const RELAYED = [
    { underTest: OURS, accepted: 10 },
    // they are taken for connections of the relay
    { underTest: UPSTREAM, accepted: 5 }
  ]

  RELAYED.forEach(({ underTest, accepted }) => {
    it(`of 10 connections at once through one relay ${underTest.name} takes ${accepted}`, async () => {
      await start(underTest, { maxIncomingPendingConnections: 100 })

      expect(arrivals.acceptMany(`${HOST}${RELAY}`, 10)).to.equal(accepted)
    })
  })

  const OVERSHOOT = [
    { underTest: OURS, accepted: 0 },
    // the limit is only seen when it is hit exactly
    { underTest: UPSTREAM, accepted: 5 }
  ]

  OVERSHOOT.forEach(({ underTest, accepted }) => {
    it(`of 5 connections ${underTest.name} takes ${accepted} when hosts on the allow list have exceeded maxIncomingPendingConnections`, async () => {
      await start(underTest, { maxIncomingPendingConnections: 2, allow: ['/ip4/8.8.8.8'] })
      expect(arrivals.acceptMany(HOST, 3)).to.equal(3)

      expect(arrivals.acceptMany('/memory/somebody', 5)).to.equal(accepted)
    })
  })
})
