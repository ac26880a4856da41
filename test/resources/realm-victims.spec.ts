import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { chooseRealmVictims } from '../../src/resources/index.ts'

interface Candidate {
  id: string
  realm: string | undefined
  value: number
}

function compare (a: Candidate, b: Candidate): number {
  return a.value - b.value
}

const candidates: Candidate[] = [
  { id: 'best', realm: 'chain', value: 9 },
  { id: 'worst', realm: 'chain', value: 1 },
  { id: 'worst of all', realm: undefined, value: 0 },
  { id: 'middle', realm: 'chain', value: 5 },
  { id: 'of another', realm: 'files', value: 0 }
]

describe('chooseRealmVictims', () => {
  it('takes the worst of the realm, and of no other', () => {
    expect(chooseRealmVictims(candidates, 'chain', 2, compare).map(({ id }) => id)).to.deep.equal(['worst', 'middle'])
  })

  it('takes no more than the realm has', () => {
    expect(chooseRealmVictims(candidates, 'chain', 10, compare).map(({ id }) => id)).to.deep.equal(['worst', 'middle', 'best'])
    expect(chooseRealmVictims(candidates, 'nothing', 1, compare)).to.deep.equal([])
    expect(chooseRealmVictims(candidates, 'chain', 0, compare)).to.deep.equal([])
  })

  it('chooses what sorting them all would', () => {
    const candidate = fc.record({ id: fc.string(), realm: fc.constantFrom('chain', 'files', undefined), value: fc.nat(5) })

    fc.assert(fc.property(fc.array(candidate), fc.nat(20), (candidates, count) => {
      const sorted = candidates.filter(({ realm }) => realm === 'chain').sort(compare)

      expect(chooseRealmVictims(candidates, 'chain', count, compare)).to.deep.equal(sorted.slice(0, count))
    }), { numRuns: 300 })
  })
})
