import { expect } from 'aegir/chai'
import { fuzz, hexOf, runSeed } from './fuzzer.ts'
import { seeds } from './seeds.ts'

// npm run fuzz gives them more
const RUNS = 5_000
const SEED = 1

describe('parsers of what gateways and servers send', () => {
  it('take every seed', () => {
    seeds.forEach(runSeed)
  })

  it(`take ${RUNS} mutated seeds`, () => {
    const results = fuzz(RUNS, SEED, ({ parser, data, error }) => {
      throw new Error(`${parser} did not take ${hexOf(data)}`, { cause: error })
    })

    expect(results.map(({ parser }) => parser)).to.have.members([...new Set(seeds.map(({ parser }) => parser))])
    expect(results.reduce((sum, { runs }) => sum + runs, 0)).to.equal(RUNS)
    expect(Math.max(...results.map(({ slowest }) => slowest))).to.be.lessThan(5_000)
  }).timeout(60_000)
})
