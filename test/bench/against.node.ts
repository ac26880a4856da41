import { expect } from 'aegir/chai'
import { againstTable, comparisons } from '../../bench/against.ts'

describe('bench/against', () => {
  const rows = comparisons([{ accept: 1 }, { accept: 2 }, { accept: 4 }], [{ accept: 2 }, { accept: 3 }, { accept: 4 }])

  it('compares the figures of each turn with those of the same turn', () => {
    expect(rows).to.deep.equal([{ name: 'accept', before: 2, after: 3, ratio: 1.5, lowest: 1, highest: 2 }])
  })

  it('prints the ratio with its spread', () => {
    expect(againstTable(rows).split('\n')[1].split(/\s+/)).to.deep.equal(['accept', '2.00', '3.00', '1.50', '1.00', '2.00'])
  })
})
