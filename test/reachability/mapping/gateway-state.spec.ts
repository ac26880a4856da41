import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { IDLE_GATEWAY, isTrusted, nextGatewayState } from '../../../src/reachability/mapping/gateway-state.ts'
import type { GatewayEvent, GatewayState } from '../../../src/reachability/mapping/gateway-state.ts'

const times = { checkInterval: 30_000, suspectInterval: 1_000, maxFailures: 3, searchBackOff: { min: 5_000, max: 300_000 } }

function after (events: GatewayEvent[], now = 0): GatewayState {
  return events.reduce((state, event) => nextGatewayState(state, event, now, times), IDLE_GATEWAY)
}

const failed: GatewayEvent = { type: 'failed', refused: false }

describe('gateway state', () => {
  it('searches once started, and is ready once found', () => {
    expect(after([{ type: 'start' }])).to.include({ status: 'searching' })
    expect(after([{ type: 'start' }, { type: 'found' }])).to.include({ status: 'ready', wakeAt: 30_000 })
  })

  it('is suspect after one and two failures, and searched again after three', () => {
    expect(after([{ type: 'found' }, failed])).to.include({ status: 'suspect', wakeAt: 1_000 })
    expect(after([{ type: 'found' }, failed, failed])).to.include({ status: 'suspect', failures: 2 })
    expect(after([{ type: 'found' }, failed, failed, failed])).to.include({ status: 'searching' })
  })

  it('counts failures in a row only', () => {
    expect(after([{ type: 'found' }, failed, failed, { type: 'answered' }, failed, failed])).to.include({ status: 'suspect' })
  })

  it('is searched again at once when nobody listens', () => {
    expect(after([{ type: 'found' }, { type: 'failed', refused: true }])).to.include({ status: 'searching' })
  })

  it('waits longer after each search in vain, up to five minutes', () => {
    const waits = Array.from({ length: 9 }, (_, i) => after(Array.from({ length: i + 1 }, () => [{ type: 'start' as const }, { type: 'not-found' as const }]).flat()).wakeAt)

    expect(waits).to.deep.equal([5_000, 10_000, 20_000, 40_000, 80_000, 160_000, 300_000, 300_000, 300_000])
  })

  it('takes no answer for a reason to trust a gateway that is searched', () => {
    expect(after([{ type: 'start' }, { type: 'answered' }])).to.include({ status: 'searching' })
    expect(after([{ type: 'start' }, failed])).to.include({ status: 'searching' })
  })

  it('is idle after stop, whatever was before', () => {
    const event = fc.constantFrom<GatewayEvent>({ type: 'start' }, { type: 'found' }, { type: 'not-found' }, { type: 'answered' }, failed, { type: 'failed', refused: true }, { type: 'stop' })

    fc.assert(fc.property(fc.array(event), fc.nat(), (events, now) => {
      const state = after(events, now)

      expect(state.failures).to.be.lessThan(times.maxFailures)
      expect(!isTrusted(state) || (state.wakeAt ?? 0) > now).to.be.true()
      expect(nextGatewayState(state, { type: 'stop' }, now, times)).to.deep.equal(IDLE_GATEWAY)
    }))
  })
})
