import { expect } from 'aegir/chai'
import { machine, markdownTable, withSection } from '../../bench/evidence.ts'

describe('the page of evidence', () => {
  const soak = { name: 'soak', title: 'Soak', command: 'npm run soak', body: 'flat' } as const
  const bench = { name: 'bench', title: 'Bench', command: 'npm run bench', body: 'fast' } as const

  it('has a section with its command and what it was measured on', () => {
    expect(withSection('', soak, 'a machine')).to.include('## Soak\n\n`npm run soak`, a machine\n\nflat\n')
  })

  it('has its sections in their order, whichever was written first', () => {
    const page = withSection(withSection('', soak, ''), bench, '')

    expect(page.indexOf('## Bench')).to.be.greaterThan(0).and.lessThan(page.indexOf('## Soak'))
  })

  it('replaces what a command has said, and leaves the rest', () => {
    const page = withSection(withSection('', soak, ''), bench, '')
    const after = withSection(page, { ...soak, body: 'rising' }, '')

    expect(after).to.equal(page.replace('flat', 'rising'))
  })

  it('tells what it was measured with', () => {
    expect(machine(['Go 1.24'])).to.match(/^\d{4}-\d\d-\d\d, \d+ cores of .+, \d+ GiB, .+, Node v\d+.+, libp2p 3\.\d+\.\d+, Go 1\.24$/)
  })

  it('has tables', () => {
    expect(markdownTable(['n', 'µs'], [['1', '2']])).to.equal('| n | µs |\n| --- | --- |\n| 1 | 2 |')
  })
})
