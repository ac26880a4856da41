import { expect } from 'aegir/chai'
import { isMapped, nextMappingState, WANTED_MAPPING } from '../../../src/reachability/mapping/mapping-state.ts'
import type { MappingEvent, MappingState } from '../../../src/reachability/mapping/mapping-state.ts'

const times = { renewAt: 0.5, minRenewal: 10_000, retryBackOff: { min: 5_000, max: 300_000 } }
const grant = { externalPort: 4001, lease: 3_600_000 }

function after (...events: Array<MappingEvent | [MappingEvent, number]>): MappingState {
  return events.reduce<MappingState>((state, entry) => {
    const [event, now] = Array.isArray(entry) ? entry : [entry, 0]

    return nextMappingState(state, event, now, times)
  }, WANTED_MAPPING)
}

describe('mapping state', () => {
  it('is renewed at half the lease', () => {
    expect(after({ type: 'request' })).to.include({ status: 'requesting' })
    expect(after({ type: 'request' }, { type: 'granted', grant })).to.include({ status: 'mapped', wakeAt: 1_800_000, expiresAt: 3_600_000 })
    expect(after({ type: 'granted', grant }, { type: 'request' })).to.include({ status: 'renewing' })
  })

  it('is not renewed if the lease does not end', () => {
    const { wakeAt, expiresAt } = after({ type: 'granted', grant: { externalPort: 1, lease: 0 } })

    expect(wakeAt).to.be.undefined()
    expect(expiresAt).to.be.undefined()
  })

  it('is not renewed all the time by a gateway that grants next to nothing', () => {
    expect(after({ type: 'granted', grant: { externalPort: 1, lease: 1_000 } })).to.include({ wakeAt: 10_000 })
  })

  it('holds until the lease ends when a renewal is refused', () => {
    const state = after({ type: 'granted', grant }, { type: 'request' }, [{ type: 'refused' }, 1_800_000])

    expect(state).to.include({ status: 'mapped', wakeAt: 1_805_000 })
    expect(isMapped(state)).to.be.true()
    expect(after({ type: 'granted', grant }, { type: 'request' }, [{ type: 'refused' }, 3_600_000])).to.include({ status: 'failed' })
  })

  it('is asked for again after 5 s, 10 s, 20 s, and so on', () => {
    const refused: MappingEvent = { type: 'refused' }

    expect([1, 2, 3, 8].map(count => after(...Array.from({ length: count }, () => refused)).wakeAt)).to.deep.equal([5_000, 10_000, 20_000, 300_000])
  })

  it('is asked for again at once when it is lost, with the port it had', () => {
    expect(after({ type: 'granted', grant }, [{ type: 'lost' }, 7])).to.deep.include({ status: 'lost', wakeAt: 7, grant })
  })

  it('stays removed', () => {
    expect(after({ type: 'granted', grant }, { type: 'removed' }, { type: 'granted', grant })).to.include({ status: 'removed' })
  })
})
