import { expect } from 'aegir/chai'
import { registerResourceMetrics } from '../../src/metrics/later.ts'
import { MAX_MEASURED_PROTOCOLS } from '../../src/metrics/resource-metrics.ts'
import { VirtualClock, settle } from '../fixtures/virtual-clock.ts'
import { RecordedMetrics } from './recorded-metrics.ts'
import type { NamedScopeFigures } from '../../src/metrics/index.ts'

const NOTHING = { connections: 0, connectionsInbound: 0, connectionsOutbound: 0, fileDescriptors: 0, streams: 0, streamsInbound: 0, streamsOutbound: 0, memory: 0 }

function scope (name: string, usage: Partial<typeof NOTHING> = {}, limits: Partial<typeof NOTHING> = {}): NamedScopeFigures {
  return [name, { usage: { ...NOTHING, ...usage }, limits }]
}

describe('metrics/resource-metrics', () => {
  let metrics: RecordedMetrics
  let scopes: NamedScopeFigures[]
  let realms: NamedScopeFigures[]
  let protocols: NamedScopeFigures[]
  let asked: number

  beforeEach(() => {
    metrics = new RecordedMetrics()
    scopes = []
    realms = []
    protocols = []
    asked = 0
    registerResourceMetrics(metrics.asMetrics(), {
      clock: new VirtualClock(),
      scopes: () => {
        asked++

        return scopes
      },
      realms: () => realms,
      protocols: () => protocols
    })
  })

  it('show what is in use beside what may be, under the same scopes', async () => {
    scopes = [scope('system', { connections: 3, streamsInbound: 7, memory: 1_024 }, { connections: 10, memory: 4_096 }), scope('transient', { connections: 1 })]

    expect(await metrics.read('libp2p_rcmgr_connections')).to.deep.equal({ system: 3, transient: 1 })
    expect(await metrics.read('libp2p_rcmgr_connections_limit')).to.deep.equal({ system: 10 })
    expect(await metrics.read('libp2p_rcmgr_streams_inbound')).to.deep.equal({ system: 7, transient: 0 })
    expect(await metrics.read('libp2p_rcmgr_memory_bytes')).to.deep.equal({ system: 1_024, transient: 0 })
    expect(await metrics.read('libp2p_rcmgr_memory_bytes_limit')).to.deep.equal({ system: 4_096 })
    expect(await metrics.read('libp2p_rcmgr_file_descriptors_limit')).to.deep.equal({})
  })

  it('show that a limit was lifted, as a registry would keep it', async () => {
    scopes = [scope('system', {}, { connections: 10 })]
    await metrics.read('libp2p_rcmgr_connections_limit')
    await settle()
    scopes = [scope('system')]

    expect(await metrics.read('libp2p_rcmgr_connections_limit')).to.deep.equal({ system: Infinity })
  })

  it('show nothing in use of a realm that is gone, and its last limit', async () => {
    realms = [scope('realm:chain', { connections: 4 }, { connections: 8 })]
    await metrics.read('libp2p_rcmgr_connections')
    await settle()
    realms = []

    expect(await metrics.read('libp2p_rcmgr_connections')).to.deep.equal({ 'realm:chain': 0 })
    expect(await metrics.read('libp2p_rcmgr_connections_limit')).to.deep.equal({ 'realm:chain': 8 })
  })

  it('tell the protocols apart that have the most streams, and add up the others', async () => {
    protocols = Array.from({ length: MAX_MEASURED_PROTOCOLS + 10 }, (_, i) => scope(`protocol:/p${i}`, { streams: i }))
    const streams = await metrics.read('libp2p_rcmgr_streams') ?? {}

    expect(Object.keys(streams)).to.have.lengthOf(MAX_MEASURED_PROTOCOLS + 1)
    expect(streams).to.not.have.property('protocol:/p9')
    expect(streams).to.have.property('protocol:/p10', 10)
    expect(streams).to.have.property('protocol:other', 45)
  })

  it('have no more labels, whatever protocols come later', async () => {
    for (let round = 0; round < 20; round++) {
      protocols = Array.from({ length: 10 }, (_, i) => scope(`protocol:/p${round}/${i}`, { streams: 1 }))
      await settle()
      await metrics.read('libp2p_rcmgr_streams')
    }

    const streams = await metrics.read('libp2p_rcmgr_streams') ?? {}
    expect(Object.keys(streams)).to.have.lengthOf(MAX_MEASURED_PROTOCOLS + 1)
    expect(streams).to.have.property('protocol:other', 10)
  })

  it('look once, however many metrics are read together', async () => {
    await Promise.all(metrics.names.map(async name => metrics.read(name)))
    expect(asked).to.equal(1)

    await settle()
    await metrics.read('libp2p_rcmgr_streams')
    expect(asked).to.equal(2)
  })
})
