import { expect } from 'aegir/chai'
import { worseThan } from '../../src/wiring/realm-victims.ts'
import type { RealmCandidate, RealmNewcomer } from '../../src/wiring/realm-victims.ts'

let nextId = 0

function candidate (init: Partial<RealmCandidate> = {}): RealmCandidate {
  const id = `${nextId++}`

  return { id, value: 0, duplicate: false, streams: 0, direction: 'inbound', openedAt: 0, isClaimed: true, network: `network ${id}`, host: `host ${id}`, ...init }
}

function newcomer (init: Partial<RealmNewcomer> = {}): RealmNewcomer {
  return { value: 0, isProtected: false, isClaimed: true, isDialled: false, origins: [{ network: 'new', host: 'new' }], ...init }
}

function chosen (who: RealmNewcomer, members: RealmCandidate[], count = 1): number[] {
  return worseThan(who, members, members, count).map(victim => members.indexOf(victim))
}

describe('wiring: who leaves a full realm for a newcomer', () => {
  it('is nobody, where the newcomer is no better than the others', () => {
    expect(chosen(newcomer(), [candidate(), candidate()])).to.deep.equal([])
    expect(chosen(newcomer({ value: 1 }), [candidate({ value: 2 })])).to.deep.equal([])
  })

  it('is the least valuable one, if it is worth less', () => {
    expect(chosen(newcomer({ value: 3 }), [candidate({ value: 2 }), candidate({ value: 1 }), candidate({ value: 3 })])).to.deep.equal([1])
  })

  it('is one of the most populous network, if the newcomer is of another', () => {
    const many = [candidate({ network: 'a' }), candidate({ network: 'a' })]
    const members = [candidate(), ...many]

    expect(chosen(newcomer(), members)).to.have.lengthOf(1).and.not.include(0)
    expect(chosen(newcomer({ origins: [{ network: 'a', host: 'new' }] }), members)).to.deep.equal([])
    // one each is as diverse as it was
    expect(chosen(newcomer({ origins: [{ network: members[0].network, host: 'new' }] }), members)).to.deep.equal([])
  })

  it('is one of the host with most, if all are of one network', () => {
    const members = [candidate({ network: 'a', host: '1' }), candidate({ network: 'a', host: '1' }), candidate({ network: 'a', host: '2' })]

    expect(chosen(newcomer({ origins: [{ network: 'a', host: '3' }] }), members)).to.have.lengthOf(1).and.not.include(2)
    expect(chosen(newcomer({ origins: [{ network: 'a', host: '1' }] }), members)).to.deep.equal([])
    expect(chosen(newcomer({ origins: [{ network: 'a', host: '2' }] }), members)).to.deep.equal([])
  })

  it('is one that merely claims to be of the realm, for one that was put into it, and never the other way round', () => {
    const member = candidate({ isClaimed: false, network: 'a' })

    expect(chosen(newcomer({ isClaimed: false }), [member, candidate()])).to.deep.equal([1])
    expect(chosen(newcomer(), [member, candidate({ isClaimed: false, network: 'a' })])).to.deep.equal([])
  })

  it('is one of equal value for a peer that is dialled, and anybody for one that is protected', () => {
    expect(chosen(newcomer({ isDialled: true }), [candidate()])).to.deep.equal([0])
    expect(chosen(newcomer({ isDialled: true }), [candidate({ value: 1 })])).to.deep.equal([])
    expect(chosen(newcomer({ isProtected: true }), [candidate({ value: 2 }), candidate({ value: 1 })])).to.deep.equal([1])
  })

  it('is a further connection of a peer before all others', () => {
    expect(chosen(newcomer(), [candidate({ value: 1, duplicate: true }), candidate()])).to.deep.equal([0])
  })

  it('is nobody, unless as many are worse as have to go', () => {
    const members = [candidate({ value: 1 }), candidate({ value: 3 })]

    expect(chosen(newcomer({ value: 2 }), members, 2)).to.deep.equal([])
    expect(chosen(newcomer({ value: 4 }), members, 2)).to.deep.equal([0, 1])
  })
})
