import { identify } from '@libp2p/identify'
import { serviceCapabilities, serviceDependencies } from '@libp2p/interface'
import { prometheusMetrics } from '@libp2p/prometheus-metrics'
import { expect } from 'aegir/chai'
import { createLibp2p } from 'libp2p'
import { pEvent } from 'p-event'
import { Registry } from 'prom-client'
import { ReachabilityService } from '../../src/reachability/reachability.ts'
import { VirtualClock } from '../fixtures/virtual-clock.ts'
import { newHome, publicAddresses } from './fixtures/home.ts'
import { clockUntil, until } from './fixtures/wait.ts'
import type { ReachabilityComponents } from '../../src/reachability/components.ts'

describe('reachability of a node behind a gateway', () => {
  const home = newHome()

  ;[undefined, {}].forEach(ownManager => {
    const whose = ownManager == null ? "libp2p's own" : 'our'

    it(`has its port mapped, verified and announced, with ${whose} connection manager`, async () => {
      const node = await home.node({ ownManager })
      const reachable = pEvent<'reachability:change', CustomEvent>(node.services.reachability, 'reachability:change')
      await home.servers(node, 2)

      expect((await reachable).detail).to.include({ state: 'public', previous: 'unknown', ip4: 'public', ip6: 'unknown', reason: 'mapped' })
      const [mapping] = node.services.reachability.getMappings()
      expect(mapping).to.deep.include({ protocol: 'tcp', via: 'pcp', state: 'mapped', lease: 3_600_000 })
      expect(publicAddresses(node)).to.deep.equal([`/ip4/81.2.69.10/tcp/${mapping.external?.port}`])
      expect(node.services.reachability.getGateways()).to.deep.equal([{ protocol: 'pcp', host: '127.0.0.1', family: 4, externalAddress: '81.2.69.10' }])
      expect(node.services.reachability.getAddressStates()[0]).to.deep.include({ type: 'ip-mapping', state: 'reachable' })
    })

    it(`asks over new connections after the external address changed, with ${whose} connection manager`, async () => {
      const node = await home.verifiedNode({ ownManager })
      const before = new Set(node.getConnections().map(({ id }) => id))
      const changed = pEvent<'external-address:change', CustomEvent>(node.services.reachability, 'external-address:change')
      home.gateway.externalAddress = '81.2.69.77'
      home.announce()
      expect((await changed).detail).to.deep.equal({ previous: '81.2.69.10', current: '81.2.69.77', family: 4 })
      await until(() => publicAddresses(node).join().includes('81.2.69.77'))

      expect(node.getConnections().some(({ id }) => !before.has(id))).to.be.true()
    })
  })

  it('tells the connection manager', async () => {
    const told: unknown[] = []
    const node = await home.node()
    const components = Reflect.get(node, 'components')
    Object.assign(components.connectionManager, {
      networkChanged: (detail: unknown) => { told.push(detail) },
      reachabilityChanged: (detail: { state: string }) => { told.push(detail.state) }
    })
    await home.servers(node, 2)
    await until(() => told.includes('public'))
    home.gateway.externalAddress = '81.2.69.77'
    home.announce()
    await until(() => told.length > 1)

    expect(told).to.deep.include({ previous: '81.2.69.10', current: '81.2.69.77', family: 4 })
  })

  it('knows that it is private without a gateway, once enough servers tried what they saw', async () => {
    home.gateway.speaks = { pcp: false, pmp: false, upnp: false }
    const node = await home.node({ init: { mapping: { discoveryTimeout: 500 }, probe: { newAddressDelay: 0 } } })
    await home.servers(node, 2)
    home.observe(node, '81.2.69.10')
    await until(() => node.services.reachability.getReachability().state === 'private')

    expect(node.services.reachability.getReachability().reason).to.be.oneOf(['no-gateway', 'unreachable'])
    expect(publicAddresses(node)).to.be.empty()
  })

  it('finds a port that was forwarded by hand, after two servers got through', async () => {
    home.gateway.speaks = { pcp: false, pmp: false, upnp: false }
    const node = await home.node({ init: { mapping: { enabled: false }, probe: { newAddressDelay: 0 } } })
    const port = Number(node.getMultiaddrs()[0].getComponents()[1].value)
    home.gateway.mappings.push({ via: 'upnp', protocol: 'tcp', internalAddress: '127.0.0.1', internalPort: port, externalPort: port, lease: 0 })
    home.observe(node, '81.2.69.10')
    await home.servers(node)
    await until(() => node.services.reachability.getAddressStates().some(({ success }) => success === 1))
    expect(publicAddresses(node)).to.be.empty()
    await home.servers(node)
    await until(() => publicAddresses(node).length === 1)

    expect(node.services.reachability.getReachability()).to.include({ state: 'public', reason: 'forwarded' })
  })

  it('verifies again on request', async () => {
    const node = await home.verifiedNode()
    const [{ addr, lastVerified }] = node.services.reachability.getAddressStates()
    await home.servers(node)
    node.services.reachability.probe(addr)
    await until(() => (node.services.reachability.getAddressStates()[0].lastVerified ?? 0) > (lastVerified ?? 0))
    node.services.reachability.refresh()
  })

  it('does not map a port that was closed, and gives it back', async () => {
    const node = await home.node({ listen: ['/ip4/127.0.0.1/tcp/0', '/ip4/127.0.0.1/tcp/0'] })
    await until(() => home.gateway.mappings.length === 2)
    const removed = pEvent(node.services.reachability, 'mapping:removed')
    const [listener] = Reflect.get(node, 'components').transportManager.getListeners()
    await listener.close()
    await removed

    expect(home.gateway.mappings).to.have.lengthOf(1)
  })

  it('uses gateways it is told of', async () => {
    home.gateway.speaks = { pcp: false, pmp: false, upnp: false }
    const node = await home.node({ init: { mapping: { gateways: [home.gateway.descriptionURL] } } })
    await until(() => node.services.reachability.getGateways()[0]?.protocol === 'igd2')
  })

  it('uses the external address it is told of, where the gateway knows none', async () => {
    home.gateway.externalAddress = ''
    const node = await home.node({ init: { mapping: { protocols: ['upnp'], externalAddress: '81.2.69.55' } } })
    await until(() => node.services.reachability.getMappings()[0]?.external?.host === '81.2.69.55')
  })

  it('looks for the gateway again when the network is another one', async () => {
    const node = await home.node({ init: { mapping: { checkInterval: 50 } } })
    await until(() => home.gateway.mappings.length === 1)
    const lost = pEvent(node.services.reachability, 'gateway:lost')
    home.network.interfaceAddresses = () => [{ family: 4, address: '127.0.0.1', internal: false }, { family: 4, address: '192.168.5.5', internal: false }]
    await lost
    await pEvent(node.services.reachability, 'gateway:found')
    await until(() => node.services.reachability.getMappings()[0]?.state === 'mapped')
  })

  it('looks for a gateway only after the delay', async () => {
    const clock = new VirtualClock(Date.now())
    await home.node({ clock, init: { mapping: { mapDelay: 5_000 } } })
    await clock.advance(4_999)
    expect(home.gateway.requests).to.be.empty()
    await clock.advance(1)
    await clockUntil(clock, () => home.gateway.mappings.length === 1)
  })

  it('maps nothing if it shall not', async () => {
    const node = await home.node({ init: { mapping: { enabled: false } } })
    await home.servers(node)

    expect(node.services.reachability.getMappings()).to.be.empty()
    expect(home.gateway.requests).to.be.empty()
  })

  it('leaves mappings behind on stop if it shall', async () => {
    const node = await home.node({ init: { mapping: { unmapOnStop: false } } })
    await until(() => home.gateway.mappings.length === 1)
    await node.stop()

    expect(home.gateway.mappings).to.have.lengthOf(1)
  })

  it('does not wait long for a gateway that is silent on stop', async function () {
    this.retries(2)
    const node = await home.node({ init: { mapping: { stopTimeout: 50 } } })
    await until(() => node.services.reachability.getMappings()[0]?.state === 'mapped')
    home.gateway.dropped = 1_000
    const start = Date.now()
    await node.stop()

    // the default, which is less than a request may take
    expect(Date.now() - start).to.be.lessThan(2_000)
  })

  it('has metrics', async () => {
    const registry = new Registry()
    const node = await createLibp2p({
      start: false,
      metrics: prometheusMetrics({ registry, collectDefaultMetrics: false }),
      services: {
        identify: identify(),
        reachability: (components: ReachabilityComponents) => new ReachabilityService(components, {}, { network: home.network })
      }
    })
    const text = await registry.metrics()
    await node.stop()

    for (const name of ['reachability', 'addresses', 'mappings', 'gateway_up', 'mapping_requests_total', 'external_address_changes_total', 'probes_total', 'server_requests_total']) {
      expect(text).to.include(`libp2p_nat_${name}`)
    }
  })

  it('names what it does and needs', async () => {
    const node = await home.node()

    expect(node.services.reachability[serviceCapabilities]).to.deep.equal(['@libp2p/autonat', '@libp2p/nat-traversal'])
    expect(node.services.reachability[serviceDependencies]).to.deep.equal(['@libp2p/identify'])
  })

  it('is inert where there are no sockets', async () => {
    const node = await home.node({ network: undefined })
    await home.servers(node)

    expect(node.services.reachability.isStarted()).to.be.false()
    expect(node.services.reachability.getReachability()).to.deep.equal({ state: 'unknown', ip4: 'unknown', ip6: 'unknown', reason: 'no-servers' })
    expect(node.services.reachability.getMappings()).to.be.empty()
    expect(node.getProtocols().filter(protocol => protocol.includes('autonat'))).to.be.empty()
  })

  it('leaves nothing running after stop, even in the middle of a search', async () => {
    home.gateway.speaks = { pcp: false, pmp: false, upnp: false }
    const node = await home.node()
    await node.stop()
    await node.stop()
    await until(() => home.network.open === 0)
  })
})
