import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { confidenceOf, isUndecidable, newAddressState, nextAddressState, wantsProbe } from '../../../src/reachability/probing/address-state.ts'
import type { AddressEvent, AddressRules, AddressState } from '../../../src/reachability/probing/address-state.ts'

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
const probe = (group: string): AddressEvent => ({ type: 'probe', group })
const no = (group: string): AddressEvent => ({ type: 'voted', group, success: false })

function after (events: AddressEvent[], using = rules): AddressState {
  return events.reduce((state, event) => nextAddressState(state, event, 0, using), newAddressState(0))
}

describe('address state', () => {
  it('is verifying while a server tries', () => {
    expect(after([probe('a')])).to.deep.include({ status: 'verifying', asking: ['a'] })
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

  it('is not decided by one network, however often its servers are asked', () => {
    const strict = { ...rules, required: 2 }

    expect(after([yes('a'), yes('a'), yes('a')], strict)).to.include({ status: 'verifying' })
    expect(after([no('a'), no('a'), no('a')], strict)).to.include({ status: 'verifying' })
    expect(after([no('a'), no('a'), no('a'), no('b')], strict)).to.include({ status: 'unreachable' })
  })

  it('remembers the networks that got through, until they do not any more', () => {
    const round = [yes('a'), yes('b'), yes('c')]

    expect(after(round).confirmedBy).to.deep.equal(['a', 'b', 'c'])
    expect(after([...round, no('b'), yes('a')]).confirmedBy).to.deep.equal(['c', 'a'])
    expect(after([...round, { type: 'invalidated' }]).confirmedBy).to.be.empty()
  })

  it('is asked about as soon as there is a second network, though one got through', () => {
    const state = after([yes('a'), { type: 'exhausted' }])
    const next = nextAddressState(state, { type: 'available' }, 1, rules)

    expect(next).to.include({ status: 'reachable', wakeAt: 1 })
    expect(wantsProbe(next, 'b', 1, rules)).to.be.true()
    expect(after([yes('a'), yes('b'), { type: 'exhausted' }])).to.include({ wakeAt: 3_600_000 })
  })

  it('is not asked about by two servers of one network at once', () => {
    const state = after([probe('a')])

    expect(wantsProbe(state, 'a', 0, rules)).to.be.false()
    expect(wantsProbe(state, 'b', 0, rules)).to.be.true()
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
    expect(after(Array.from({ length: 5 }, () => [probe('a'), { type: 'refused' as const, group: 'a' }]).flat())).to.include({ wakeAt: 600_000 })
  })

  it('is not asked about by a network that just voted, nor by more servers than needed', () => {
    const state = after([no('a')])

    expect(wantsProbe(state, 'a', 0, rules)).to.be.false()
    expect(wantsProbe(state, 'a', 120_000, rules)).to.be.true()
    expect(wantsProbe(after([yes('a')]), 'a', 3_599_999, rules)).to.be.false()
    expect(wantsProbe(after([yes('a')]), 'a', 3_600_000, rules)).to.be.true()
    expect(wantsProbe(state, 'b', 0, rules)).to.be.true()
    expect(wantsProbe(after([yes('a'), probe('b'), probe('c')]), 'd', 0, rules)).to.be.false()
  })

  it('is not dialled more than ten times in ten minutes', () => {
    const state = after(Array.from({ length: 10 }, () => [probe('a'), { type: 'inconclusive' as const, group: 'a' }]).flat())

    expect(wantsProbe(state, 'a', 0, rules)).to.be.false()
    expect(wantsProbe(state, 'a', 600_000, rules)).to.be.true()
  })

  it('keeps its counters within bounds, whatever happens', () => {
    const event = fc.oneof(
      fc.constantFrom<AddressEvent>(probe('a'), { type: 'refused', group: 'a' }, { type: 'inconclusive', group: 'b' }, { type: 'exhausted' }, { type: 'available' }, { type: 'requested' }, { type: 'invalidated' }),
      fc.record({ type: fc.constant('voted' as const), group: fc.constantFrom('a', 'b', 'c'), success: fc.boolean() })
    )

    fc.assert(fc.property(fc.array(event, { maxLength: 60 }), events => {
      const state = after(events)

      expect(state.votes.length).to.be.at.most(rules.window)
      expect(new Set(state.votes.map(({ group }) => group)).size).to.equal(state.votes.length)
      expect(state.confirmedBy.length).to.be.at.most(rules.window)
      expect(Math.abs(confidenceOf(state))).to.be.at.most(rules.targetConfidence)
    }))
  })
})
