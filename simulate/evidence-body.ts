import { markdownTable } from '../bench/evidence.ts'
import { ECLIPSE_FIGURES } from './figures.ts'
import { POLICY_NAMES } from './policy.ts'
import { HONEST } from './scenarios.ts'
import type { PolicyName } from './policy.ts'
import type { Outcome } from './pool.ts'

/**
 * What the page with the evidence says of the simulation
 */
export function evidenceBody (outcomes: readonly Outcome[], elapsed: number): string {
  const eclipse = outcomes.filter(({ scenario }) => scenario === 'eclipse')
  const strongest = Math.max(...eclipse.map(({ strength }) => strength))
  const atStrongest = eclipse.filter(({ strength }) => strength === strongest)
  const rows = [...new Set(atStrongest.map(({ panel }) => panel))].flatMap(panel => ECLIPSE_FIGURES.map(({ format, title, value }) => [
    panel,
    title,
    ...POLICY_NAMES.map(policy => {
      const outcome = atStrongest.find(({ init, panel: other }) => init.policy === policy && other === panel)

      return outcome == null ? '' : format(value(outcome))
    })
  ]))

  return [
    `${HONEST.toLocaleString('en')} honest nodes and up to ${strongest.toLocaleString('en')} addresses of an attacker; these are the runs with most of them. All are in [simulation.md](simulation.md).`,
    markdownTable(['attacker', '', ...POLICY_NAMES], rows),
    `${outcomes.length} runs in ${(elapsed / 1_000).toFixed(0)} s. Processor time per event: ${POLICY_NAMES.map(policy => `${policy} ${eventCost(outcomes, policy).toFixed(1)} µs`).join(', ')}.`
  ].join('\n\n')
}

function eventCost (outcomes: readonly Outcome[], policy: PolicyName): number {
  const own = outcomes.filter(({ init }) => init.policy === policy)

  return own.reduce((sum, { busy }) => sum + busy, 0) * 1_000 / own.reduce((sum, { result }) => sum + result.events, 0)
}
