import { expect } from 'aegir/chai'
import { registerDialMetrics } from '../../src/metrics/later.ts'
import { RecordedMetrics } from './recorded-metrics.ts'

describe('metrics/dial-metrics', () => {
  const source = { blackHoles: () => ({ udp: 'blocked', ipv6: 'probing' } as const), backOffEntries: () => 3 }

  it('count dials by outcome, and measure how long they took, in seconds', async () => {
    const metrics = new RecordedMetrics()
    const { onDial } = registerDialMetrics(metrics.asMetrics(), source)
    onDial('success', 250)
    onDial('success', 500)
    onDial('failed', 5_000)

    expect(await metrics.read('libp2p_connmgr_dials_total')).to.deep.equal({ success: 2, failed: 1 })
    expect(metrics.observed.get('libp2p_connmgr_dial_duration_seconds')).to.deep.equal({ success: [0.25, 0.5], failed: [5] })
  })

  it('measure how far apart addresses are dialled', () => {
    const metrics = new RecordedMetrics()
    const { onAttempt } = registerDialMetrics(metrics.asMetrics(), source)
    onAttempt(0)
    onAttempt(250)

    expect(metrics.observed.get('libp2p_connmgr_dial_ranking_delay_seconds')).to.deep.equal({ value: [0, 0.25] })
  })

  it('show which ways of dialling work', async () => {
    const metrics = new RecordedMetrics()
    registerDialMetrics(metrics.asMetrics(), source)

    expect(await metrics.read('libp2p_connmgr_black_hole_state')).to.deep.equal({ udp: -1, ipv6: 0 })
    expect(await metrics.readValue('libp2p_connmgr_back_off_addresses')).to.equal(3)
  })

  it('show nothing of what nobody finds out', async () => {
    const metrics = new RecordedMetrics()
    registerDialMetrics(metrics.asMetrics(), { ...source, blackHoles: () => undefined })

    expect(await metrics.read('libp2p_connmgr_black_hole_state')).to.deep.equal({})
  })

  it('need not be asked for', () => {
    const { onAttempt, onDial } = registerDialMetrics(undefined, source)
    onAttempt(1)
    onDial('failed', 1)
  })
})
