import { expect } from 'aegir/chai'
import { goals } from '../../bench/goals.ts'
import { compare, median } from '../../bench/measure.ts'
import { table } from '../../bench/table.ts'
import type { Results, Row } from '../../bench/goals.ts'

function rows (ours: number, libp2p: number): Row[] {
  return [
    { n: 1_000, ours_us: ours, libp2p_us: libp2p, ratio: libp2p / ours },
    { n: 5_000, ours_us: ours, libp2p_us: libp2p, ratio: libp2p / ours },
    { n: 20_000, ours_us: ours, libp2p_us: null, ratio: null }
  ]
}

describe('bench', () => {
  const good: Results = {
    accept: rows(1, 1_000),
    open: rows(20, 10_000),
    trim: rows(2_000, 100_000),
    trimWithRegistrar: rows(2_000, 20_000),
    choose: { n: 100_000, count: 10_000, choose_ms: 50, block_ms: 10 },
    memory: { n: 20_000, ours_bytes: 1_600, libp2p_bytes: 600 },
    resources: [],
    gating: [],
    dial: {
      ours: { clean_ms: 8, oneDead_ms: 40, twoDead_ms: 50 },
      libp2p: { clean_ms: 8, oneDead_ms: 6_000, twoDead_ms: null }
    },
    enqueue: { ours_us: 5, libp2p_us: 50 }
  }

  it('says that all goals are reached', () => {
    expect(goals(good).filter(({ reached }) => !reached)).to.be.empty()
    expect(table(good, goals(good)).split('\n').at(-1)).to.equal('all 11 goals are reached')
  })

  it('says which goals are missed, at any n', () => {
    const slow = { ...good, accept: [...good.accept, { n: 100_000, ours_us: 2.1, libp2p_us: null, ratio: null }] }

    expect(goals(slow).filter(({ reached }) => !reached)).to.deep.equal([
      { goal: 'accept takes at most 2 µs at every n', reached: false, measured: '2.10 µs' }
    ])
    expect(table(slow, goals(slow)).split('\n').at(-1)).to.equal('10 of 11 goals are reached, missed: accept takes at most 2 µs at every n')
  })

  it('misses a dial that failed, and one that took too long', () => {
    const ours = { clean_ms: 8, oneDead_ms: 401, twoDead_ms: null }
    const bad = { ...good, dial: { ...good.dial, ours }, enqueue: { ours_us: 10.1, libp2p_us: 50 } }

    expect(goals(bad).filter(({ reached }) => !reached).map(({ measured }) => measured)).to.deep.equal(['401 ms', 'it failed', '10.10 µs'])
  })

  it('says that a dial failed, in the table', () => {
    expect(table(good, goals(good))).to.match(/two +50 ms +fails +-/)
  })

  it('says of every figure whether it is reached', () => {
    const figures = {
      resources: [{ name: 'stream', unit: 'µs' as const, target: 2, measured: 2 }],
      gating: [{ name: 'choosing', unit: 'ms' as const, target: 10, measured: 10.5 }]
    }

    expect(goals({ ...good, ...figures }).slice(-2)).to.deep.equal([
      { goal: 'stream: at most 2 µs', reached: true, measured: '2 µs' },
      { goal: 'choosing: at most 10 ms', reached: false, measured: '10.5 ms' }
    ])
  })

  it('misses a goal that was not measured', () => {
    const [, accept] = goals({ ...good, accept: [{ n: 1_000, ours_us: 1, libp2p_us: null, ratio: null }] })

    expect(accept).to.have.property('reached', false)
  })

  it('takes the median of all rounds but the first', async () => {
    const taken = [100, 100, 100, 3, 1, 2]
    const result = await compare([{ name: 'ours', round: async () => taken.shift() ?? 0 }], 3)

    expect(result).to.deep.equal({ ours: 2 })
  })

  it('lets the sides take turns in being the first', async () => {
    const order: string[] = []
    const side = (name: string): { name: string, round(): Promise<number> } => ({ name, round: async () => order.push(name) })
    await compare([side('a'), side('b')], 2, 0)

    expect(order.join('')).to.equal('abba')
  })

  it('takes the mean of the two in the middle', () => {
    expect(median([4, 1, 3, 2])).to.equal(2.5)
    expect(median([3, 1, 2])).to.equal(2)
  })
})
