import { expect } from 'aegir/chai'
import { DecisionReader } from '../../src/inspector/decisions.ts'
import type { Decision } from '../../src/index.ts'

describe('inspector/decisions', () => {
  let decisions: Decision[]
  let reader: DecisionReader

  beforeEach(() => {
    decisions = []
    reader = new DecisionReader({ decisions: ({ since = -Infinity } = {}) => decisions.filter(({ time }) => time >= since) })
  })

  function decide (time: number, reason: string): void {
    decisions.push({ time, kind: 'refuse', reason, details: {} })
  }

  function read (now: number): string[] {
    return reader.read(now).map(({ reason }) => reason)
  }

  it('tells every decision once, those of one millisecond included', () => {
    decide(1, 'a')
    decide(1, 'b')
    expect(read(1)).to.deep.equal(['a', 'b'])
    expect(read(1)).to.deep.equal([])

    decide(1, 'c')
    decide(2, 'd')
    expect(read(2)).to.deep.equal(['c', 'd'])

    decide(2, 'e')
    expect(read(3)).to.deep.equal(['e'])
    expect(read(4)).to.deep.equal([])
  })

  it('numbers them, and remembers the last ones', () => {
    decide(1, 'a')
    reader.read(1)
    decide(2, 'b')
    reader.read(2)

    expect(reader.list().map(({ id, reason }) => [id, reason])).to.deep.equal([[1, 'a'], [2, 'b']])
  })

  it('tells the last 500 in a flood', () => {
    for (let i = 0; i < 2_000; i++) {
      decide(1, `${i}`)
    }

    const told = read(1)
    expect(told).to.have.lengthOf(500)
    expect(told.at(-1)).to.equal('1999')
    expect(reader.list()).to.have.lengthOf(500)
    expect(read(1)).to.deep.equal([])
  })

  it('goes on when the clock is set back', () => {
    decide(1_000, 'before')
    expect(read(1_000)).to.deep.equal(['before'])

    decisions = []
    decide(10, 'after')
    expect(read(10)).to.deep.equal(['after'])
    expect(read(11)).to.deep.equal([])
  })
})
