import { expect } from 'aegir/chai'
import { POLICY_NAMES } from '../../simulate/policy.ts'
import { run } from '../../simulate/run.ts'
import { eclipseRun } from '../../simulate/scenarios.ts'
import type { PolicyName } from '../../simulate/policy.ts'
import type { RunInit } from '../../simulate/run.ts'

const MINUTE = 60_000

function small (policy: PolicyName, changes: Partial<RunInit> = {}): RunInit {
  return {
    ...eclipseRun({ policy, attackers: 400, groups: 8 }),
    maxConnections: 60,
    lowWater: 48,
    honest: 500,
    warmUp: 20 * MINUTE,
    duration: 20 * MINUTE,
    observed: 10 * MINUTE,
    ...changes
  }
}

describe('simulate/run', () => {
  for (const policy of POLICY_NAMES) {
    it(`${policy}: the same seed gives the same result to the last bit, another one does not`, async () => {
      const first = JSON.stringify(await run(small(policy)))

      expect(JSON.stringify(await run(small(policy)))).to.equal(first)
      expect(JSON.stringify(await run(small(policy, { seed: 2 })))).to.not.equal(first)
    })

    it(`${policy}: without an attacker all are honest`, async () => {
      const { counts, isolatedAfter } = await run(small(policy, { attackers: 0 }))

      expect(counts).to.include({ attackerInbound: 0, attackerOutbound: 0 })
      expect(counts.honestOutbound).to.be.closeTo(8, 0.5)
      expect(isolatedAfter).to.be.null()
    })
  }

  it('the same happens before the attack whatever the policy is, as long as there is room', async () => {
    const before = await Promise.all(POLICY_NAMES.map(async policy => (await run(small(policy, { maxConnections: 300, lowWater: 240 }))).before.honestInbound))

    expect(before[0]).to.be.greaterThan(10)

    // who was dialled does not connect, so that a few may differ
    expect(Math.max(...before) - Math.min(...before)).to.be.at.most(4)
  })

  it('our limits hold', async () => {
    const { peak, violations } = await run(small('ours', { groups: 256, attackers: 4_000 }))

    expect(violations).to.be.empty()
    expect(peak).to.be.at.most(60 + 8)
  })
})
