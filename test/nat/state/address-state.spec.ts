import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { confidenceOf, isUndecidable, newAddressState, nextAddressState, wantsProbe } from '../../../src/nat/state/address-state.ts'
import type { AddressEvent, AddressRules, AddressState } from '../../../src/nat/state/address-state.ts'

const rules: AddressRules = {
  required: 1,
  minConfidence: 2,
  targetConfidence: 3,
  window: 5,
  voteInterval: 120_000,
  reprobeReachable: 3_600_000,
  reprobeUnreachable: 300_000,
  noServers: { min: 5_000, max: 300_000 },
  maxRefusals: 5,
  maxDials: 10,
  dialsInterval: 600_000
}

const yes = (group: string): AddressEvent => ({ type: 'voted', group, success: true })
const no = (group: string): AddressEvent => ({ type: 'voted', group, success: false })

function after (events: AddressEvent[], using = rules): AddressState {
  return events.reduce((state, event) => nextAddressState(state, event, 0, using), newAddressState(0))
}

describe('address state', () => {
  it('is verifying while a server tries', () => {
    expect(after([{ type: 'probe' }])).to.include({ status: 'verifying', probing: 1 })
  })

  it('is reachable after one success, and believed for an hour after three', () => {
    expect(after([yes('a')])).to.include({ status: 'reachable' })
    expect(after([yes('a'), yes('b'), yes('c')])).to.include({ status: 'reachable', wakeAt: 3_600_000 })
  })

  it('needs as many successes as its rules say', () => {
    const strict = { ...rules, required: 2 }

    expect(after([yes('a')], strict)).to.include({ status: 'verifying' })
    expect(after([yes('a'), yes('b')], strict)).to.include({ status: 'reachable' })
  })

  it('is unreachable after two failures more than successes, and tried again after five minutes', () => {
    expect(after([no('a')])).to.include({ status: 'verifying' })
    expect(after([no('a'), no('b')])).to.include({ status: 'unreachable' })
    expect(after([no('a'), no('b'), no('c')])).to.include({ status: 'unreachable', wakeAt: 300_000 })
  })

  it('does not lose what is known to one contradiction', () => {
    expect(after([yes('a'), no('b')])).to.include({ status: 'reachable' })
    expect(after([yes('a'), no('b'), no('c')])).to.include({ status: 'reachable' })
    expect(after([yes('a'), no('b'), no('c'), no('d')])).to.include({ status: 'unreachable' })
  })

  it('is unknown again when it was invalidated', () => {
    expect(after([yes('a'), { type: 'invalidated' }])).to.include({ status: 'unknown', wakeAt: 0 })
  })

  it('waits longer each time there is nobody to ask, and not at all when somebody comes', () => {
    const state = after([{ type: 'exhausted' }, { type: 'exhausted' }])

    expect(state).to.include({ wakeAt: 10_000, status: 'unknown' })
    expect(isUndecidable(state)).to.be.true()
    expect(nextAddressState(state, { type: 'available' }, 1, rules)).to.include({ wakeAt: 1 })
  })

  it('rests after five refusals', () => {
    expect(after(Array.from({ length: 5 }, () => [{ type: 'probe' as const }, { type: 'refused' as const }]).flat())).to.include({ wakeAt: 600_000 })
  })

  it('is not asked about by a network that just voted, nor by more servers than needed', () => {
    const state = after([yes('a')])

    expect(wantsProbe(state, 'a', 0, rules)).to.be.false()
    expect(wantsProbe(state, 'a', 120_000, rules)).to.be.true()
    expect(wantsProbe(state, 'b', 0, rules)).to.be.true()
    expect(wantsProbe(after([yes('a'), { type: 'probe' }, { type: 'probe' }]), 'd', 0, rules)).to.be.false()
  })

  it('is not dialled more than ten times in ten minutes', () => {
    const state = after(Array.from({ length: 10 }, () => [{ type: 'probe' as const }, { type: 'inconclusive' as const }]).flat())

    expect(wantsProbe(state, 'a', 0, rules)).to.be.false()
    expect(wantsProbe(state, 'a', 600_000, rules)).to.be.true()
  })

  it('keeps its counters within bounds, whatever happens', () => {
    const event = fc.oneof(
      fc.constantFrom<AddressEvent>({ type: 'probe' }, { type: 'refused' }, { type: 'inconclusive' }, { type: 'exhausted' }, { type: 'available' }, { type: 'requested' }, { type: 'invalidated' }),
      fc.record({ type: fc.constant('voted' as const), group: fc.constantFrom('a', 'b', 'c'), success: fc.boolean() })
    )

    fc.assert(fc.property(fc.array(event, { maxLength: 60 }), events => {
      const state = after(events)

      expect(state.votes.length).to.be.at.most(rules.window)
      expect(state.probing).to.be.at.least(0)
      expect(Math.abs(confidenceOf(state))).to.be.at.most(rules.targetConfidence)
    }))
  })
})
