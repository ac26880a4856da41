import { expect } from 'aegir/chai'
import { registerConnectionMetrics } from '../../src/metrics/later.ts'
import { RecordedMetrics } from './recorded-metrics.ts'

describe('metrics/connection-metrics', () => {
  let realms: Array<{ realm: string, connections: number, reserved: number }>

  const source = {
    watermarks: () => ({ 'low-water': 1, 'high-water': 2 }),
    standing: () => ({ candidate: 3 }),
    peers: () => ({ connected: 4 }),
    outbound: () => ({ target: 8, connected: 7, dialling: 1 }),
    bans: () => 5,
    realms: () => realms,
    watched: () => 6
  }

  beforeEach(() => { realms = [] })

  it('count and measure connections that come and go', async () => {
    const metrics = new RecordedMetrics()
    const { onClose, onOpen } = registerConnectionMetrics(metrics.asMetrics(), source)
    onOpen('inbound')
    onClose('trim', 90_000)

    expect(await metrics.read('libp2p_connmgr_opened_connections_total')).to.deep.equal({ inbound: 1 })
    expect(await metrics.read('libp2p_connmgr_closed_connections_total')).to.deep.equal({ trim: 1 })
    expect(metrics.observed.get('libp2p_connmgr_connection_duration_seconds')).to.deep.equal({ value: [90] })
  })

  it('measure pings that are answered, in seconds, and count the others', async () => {
    const metrics = new RecordedMetrics()
    const { onPing } = registerConnectionMetrics(metrics.asMetrics(), source)
    onPing(25)
    onPing(undefined)
    onPing(undefined)

    expect(metrics.observed.get('libp2p_connmgr_ping_rtt_seconds')).to.deep.equal({ value: [0.025] })
    expect(await metrics.readValue('libp2p_connmgr_ping_misses_total')).to.equal(2)
  })

  it('count peers that are not dialled', async () => {
    const metrics = new RecordedMetrics()
    const { onSkip } = registerConnectionMetrics(metrics.asMetrics(), source)
    onSkip('banned')
    onSkip('banned')

    expect(await metrics.read('libp2p_connmgr_skipped_candidates_total')).to.deep.equal({ banned: 2 })
  })

  it('show what is', async () => {
    const metrics = new RecordedMetrics()
    registerConnectionMetrics(metrics.asMetrics(), source)

    expect(await metrics.read('libp2p_connmgr_watermarks')).to.deep.equal({ 'low-water': 1, 'high-water': 2 })
    expect(await metrics.read('libp2p_connmgr_connections')).to.deep.equal({ candidate: 3 })
    expect(await metrics.read('libp2p_connmgr_peers')).to.deep.equal({ connected: 4 })
    expect(await metrics.read('libp2p_connmgr_outbound_peers')).to.deep.equal({ target: 8, connected: 7, dialling: 1 })
    expect(await metrics.readValue('libp2p_connmgr_active_bans')).to.equal(5)
    expect(await metrics.readValue('libp2p_connmgr_watched_connections')).to.equal(6)
  })

  it('show a realm that is gone as empty', async () => {
    const metrics = new RecordedMetrics()
    registerConnectionMetrics(metrics.asMetrics(), source)
    realms = [{ realm: 'chain', connections: 3, reserved: 2 }]
    expect(await metrics.read('libp2p_connmgr_realm_connections')).to.deep.equal({ chain: 3 })
    expect(await metrics.read('libp2p_connmgr_realm_reserved')).to.deep.equal({ chain: 2 })

    realms = []
    expect(await metrics.read('libp2p_connmgr_realm_connections')).to.deep.equal({ chain: 0 })
  })

  it('need not be asked for', () => {
    const { onClose, onOpen, onPing } = registerConnectionMetrics(undefined, source)
    onOpen('inbound')
    onClose('trim', 1)
    onPing(1)
  })
})
