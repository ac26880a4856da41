import { expect } from 'aegir/chai'
import { resolveOptions } from '../../src/reachability/resolve-options.ts'

describe('reachability options', () => {
  it('have the documented defaults', () => {
    const { mapping, probe, server } = resolveOptions()

    expect(mapping).to.deep.include({ enabled: true, protocols: ['pcp', 'pmp', 'upnp'], lease: 3_600_000, renewAt: 0.5, checkInterval: 30_000, discoveryTimeout: 10_000, description: 'libp2p', ipv6Pinholes: true, unmapOnStop: true, stopTimeout: 2_000 })
    expect(probe).to.include({ targetConfidence: 3, minConfidence: 2, newAddressDelay: 1_000, reprobeReachable: 3_600_000, concurrency: 3, observedIpMinObservers: 2, walk: 'auto' })
    expect(server).to.include({ enabled: true, requestsPerMinute: 60, requestsPerMinutePerPeer: 12, dialDataPerMinute: 12, concurrentPerPeer: 2, maxAddresses: 50, maxJitter: 3_000 })
  })

  it('take what was not given for the default', () => {
    expect(resolveOptions({ mapping: { lease: undefined } }).mapping.lease).to.equal(3_600_000)
    expect(resolveOptions({ mapping: { lease: null as unknown as undefined } }).mapping.lease).to.equal(3_600_000)
  })

  const bad: Record<string, Parameters<typeof resolveOptions>[0]> = {
    reachability: 5 as unknown as object,
    mapping: { mapping: [] as object },
    probe: { probe: 'never' as unknown as object },
    protocolPrefix: { protocolPrefix: 'a/b' },
    'mapping.lease': { mapping: { lease: 0 } },
    'mapping.renewAt': { mapping: { renewAt: 1 } },
    'mapping.enabled': { mapping: { enabled: 'yes' as unknown as boolean } },
    'mapping.protocols': { mapping: { protocols: ['ftp' as 'pcp'] } },
    'mapping.fallbackRange': { mapping: { fallbackRange: [2, 1] } },
    'mapping.description': { mapping: { description: 'ü' } },
    'mapping.externalAddress': { mapping: { externalAddress: '10.0.0.1' } },
    'mapping.gateways': { mapping: { gateways: ['https://router/'] } },
    'probe.timeout': { probe: { timeout: -1 } },
    'probe.concurrency': { probe: { concurrency: 4 } },
    'probe.targetConfidence': { probe: { targetConfidence: 1 } },
    'probe.walk': { probe: { walk: 'always' as 'auto' } },
    'server.requestsPerMinute': { server: { requestsPerMinute: NaN } }
  }

  const worse: Array<[string, unknown]> = [
    ['mapping.lease', Infinity],
    ['mapping.mapDelay', -1],
    ['mapping.protocols', 'pcp'],
    ['mapping.fallbackRange', 5],
    ['mapping.fallbackRange', [1]],
    ['mapping.gateways', 'http://192.168.1.1/'],
    ['mapping.gateways', [5]],
    ['mapping.externalAddress', 5],
    ['mapping.description', 5],
    ['probe.walk', true],
    ['server.enabled', 'no']
  ]

  for (const [option, value] of worse) {
    it(`name ${option} when it is ${JSON.stringify(value)}`, () => {
      const [section, name] = option.split('.')

      expect(() => resolveOptions({ [section]: { [name]: value } })).to.throw().with.property('option', option)
    })
  }

  for (const [option, init] of Object.entries(bad)) {
    it(`name ${option} when it is wrong`, () => {
      expect(() => resolveOptions(init)).to.throw().with.property('option', option)
    })
  }
})
