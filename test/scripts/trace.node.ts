import { expect } from 'aegir/chai'
import { instrumented } from '../../scripts/trace/instrument.ts'
import { traceLines, withTrace } from '../../scripts/trace/page.ts'

const WAYS = { inbound: ['a.ts', 'b.ts'], dial: ['b.ts'], tag: ['c.ts'], stream: [], trim: ['d.ts'] }

describe('scripts/trace', () => {
  it('has every function with a body tell of its file when it is called, and of nothing else', async () => {
    const source = instrumented('export function outer (): number { return [1].map(value => { return value })[0] }\nexport class A { constructor () { this.b() } b (): void {} }', 'a.ts')
    const { outer, A } = await import(`data:text/javascript,${encodeURIComponent(source)}`)
    const entered: string[] = []
    globalThis.enteredFile = file => { entered.push(file) }

    try {
      expect(outer()).to.equal(1)
      expect(entered).to.deep.equal(['a.ts', 'a.ts'])
      expect(new A()).to.be.ok()
      expect(entered).to.have.lengthOf(4)
    } finally {
      globalThis.enteredFile = undefined
    }
  })

  it('says which ways lead through too many files', () => {
    const lines = traceLines(WAYS, { inbound: 1, dial: 1, tag: 1, stream: 1, trim: 1 }).split('\n')

    expect(lines.filter(line => line.startsWith('✘'))).to.deep.equal(['✘ inbound: 2 files, at most 1'])
  })

  it('puts the lists where they were on the page, or at its end', () => {
    const page = withTrace('# Page\n', WAYS)

    expect(page).to.include('- **An inbound connection** (2): `a.ts`, `b.ts`')
    expect(withTrace(`${page}\nmore\n`, { ...WAYS, inbound: ['z.ts'] })).to.match(/\*\*An inbound connection\*\* \(1\): `z\.ts`[\s\S]*\nmore\n/)
  })
})
