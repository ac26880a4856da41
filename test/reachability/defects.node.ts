import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import { pEvent } from 'p-event'
import { componentOf } from '../fixtures/managers.ts'
import { VirtualClock } from '../fixtures/virtual-clock.ts'
import { newHome, publicAddresses } from './fixtures/home.ts'
import { udp } from './fixtures/udp-transport.ts'
import { clockUntil, until } from './fixtures/wait.ts'
import type { TestNode } from './fixtures/nodes.ts'
import type { MappingFailure, MappingInfo } from '../../src/reachability/index.ts'
import type { AddressManager, TransportManager } from '@libp2p/interface-internal'

describe('mapping ports has none of the known defects of its predecessors', () => {
  const home = newHome()

  ;(['pcp', 'pmp', 'upnp'] as const).forEach(protocol => {
    it(`D1: survives a router that loses its address, and announces nothing meanwhile (${protocol})`, async () => {
      const node = await home.verifiedNode({ init: { mapping: { protocols: [protocol] } } })
      const lost = pEvent<'mapping:lost', CustomEvent>(node.services.reachability, 'mapping:lost')
      home.gateway.externalAddress = ''
      home.announce()

      expect((await lost).detail).to.deep.include({ protocol: 'tcp', state: 'lost' })
      expect(publicAddresses(node)).to.be.empty()

      home.gateway.externalAddress = '81.2.69.10'
      home.announce()
      await until(() => publicAddresses(node).length === 1)
    })
  })

  ;(['0.0.0.0', '10.1.2.3', '100.64.0.1', '127.0.0.1', '224.0.0.1', 'not an address', '81.2.69', '2a02::1']).forEach(told => {
    it(`D1: never announces "${told}"`, async () => {
      home.gateway.externalAddress = told
      const node = await home.node({ init: { mapping: { protocols: ['upnp'] } } })
      await until(() => home.gateway.actions('upnp').includes('GetExternalIPAddress'))
      await home.servers(node)

      expect(node.getMultiaddrs()).to.have.lengthOf(1)
      expect(home.gateway.mappings).to.be.empty()
    })
  })

  it('D2: announces only the port that was verified', async () => {
    const node = await home.node({ listen: ['/ip4/127.0.0.1/tcp/0', '/ip4/127.0.0.1/tcp/0'] })
    await until(() => home.gateway.mappings.length === 2)
    // the gateway says that it forwards both
    home.gateway.mappings.splice(1)
    const [open] = home.gateway.mappings
    const announced: string[][] = []
    node.services.reachability.addEventListener('address:reachable', () => { announced.push(publicAddresses(node)) })
    await home.servers(node, 2)
    await until(() => node.services.reachability.getAddressStates().some(({ state }) => state === 'unreachable'))

    expect(publicAddresses(node)).to.deep.equal([`/ip4/81.2.69.10/tcp/${open.externalPort}`])
    expect(announced).to.deep.equal([publicAddresses(node)])
  })

  it('D2: finds a port of the same address that somebody else has forwarded', async () => {
    home.gateway.fault = (action, args) => action.endsWith('PortMapping') && home.gateway.mappings.length === 1 && args.NewInternalPort !== String(home.gateway.mappings[0].internalPort) ? 606 : undefined
    const node = await home.node({ listen: ['/ip4/127.0.0.1/tcp/0', '/ip4/127.0.0.1/tcp/0'], init: { mapping: { protocols: ['upnp'] }, probe: { newAddressDelay: 0 } } })
    const [failed] = await Promise.all([pEvent<'mapping:failed', CustomEvent<MappingFailure>>(node.services.reachability, 'mapping:failed'), pEvent(node.services.reachability, 'mapping:added')])
    const { port } = failed.detail.internal
    home.gateway.mappings.push({ via: 'upnp', protocol: 'tcp', internalAddress: '127.0.0.1', internalPort: port, externalPort: port, lease: 0 })
    home.observe(node, '81.2.69.10')
    await home.servers(node, 2)

    await until(() => publicAddresses(node).length === 2)
    expect(publicAddresses(node)).to.include(`/ip4/81.2.69.10/tcp/${port}`)
  })

  it('D3: asks servers that were connected before the port was mapped', async () => {
    home.gateway.speaks = { pcp: false, pmp: false, upnp: false }
    const node = await home.node()
    await home.servers(node)
    home.gateway.speaks.upnp = true

    await until(() => publicAddresses(node).length === 1)
  })

  it('D3: asks again when what was verified is old', async () => {
    const clock = new VirtualClock(Date.now())
    const node = await home.node({ clock, init: { probe: { reprobeReachable: 60_000 } } })
    await home.servers(node)
    await clockUntil(clock, () => publicAddresses(node).length === 1)
    const [{ lastVerified }] = node.services.reachability.getAddressStates()
    await clock.advance(60_000)

    await clockUntil(clock, () => (node.services.reachability.getAddressStates()[0].lastVerified ?? 0) > (lastVerified ?? 0))
  })

  it('D3: announces an address no more that nobody gets through to any longer, and again when they do', async () => {
    const clock = new VirtualClock(Date.now())
    const node = await home.node({ clock, init: { mapping: { protocols: ['upnp'], checkInterval: 100_000_000 }, probe: { reprobeReachable: 600_000, reprobeUnreachable: 300_000 } } })
    await home.servers(node, 2)
    await clockUntil(clock, () => publicAddresses(node).length === 1)
    home.gateway.forwards = false
    await clock.advance(600_000)
    await clockUntil(clock, () => publicAddresses(node).length === 0)

    home.gateway.forwards = true
    await clock.advance(300_000)
    await clockUntil(clock, () => publicAddresses(node).length === 1)
  })

  ;(['pcp', 'pmp', 'upnp'] as const).forEach(protocol => {
    it(`D4: maps again after the router restarted (${protocol})`, async () => {
      const node = await home.verifiedNode({ init: { mapping: { protocols: [protocol], entryCheckInterval: 1 } } })
      const reachable = pEvent(node.services.reachability, 'address:reachable')
      home.gateway.reboot()
      home.announce()
      await reachable

      expect(home.gateway.mappings).to.have.lengthOf(1)
      expect(publicAddresses(node)).to.have.lengthOf(1)
    })
  })

  it('D4: looks for the gateway again when nobody listens there any more', async () => {
    const node = await home.verifiedNode({ init: { mapping: { protocols: ['pmp'], checkInterval: 50 } } })
    const lost = pEvent<'gateway:lost', CustomEvent>(node.services.reachability, 'gateway:lost')
    const port = home.gateway.closeControl()
    expect((await lost).detail).to.include({ protocol: 'pmp', host: '127.0.0.1', family: 4 })
    expect(publicAddresses(node)).to.be.empty()

    home.gateway.reboot()
    await home.gateway.openControl(port)
    await until(() => publicAddresses(node).length === 1)
  })

  it('D5: leaves no address behind when the external address changes again and again', async () => {
    const node = await home.verifiedNode()

    for (const address of ['81.2.69.77', '81.2.69.88', '81.2.69.99']) {
      home.gateway.externalAddress = address
      home.announce()
      await until(() => publicAddresses(node).some(text => text.includes(address)))

      expect(publicAddresses(node)).to.have.lengthOf(1)
      expect(node.services.reachability.getMappings()[0].external?.host).to.equal(address)
    }
  })

  it('D6: maps again after stop and start, and forgets the old address', async () => {
    const node = await home.verifiedNode()
    const [before] = publicAddresses(node)
    await node.stop()

    expect(home.gateway.mappings).to.be.empty()
    expect(publicAddresses(node)).to.be.empty()
    expect(knownAddresses(node)).to.be.empty()
    expect(node.services.reachability.getReachability()).to.include({ state: 'unknown' })
    expect(home.network.open).to.equal(0)

    await node.start()
    await home.servers(node)
    await until(() => publicAddresses(node).length === 1)
    expect(publicAddresses(node)).to.not.deep.equal([before])
    expect(knownAddresses(node)).to.deep.equal(publicAddresses(node))
    await node.services.reachability.stop()
    await node.services.reachability.stop()
  })

  it('D7: gives back the external port it has, with its protocol', async () => {
    const node = await home.node({ init: { mapping: { protocols: ['upnp'] } } })
    await until(() => home.gateway.mappings.length === 1)
    await node.stop()
    const wished = home.gateway.requests.findLast(({ action }) => action === 'AddAnyPortMapping')?.args.NewExternalPort
    const taken = { via: 'upnp' as const, protocol: 'tcp' as const, internalAddress: '127.0.0.2', internalPort: 1, externalPort: Number(wished) + 1, lease: 0 }
    home.gateway.mappings = Array.from({ length: 60_000 }, (_, i) => ({ ...taken, externalPort: 5_000 + i }))
    const others = home.gateway.mappings.length
    await node.start()
    await until(() => home.gateway.mappings.length === others + 1)
    const { externalPort, internalPort } = home.gateway.mappings[others]
    expect(externalPort).to.not.equal(internalPort)
    await node.stop()

    expect(home.gateway.mappings).to.have.lengthOf(others)
    expect(home.gateway.requests.findLast(({ action }) => action === 'DeletePortMapping')?.args).to.include({ NewProtocol: 'TCP', NewExternalPort: `${externalPort}` })
  })

  ;(['pcp', 'pmp', 'upnp'] as const).forEach(protocol => {
    it(`D7: gives TCP and UDP back (${protocol})`, async () => {
      const node = await home.node({ listen: TCP_AND_UDP, transports: [udp], init: { mapping: { protocols: [protocol] } } })
      await until(() => home.gateway.mappings.length === 2)
      expect(home.gateway.mappings.map(({ protocol }) => protocol)).to.have.members(['tcp', 'udp'])
      await node.stop()

      expect(home.gateway.mappings).to.be.empty()
    })

    it(`D8: announces the port that a renewal gives, and no other (${protocol})`, async () => {
      const clock = new VirtualClock(Date.now())
      const node = await home.node({ clock, init: { mapping: { protocols: [protocol], checkInterval: 100_000_000, entryCheckInterval: 100_000_000 } } })
      await home.servers(node)
      await clockUntil(clock, () => publicAddresses(node).length === 1)
      const [{ externalPort }] = home.gateway.mappings.splice(0)
      home.gateway.mappings.push({ via: 'upnp', protocol: 'tcp', internalAddress: '127.0.0.9', internalPort: 1, externalPort, lease: 0 })
      const changed = pEvent<'mapping:changed', CustomEvent<MappingInfo>>(node.services.reachability, 'mapping:changed')
      await clock.advance(1_800_000)
      await clockUntil(clock, () => !publicAddresses(node).includes(`/ip4/81.2.69.10/tcp/${externalPort}`) && publicAddresses(node).length === 1)

      expect(publicAddresses(node)).to.deep.equal([`/ip4/81.2.69.10/tcp/${(await changed).detail.external?.port}`])
    })
  })

  it('D8: renews each mapping once per half lease, however often', async () => {
    const clock = new VirtualClock(Date.now())
    const node = await home.node({ clock, listen: TCP_AND_UDP, transports: [udp], init: { mapping: { protocols: ['upnp'], checkInterval: 100_000_000 } } })
    await clockUntil(clock, () => home.gateway.mappings.length === 2)
    const renewed: Event[] = []
    node.services.reachability.addEventListener('mapping:renewed', event => { renewed.push(event) })

    for (let round = 1; round <= 5; round++) {
      await clock.advance(1_800_000)
      await clockUntil(clock, () => renewed.length === 2 * round)
    }

    expect(home.gateway.actions('upnp').filter(action => action === 'AddPortMapping')).to.have.lengthOf(10)
  })

  it('D9: maps through a gateway that knows IGD 1 only', async () => {
    home.gateway.igd = 1
    home.gateway.speaks = { pcp: false, pmp: false, upnp: true }
    const node = await home.verifiedNode()

    expect(node.services.reachability.getMappings()).to.have.nested.property('[0].via', 'igd1')
  })

  it('D9: maps through a PPP connection', async () => {
    home.gateway.igd = 1
    home.gateway.services = ['urn:schemas-upnp-org:service:WANPPPConnection:1']
    const node = await home.verifiedNode({ init: { mapping: { protocols: ['upnp'] } } })

    expect(node.services.reachability.getMappings()).to.have.nested.property('[0].via', 'igd1')
  })

  it('D11: leaves nothing behind when NAT-PMP is stopped, neither a socket nor a timer', async () => {
    const clock = new VirtualClock(Date.now())
    const node = await home.node({ clock, init: { mapping: { protocols: ['pmp'] } } })
    await clockUntil(clock, () => home.gateway.mappings.length === 1)
    await node.stop()
    const { length } = home.gateway.requests
    await clock.advance(86_400_000)

    expect(home.gateway.mappings).to.be.empty()
    expect(home.gateway.requests).to.have.lengthOf(length)
    expect(home.network.open).to.equal(0)
    expect(clock.timers).to.equal(0)
  })

  it('D12: maps only what listens at the address that faces the gateway', async () => {
    const node = await home.node()
    await pEvent(node.services.reachability, 'mapping:added')
    const manager = componentOf<TransportManager>(node, 'transportManager')
    const getAddrs = manager.getAddrs.bind(manager)
    const interfaces = home.network.interfaceAddresses()
    home.network.interfaceAddresses = () => [...interfaces, { family: 4, address: '172.17.0.1', internal: false }]
    manager.getAddrs = () => [multiaddr('/ip4/172.17.0.1/tcp/4001'), ...getAddrs()]
    node.services.reachability.refresh()
    componentOf<EventTarget>(node, 'events').dispatchEvent(new CustomEvent('transport:listening'))
    await until(() => home.gateway.actions('pcp').filter(action => action === 'map').length > 1)

    expect(home.gateway.mappings.map(({ internalPort }) => internalPort)).to.not.include(4001)
    expect(node.services.reachability.getMappings().map(({ internal }) => internal.host)).to.deep.equal(['127.0.0.1'])
  })

  it('D13: does not map again what is mapped, however often the node is told that its addresses changed', async () => {
    const node = await home.node({ init: { mapping: { protocols: ['upnp'], debounce: 0 } } })
    await pEvent(node.services.reachability, 'mapping:added')
    const { length } = home.gateway.requests

    for (let i = 0; i < 10; i++) {
      componentOf<EventTarget>(node, 'events').dispatchEvent(new CustomEvent('self:peer:update', { detail: { peer: {} } }))
      await new Promise(resolve => { setTimeout(resolve, 5) })
    }

    expect(home.gateway.requests).to.have.lengthOf(length)
  })

  it('D13: searches for as long as it should, and again after as long as it should', async () => {
    const clock = new VirtualClock(0)
    home.gateway.speaks = { pcp: false, pmp: false, upnp: false }
    let rounds = 0
    home.network.defaultGateways = async () => {
      rounds++

      return []
    }
    await home.node({ clock, init: { mapping: { protocols: ['pcp'], discoveryTimeout: 3_500, minBackOff: 20_000, ipv6Pinholes: false, checkInterval: 1_000_000 } } })
    // one look at the network, then one round per second
    await clock.advance(3_500)
    const { length } = { length: rounds }
    expect(length).to.be.within(4, 6)
    await clock.advance(19_000)
    expect(rounds).to.equal(length)
    await clock.advance(2_000)
    expect(rounds).to.be.greaterThan(length)
  })

  ;(['pcp', 'pmp', 'upnp'] as const).forEach(protocol => {
    it(`D14: asks again when a mapping was refused (${protocol})`, async () => {
      home.gateway.result = (via, what) => what === 'tcp' ? 4 : undefined
      home.gateway.fault = action => action.includes('PortMapping') ? 501 : undefined
      const node = await home.node({ init: { mapping: { protocols: [protocol], minBackOff: 20, checkInterval: 1_000 } } })
      const failed = await pEvent<'mapping:failed', CustomEvent>(node.services.reachability, 'mapping:failed')
      expect(failed.detail.error).to.have.property('name', 'GatewayError')

      home.gateway.result = undefined
      home.gateway.fault = undefined
      await pEvent(node.services.reachability, 'mapping:added')
    })

    it(`D14: tells when the gateway has a private address (${protocol})`, async () => {
      home.gateway.externalAddress = '192.168.178.20'
      const node = await home.node({ init: { mapping: { protocols: [protocol] } } })
      const { detail } = await pEvent<'double-nat', CustomEvent>(node.services.reachability, 'double-nat')

      expect(detail).to.deep.equal({ gatewayAddress: '192.168.178.20', observedAddress: undefined })
      expect(node.services.reachability.getReachability()).to.include({ reason: 'double-nat' })
      await until(() => home.gateway.mappings.length === 0)
    })
  })
})

// one port with two mappings
const TCP_AND_UDP = ['/ip4/127.0.0.1/tcp/0', '/ip4/127.0.0.1/udp/4001/quic-v1']

/**
 * The public addresses that the address manager knows, verified or not
 */
function knownAddresses (node: TestNode): string[] {
  return componentOf<AddressManager>(node, 'addressManager').getAddressesWithMetadata()
    .map(({ multiaddr }) => multiaddr.toString())
    .filter(address => !address.startsWith('/ip4/127.0.0.1/'))
}
