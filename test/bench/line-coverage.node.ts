import { expect } from 'aegir/chai'
import { codeLines, linesOf, ranges, roomOf } from '../../bench/line-coverage.ts'

const SOURCE = `import type { Clock } from './clock.ts'
import { now } from './now.ts'

/**
 * It says when it is
 */
export interface Told {
  at: number
}

export function tell (told?: Told): number {
  // the caller knows better
  return told?.at ?? [
    now()
  ][0]
}
`

describe('bench/line-coverage', () => {
  it('takes lines for code that do something when they run', () => {
    expect(codeLines(SOURCE)).to.deep.equal([2, 11, 13, 14, 15])
  })

  it('says which of them have not run', () => {
    const coverage = {
      statementMap: { 0: { start: { line: 2 } }, 1: { start: { line: 11 } }, 2: { start: { line: 13 } }, 3: { start: { line: 14 } }, 4: { start: { line: 15 } } },
      s: { 0: 1, 1: 3, 2: 3, 3: 0, 4: 0 }
    }

    expect(linesOf('tell.ts', SOURCE, coverage)).to.deep.equal({ file: 'tell.ts', lines: 5, missed: [14, 15] })
  })

  it('takes a file that was never loaded for one of which nothing has run', () => {
    expect(linesOf('tell.ts', SOURCE).missed).to.deep.equal([2, 11, 13, 14, 15])
  })

  it('counts the lines of a room, not its files', () => {
    const files = [{ file: 'a.ts', lines: 290, missed: [] }, { file: 'b.ts', lines: 10, missed: [1, 2, 3] }]

    expect(roomOf('resources', files)).to.deep.equal({ room: 'resources', files: 2, lines: 300, covered: 297, percent: 99 })
  })

  it('has nothing to complain of where there is no code', () => {
    expect(roomOf('types', [])).to.deep.equal({ room: 'types', files: 0, lines: 0, covered: 0, percent: 100 })
  })

  it('writes neighbouring lines as one range', () => {
    expect(ranges([1, 3, 4, 5, 9, 10])).to.equal('1, 3-5, 9-10')
    expect(ranges([])).to.equal('')
  })
})
