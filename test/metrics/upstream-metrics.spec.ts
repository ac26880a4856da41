import { expect } from 'aegir/chai'
import { registerUpstreamMetrics } from '../../src/metrics/later.ts'
import { stubConnection, stubStreams } from '../fixtures/connections.ts'
import { VirtualClock } from '../fixtures/virtual-clock.ts'
import { RecordedMetrics } from './recorded-metrics.ts'
import type { StubConnection } from '../fixtures/connections.ts'

const CONNECTIONS = 'libp2p_connection_manager_connections'
const STREAMS = 'libp2p_protocol_streams_total'
const STREAMS_PER_CONNECTION = 'libp2p_connection_manager_protocol_streams_per_connection_90th_percentile'

describe('metrics/upstream-metrics', () => {
  let metrics: RecordedMetrics
  let connections: StubConnection[]
  let counts: { inbound: number, outbound: number, inboundPending: number, outboundPending: number }

  beforeEach(() => {
    metrics = new RecordedMetrics()
    connections = []
    counts = { inbound: 0, outbound: 0, inboundPending: 0, outboundPending: 0 }
    registerUpstreamMetrics(metrics.asMetrics(), { clock: new VirtualClock(), counts: () => counts, connections: () => connections })
  })

  it('have the names that libp2p gives them', () => {
    expect(metrics.names).to.have.members([CONNECTIONS, STREAMS, STREAMS_PER_CONNECTION])
  })

  it('show the connections of the moment by direction', async () => {
    counts = { inbound: 1, outbound: 2, inboundPending: 3, outboundPending: 4 }
    expect(await metrics.read(CONNECTIONS)).to.deep.equal({ inbound: 1, outbound: 2, 'inbound pending': 3, 'outbound pending': 4 })

    counts = { ...counts, inbound: 10 }
    expect(await metrics.read(CONNECTIONS)).to.have.property('inbound', 10)
  })

  it('show the streams by direction and protocol', async () => {
    connections = [stubConnection({ streams: ['/a', '/a', '/b'] }), stubConnection({ streams: ['/a', ''] })]
    const [outbound] = stubStreams(['/a'])
    connections[0].streams.push({ ...outbound, direction: 'outbound' })

    expect(await metrics.read(STREAMS)).to.deep.equal({ 'inbound /a': 3, 'inbound /b': 1, 'outbound /a': 1, 'inbound unnegotiated': 1 })
  })

  it('show how many streams of a protocol the connections with most of them have', async () => {
    connections = Array.from({ length: 20 }, (_, i) => stubConnection({ streams: new Array(i + 1).fill('/a') }))
    connections.push(stubConnection({ streams: ['/b'] }), stubConnection())

    expect(await metrics.read(STREAMS_PER_CONNECTION)).to.deep.equal({ 'inbound /a': 19, 'inbound /b': 1 })
  })

  it('can tell protocols apart that are named like properties of objects', async () => {
    connections = [stubConnection({ streams: ['__proto__', 'constructor'] })]

    expect(await metrics.read(STREAMS)).to.deep.equal({ 'inbound __proto__': 1, 'inbound constructor': 1 })
  })

  it('show nothing of nothing', async () => {
    expect(await metrics.read(STREAMS)).to.deep.equal({})
    expect(await metrics.read(STREAMS_PER_CONNECTION)).to.deep.equal({})
  })

  it('need not be asked for', () => {
    registerUpstreamMetrics(undefined, { clock: new VirtualClock(), counts: () => counts, connections: () => connections })
  })
})
