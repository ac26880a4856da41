import { expect } from 'aegir/chai'
import { ReachabilityMetrics } from '../../src/reachability/metrics.ts'
import { RecordedMetrics } from '../metrics/recorded-metrics.ts'
import type { GatewayInfo, MappingInfo } from '../../src/reachability/index.ts'
import type { Candidate } from '../../src/reachability/probing/candidates.ts'

describe('metrics of reachability', () => {
  let recorded: RecordedMetrics
  let metrics: ReachabilityMetrics
  let statuses: string[]
  let gateways: GatewayInfo[]
  let mappings: MappingInfo[]

  beforeEach(() => {
    recorded = new RecordedMetrics()
    statuses = ['verifying']
    gateways = [{ protocol: 'pcp', host: '192.168.1.1', family: 4 }]
    mappings = [{ protocol: 'tcp', internal: { host: '192.168.1.2', port: 4001 }, state: 'mapped', via: 'pcp' }]
    metrics = new ReachabilityMetrics(recorded.asMetrics(), {
      getReachability: () => ({ state: 'public', ip4: 'public', ip6: 'private', reason: 'mapped' }),
      getCandidates: () => statuses.map(status => ({ state: { status }, socket: { protocol: 'tcp' } }) as unknown as Candidate),
      getMappings: () => mappings,
      getGateways: () => gateways
    })
  })

  it('show what is', async () => {
    expect(await recorded.read('libp2p_nat_reachability')).to.deep.equal({ ip4: 1, ip6: -1 })
    expect(await recorded.read('libp2p_nat_addresses')).to.deep.equal({ verifying_tcp: 1 })
    expect(await recorded.read('libp2p_nat_mappings')).to.deep.equal({ mapped_pcp: 1 })
    expect(await recorded.read('libp2p_nat_gateway_up')).to.deep.equal({ pcp: 1 })
  })

  it('show what is no more as none', async () => {
    await Promise.all(['addresses', 'mappings', 'gateway_up'].map(async name => recorded.read(`libp2p_nat_${name}`)))
    statuses = ['reachable', 'reachable']
    mappings = []
    gateways = []

    expect(await recorded.read('libp2p_nat_addresses')).to.deep.equal({ verifying_tcp: 0, reachable_tcp: 2 })
    expect(await recorded.read('libp2p_nat_mappings')).to.deep.equal({ mapped_pcp: 0 })
    expect(await recorded.read('libp2p_nat_gateway_up')).to.deep.equal({ pcp: 0 })
  })

  it('count what happened', async () => {
    metrics.onMappingRequest('pcp', 'ok')
    metrics.onMappingRequest('pcp', 'ok')
    metrics.onMappingRequest('igd2', 'conflict')
    metrics.onAddressChange()
    metrics.onProbe('reachable')
    metrics.onServerRequest('rejected')

    expect(await recorded.read('libp2p_nat_mapping_requests_total')).to.deep.equal({ pcp_ok: 2, igd2_conflict: 1 })
    expect(await recorded.readValue('libp2p_nat_external_address_changes_total')).to.equal(1)
    expect(await recorded.read('libp2p_nat_probes_total')).to.deep.equal({ reachable: 1 })
    expect(await recorded.read('libp2p_nat_server_requests_total')).to.deep.equal({ rejected: 1 })
  })

  it('are none where nothing is measured', () => {
    new ReachabilityMetrics(undefined, { getReachability: () => { throw new Error('No') }, getCandidates: () => [], getMappings: () => [], getGateways: () => [] }).onProbe('reachable')
  })
})
