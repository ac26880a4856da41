import { expect } from 'aegir/chai'
import { nextNodeState, UNKNOWN_NODE } from '../../src/reachability/node-state.ts'
import type { NodeAddressVerdict, NodeInputs, NodeState } from '../../src/reachability/node-state.ts'

const SETTLE = 10_000

function address (status: NodeAddressVerdict['status'], more: Partial<NodeAddressVerdict> = {}): NodeAddressVerdict {
  return { family: 4, status, origin: 'mapped', confirmedBy: ['a', 'b'], isUndecidable: false, ...more }
}

function inputs (addresses: NodeAddressVerdict[], more: Partial<NodeInputs> = {}): NodeInputs {
  return { addresses, requiredNetworks: 2, hasServers: true, lacksGateway: false, isDoubleNAT: false, ...more }
}

function from (state: NodeState, now: number, given: NodeInputs): NodeState {
  return nextNodeState(state, given, now, SETTLE)
}

describe('node state', () => {
  const reachable = from(UNKNOWN_NODE, 0, inputs([address('reachable')]))

  it('is public at the first address that two networks dialled', () => {
    expect(reachable).to.deep.include({ state: 'public', reason: 'mapped', ip4: { state: 'public' }, ip6: { state: 'unknown' } })
    expect(from(UNKNOWN_NODE, 0, inputs([address('unreachable'), address('reachable', { family: 6, origin: 'direct' })]))).to.deep.include({ state: 'public', reason: 'direct', ip4: { state: 'private' } })
  })

  it('is not public because of what servers of one network say', () => {
    const once = [address('reachable', { confirmedBy: ['a'] }), address('reachable', { confirmedBy: ['a'] })]

    expect(from(UNKNOWN_NODE, 0, inputs(once))).to.deep.include({ state: 'unknown', ip4: { state: 'unknown' } })
    expect(from(UNKNOWN_NODE, 0, inputs([...once, address('reachable', { family: 6, confirmedBy: ['b'] })]))).to.include({ state: 'unknown' })
    expect(from(UNKNOWN_NODE, 0, inputs([...once, address('unreachable', { confirmedBy: ['b'] })]))).to.include({ state: 'unknown' })
    expect(from(UNKNOWN_NODE, 0, inputs([...once, address('reachable', { confirmedBy: ['b'] })]))).to.include({ state: 'public' })
    expect(from(reachable, SETTLE, inputs(once))).to.include({ state: 'public', wakeAt: undefined })
  })

  it('is private when no address can be dialled', () => {
    expect(from(UNKNOWN_NODE, 0, inputs([address('unreachable'), address('verifying')]))).to.include({ state: 'unknown' })
    expect(from(UNKNOWN_NODE, 0, inputs([address('unreachable')]))).to.include({ state: 'private', reason: 'unreachable' })
  })

  it('does not wait for addresses that nobody can say anything about', () => {
    expect(from(UNKNOWN_NODE, 0, inputs([address('unreachable'), address('unknown', { isUndecidable: true })]))).to.include({ state: 'private' })
    expect(from(UNKNOWN_NODE, 0, inputs([address('unknown', { isUndecidable: true })]))).to.include({ state: 'unknown' })
  })

  it('turns private only after worse news held for a while', () => {
    const settling = from(reachable, 1_000, inputs([address('unreachable')]))
    expect(settling).to.include({ state: 'public', wakeAt: 11_000 })
    expect(from(settling, 10_999, inputs([address('unreachable')]))).to.include({ state: 'public' })
    expect(from(settling, 11_000, inputs([address('unreachable')]))).to.include({ state: 'private' })
  })

  it('does not flap when the mapping comes back in time', () => {
    const withdrawn = from(reachable, 0, inputs([]))
    const back = from(withdrawn, 5_000, inputs([address('reachable')]))

    expect(withdrawn).to.include({ state: 'public' })
    expect(back).to.include({ state: 'public' })
    expect(back.wakeAt).to.be.undefined()
  })

  it('turns private after the last mapping was withdrawn', () => {
    expect(from(from(reachable, 0, inputs([])), 10_000, inputs([]))).to.include({ state: 'private' })
  })

  it('stays what it was while a new address is verified', () => {
    expect(from(reachable, 0, inputs([address('verifying')]))).to.include({ state: 'public' })
  })

  it('turns public at once', () => {
    const unreachable = from(UNKNOWN_NODE, 0, inputs([address('unreachable')]))

    expect(from(unreachable, 0, inputs([address('reachable', { origin: 'forwarded' })]))).to.include({ state: 'public', reason: 'forwarded' })
  })

  it('is unknown when nobody can be asked', () => {
    const silent = inputs([address('unknown')], { hasServers: false })

    expect(from(UNKNOWN_NODE, 0, silent)).to.include({ state: 'unknown', reason: 'no-servers' })
    expect(from(from(reachable, 0, silent), SETTLE, silent)).to.include({ state: 'unknown', reason: 'no-servers' })
  })

  it('tells why it is private', () => {
    expect(from(UNKNOWN_NODE, 0, inputs([address('unreachable')], { isDoubleNAT: true }))).to.include({ reason: 'double-nat' })
    expect(from(UNKNOWN_NODE, 0, inputs([address('unreachable', { origin: 'forwarded' })], { lacksGateway: true }))).to.include({ reason: 'no-gateway' })
    expect(from(UNKNOWN_NODE, 0, inputs([address('unreachable', { origin: 'direct' })], { lacksGateway: true }))).to.include({ reason: 'unreachable' })
  })
})
