import { expect } from 'aegir/chai'
import { withPart } from '../../simulate/page.ts'
import { plainTable, tableOf } from '../../simulate/tables.ts'
import type { FigureKind } from '../../simulate/figures.ts'
import type { Outcome } from '../../simulate/pool.ts'

const KIND: FigureKind = { name: 'x', title: 'X', max: 1, value: ({ result }) => result.honestAccepted, format: value => `${value}` }

function outcome (policy: string, strength: number, honestAccepted: number): Outcome {
  return { scenario: 'eclipse', strength, panel: 'p', init: { policy }, result: { honestAccepted } } as unknown as Outcome
}

describe('simulate/page', () => {
  it('replaces what is between the markers, and nothing else', () => {
    const page = 'before\n<!-- a -->\nold\n<!-- end of a -->\nafter'

    expect(withPart(page, 'a', 'new')).to.equal('before\n<!-- a -->\nnew\n<!-- end of a -->\nafter')
    expect(withPart(withPart(page, 'a', 'new'), 'a', 'old')).to.equal(page)
  })

  it('does not write a page without markers', () => {
    expect(() => withPart('text', 'a', 'new')).to.throw('no markers for a')
  })

  it('has a row for each strength, and a column for each policy', () => {
    const table = tableOf([outcome('ours', 1_000, 1), outcome('random', 1_000, 0.5), outcome('ours', 10, 0.25)], 'eclipse', ['network', 'addresses'], KIND)

    expect(table).to.deep.equal({
      head: ['network', 'addresses', 'ours', 'libp2p', 'go-libp2p', 'random'],
      rows: [['p', '1,000', '1', '', '', '0.5'], ['p', '10', '0.25', '', '', '']]
    })
    expect(plainTable(table).split('\n').map(line => line.trim().split(/ {2,}/))).to.deep.equal([
      table.head,
      ['p', '1,000', '1', '0.5'],
      ['p', '10', '0.25']
    ])
  })
})
