import { expect } from 'aegir/chai'
import { runAll } from '../../simulate/pool.ts'
import { eclipseRun } from '../../simulate/scenarios.ts'
import type { Job } from '../../simulate/scenarios.ts'

const MINUTE = 60_000

function job (strength: number, panel: string): Job {
  return {
    scenario: 'eclipse',
    strength,
    panel,
    init: { ...eclipseRun({ policy: 'libp2p', attackers: strength, groups: 4 }), honest: 200, warmUp: 5 * MINUTE, duration: 5 * MINUTE, observed: MINUTE }
  }
}

describe('simulate/pool', () => {
  it('outcomes are in the order of the jobs, and the same with any number of threads', async () => {
    const jobs = [job(100, 'a'), job(300, 'a'), job(200, 'a')]
    const results = await Promise.all([1, 3].map(async threads => (await runAll(jobs, threads)).map(({ result, strength }) => ({ result, strength }))))

    expect(results[0].map(({ strength }) => strength)).to.deep.equal([100, 300, 200])
    expect(results[1]).to.deep.equal(results[0])
  })

  it('runs what is the same only once', async () => {
    const counts: number[] = []
    const outcomes = await runAll([job(100, 'a'), job(100, 'b')], 2, (_, count) => { counts.push(count) })

    expect(outcomes.map(({ panel }) => panel)).to.deep.equal(['a', 'b'])
    expect(outcomes[0].result).to.deep.equal(outcomes[1].result)
    expect(counts).to.deep.equal([1])
  })

  it('passes on what a run fails with', async () => {
    const broken = job(100, 'a')
    const error = await runAll([{ ...broken, init: { ...broken.init, honest: -1 } }], 1).catch((err: Error) => err)

    expect(error).to.be.an('error')
  })
})
