import { defaultLogger } from '@libp2p/logger'
import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import { AdmissionPipeline, StreamRates } from '../../src/admission/index.ts'
import { ConnectionEntry } from '../../src/core/index.ts'
import { Realms, resolveLimits, resourceManager } from '../../src/resources/index.ts'
import { ResourceControls } from '../../src/wiring/resource-controls.ts'
import { NOBODY_KNOWN } from '../admission/admission-scene.ts'
import { VirtualClock } from '../fixtures/virtual-clock.ts'
import type { Limits } from '../../src/index.ts'

describe('wiring/resource-controls', () => {
  function create (given: Limits = {}, maxConnections = 300): { controls: ResourceControls, realms: Realms, admit(address: string): string } {
    const clock = new VirtualClock()
    const limits = resolveLimits(given, maxConnections, 1_000)
    const resources = resourceManager({ limits: {}, defaults: limits })
    const realms = new Realms({ logger: defaultLogger(), resources, clock, isConnected: () => false })
    const entries: ConnectionEntry[] = []
    const pipeline = new AdmissionPipeline({
      ...NOBODY_KNOWN,
      clock,
      connectionCount: () => 0,
      entries: () => entries,
      evictionCandidates: () => [],
      evict: () => {},
      resources
    }, { maxConnections, maxPending: 1_000, pending: {}, subnets: limits.subnets ?? {}, rates: limits.subnets?.rates ?? {} })
    pipeline.start()

    return {
      controls: new ResourceControls({ resources, realms, pipeline, streamRates: new StreamRates(new VirtualClock()) }, given, limits, 1_000),
      realms,
      admit: address => {
        const entry = new ConnectionEntry('accepted', multiaddr(address), false)
        entries.push(entry)

        return pipeline.admit(entry)?.reason ?? 'admitted'
      }
    }
  }

  it('leave the rates alone when numbers change, and the other way round', () => {
    const { controls, admit } = create({ subnets: { rates: { ipv4: [{ prefix: 32, perSecond: 0, burst: 2 }] } } })
    expect([admit('/ip4/8.8.8.8/tcp/1'), admit('/ip4/8.8.8.8/tcp/1'), admit('/ip4/8.8.8.8/tcp/1')]).to.deep.equal(['admitted', 'admitted', 'rate'])

    controls.setSubnetLimits({ ipv4: [{ prefix: 32, connections: 3 }] })
    expect(admit('/ip4/8.8.8.8/tcp/1')).to.equal('rate')

    controls.setSubnetLimits({ rates: { ipv4: [] } })
    expect([admit('/ip4/8.8.8.8/tcp/1'), admit('/ip4/8.8.8.8/tcp/1')]).to.deep.equal(['admitted', 'subnet'])
  })

  it('change nothing when a limit is none', () => {
    const { controls, admit } = create({ subnets: { ipv4: [{ prefix: 32, connections: 1 }] } })

    expect(() => { controls.setSubnetLimits({ ipv4: [{ prefix: 32, connections: -5 }] }) }).to.throw('"limits.subnets.ipv4[0].connections"')
    expect([admit('/ip4/8.8.8.8/tcp/1'), admit('/ip4/8.8.8.8/tcp/1')]).to.deep.equal(['admitted', 'subnet'])
  })

  it('know a realm whose limit was set as a scope', () => {
    const { controls, realms } = create()
    controls.setLimit('realm:chain', { connections: 5, reserved: 2 })

    expect(realms.list()).to.deep.equal([{ realm: 'chain', connections: 0, limits: { connections: 5, reserved: 2 }, peers: 0, assigned: 0 }])
    expect(controls.stat().unusedReserve).to.equal(2)
  })

  it('let maxConnections be reached on the smallest machine', () => {
    const { controls } = create({}, 5_000)

    expect(controls.scopeStat('system')?.limits.connections, 'these, as many dials, and those that are not upgraded').to.be.at.least(11_000)
    expect(controls.scopeStat('system')?.limits.connectionsInbound).to.be.at.least(5_000)
    expect(controls.scopeStat('transient')?.limits.connectionsInbound).to.be.at.least(1_000)

    controls.followMaxConnections(50_000)
    expect(controls.scopeStat('system')?.limits.connections).to.equal(101_000)
    controls.followMaxConnections(Infinity)
    expect(controls.scopeStat('system')?.limits).to.not.have.property('connections')
  })

  it('keep system limits that were asked for', () => {
    const { controls } = create({ system: { connections: 20 } })
    controls.followMaxConnections(50_000)
    expect(controls.scopeStat('system')?.limits).to.include({ connections: 20, connectionsOutbound: 101_000 })
  })
})
