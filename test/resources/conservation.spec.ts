import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { OPERATIONS, ResourceRun } from './fixtures/resource-run.ts'
import { scopesOf, usagesOf } from './fixtures/usages.ts'
import type { Step } from './fixtures/resource-run.ts'
import type { ScopeStat, Usage } from '../../src/resources/index.ts'

const STEPS = 100_000

const FIELDS = ['connections', 'connectionsInbound', 'connectionsOutbound', 'fileDescriptors', 'streams', 'streamsInbound', 'streamsOutbound', 'memory'] as const

const steps: fc.Arbitrary<Step[]> = fc.array(fc.tuple(fc.constantFrom(...OPERATIONS), fc.nat(255), fc.nat(255), fc.nat(255)), { minLength: 1, maxLength: 800, size: 'max' })

/**
 * What is more than its limit, as `scope field`
 */
function exceeded (scopes: Record<string, ScopeStat>): Map<string, number> {
  const found = new Map<string, number>()

  for (const [name, { usage, limits }] of Object.entries(scopes)) {
    for (const field of FIELDS) {
      const limit = limits[field]

      if (typeof limit === 'number' && usage[field] > limit) {
        found.set(`${name} ${field}`, usage[field])
      }
    }
  }

  return found
}

function same (a: Record<string, Usage>, b: Record<string, Usage>): boolean {
  const names = Object.keys(a)

  return names.length === Object.keys(b).length &&
    names.every(name => b[name] != null && FIELDS.every(field => a[name][field] === b[name][field]))
}

describe('conservation', function () {
  this.timeout(300_000)

  it('what every scope uses is what is open under it, after every step of any history', () => {
    const count = { done: 0, refused: 0 }
    const property = fc.property(steps, steps => {
      const run = new ResourceRun()
      const { resources, model } = run
      let before = usagesOf(resources.stat())
      let exceededBefore = exceeded(scopesOf(resources.stat()))

      for (const step of steps) {
        const allowed = run.step(step)
        const stat = resources.stat()
        const actual = usagesOf(stat)
        const expected = allowed ? model.usages() : before
        count.done++
        count.refused += allowed ? 0 : 1

        // what was refused has changed nothing
        if (!same(actual, expected)) {
          expect(actual).to.deep.equal(expected)
        }

        if (stat.unusedReserve !== run.unusedReserve(stat)) {
          expect(stat.unusedReserve).to.equal(run.unusedReserve(stat))
        }

        // a lowered limit is held as soon as enough has closed, and nothing is let in until then
        const exceededNow = exceeded(scopesOf(stat))

        for (const [field, usage] of exceededNow) {
          if (step[0] !== 'limit' && usage > (exceededBefore.get(field) ?? -1)) {
            expect.fail(`${field} rose to ${usage}, from ${exceededBefore.get(field) ?? 'within its limit'}, by step ${step.join()}`)
          }
        }

        before = actual
        exceededBefore = exceededNow
      }

      run.close()
      expect(Object.keys(usagesOf(resources.stat()))).to.deep.equal(['system', 'transient', 'allowListed', 'allowListedTransient'])
      expect(Object.values(usagesOf(resources.stat())).flatMap(usage => Object.values(usage)).every(count => count === 0)).to.equal(true)
    })

    while (count.done < STEPS) {
      // what fails is made smaller for as long
      fc.assert(property, { numRuns: 50, interruptAfterTimeLimit: 30_000 })
    }

    expect(count.refused / count.done).to.be.within(0.05, 0.8)
  })
})
