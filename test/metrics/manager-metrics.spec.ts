import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import { TypedEventEmitter } from 'main-event'
import { registerDecisionMetrics, registerManagerMetrics } from '../../src/metrics/later.ts'
import { stubConnection } from '../fixtures/connections.ts'
import { RecordedMetrics } from './recorded-metrics.ts'
import type { MeasuredEvents, RefusalReason, TrimReason, TrimResult } from '../../src/metrics/index.ts'

const TRIMMED = 'libp2p_connmgr_trimmed_connections_total'
const REFUSED = 'libp2p_connmgr_refused_connections_total'

function trimOf (reason: TrimReason, count: number, complete = true): TrimResult {
  const connection = stubConnection()
  const trimmed = { connection, peerId: connection.remotePeer, value: 0, duplicate: false, streams: 0, direction: connection.direction, age: 0 }

  return {
    reason,
    before: count,
    wanted: count,
    closed: new Array(count).fill(trimmed),
    kept: { protected: 0, inGrace: 0, allowListed: 0 },
    complete
  }
}

describe('metrics/manager-metrics', () => {
  let metrics: RecordedMetrics
  let events: TypedEventEmitter<MeasuredEvents>

  function trim (reason: TrimReason, count: number): void {
    events.safeDispatchEvent('connection:trim', { detail: trimOf(reason, count) })
  }

  function refuse (reason: RefusalReason): void {
    events.safeDispatchEvent('connection:refuse', {
      detail: { reason, remoteAddr: multiaddr('/ip4/192.0.2.1/tcp/4001'), scope: 'system', current: 1, limit: 1 }
    })
  }

  beforeEach(() => {
    metrics = new RecordedMetrics()
    events = new TypedEventEmitter()
    registerManagerMetrics(metrics.asMetrics(), events)
  })

  it('count the connections that were trimmed by reason', async () => {
    trim('high-water', 3)
    trim('high-water', 2)
    trim('emergency', 1)

    expect(await metrics.read(TRIMMED)).to.deep.equal({ 'high-water': 5, emergency: 1 })
  })

  it('count the connections that were refused by reason', async () => {
    refuse('rate')
    refuse('rate')
    refuse('denied')

    expect(await metrics.read(REFUSED)).to.deep.equal({ rate: 2, denied: 1 })
  })

  it('count trims, and those that could not do what they should', async () => {
    trim('high-water', 1)
    trim('high-water', 1)
    events.safeDispatchEvent('connection:trim', { detail: trimOf('high-water', 0, false) })

    expect(await metrics.read('libp2p_connmgr_trims_total')).to.deep.equal({ 'high-water': 3 })
    expect(await metrics.read('libp2p_connmgr_incomplete_trims_total')).to.deep.equal({ 'high-water': 1 })
  })

  it('count what else is decided', async () => {
    const { onBan, onCross, onEvict, onRefuseResource, onReplace } = registerDecisionMetrics(metrics.asMetrics())
    onEvict('node')
    onEvict('realm')
    onBan('peer')
    onReplace('dead')
    onCross('high', 'up')
    onRefuseResource('system', 'connections')

    expect(await metrics.read('libp2p_connmgr_evicted_connections_total')).to.deep.equal({ node: 1, realm: 1 })
    expect(await metrics.read('libp2p_connmgr_bans_total')).to.deep.equal({ peer: 1 })
    expect(await metrics.read('libp2p_connmgr_replaced_connections_total')).to.deep.equal({ dead: 1 })
    expect(await metrics.read('libp2p_connmgr_watermark_crossings_total')).to.deep.equal({ 'high up': 1 })
    expect(await metrics.read('libp2p_rcmgr_refusals_total')).to.deep.equal({ system: 1 })
    expect(await metrics.read('libp2p_rcmgr_refused_resources_total')).to.deep.equal({ connections: 1 })
  })

  it('do not make a metric of each peer', async () => {
    const { onRefuseResource } = registerDecisionMetrics(metrics.asMetrics())
    onRefuseResource('peer:12D3KooWA', 'streams')
    onRefuseResource('peer:12D3KooWB', 'streams')

    expect(await metrics.read('libp2p_rcmgr_refusals_total')).to.deep.equal({ peer: 2 })
  })

  it('need not be asked for', () => {
    const unmeasured = new TypedEventEmitter<MeasuredEvents>()
    registerManagerMetrics(undefined, unmeasured)
    expect(unmeasured.listenerCount('connection:trim')).to.equal(0)
  })
})
