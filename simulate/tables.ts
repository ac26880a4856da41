import { POLICY_NAMES } from './policy.ts'
import type { FigureKind } from './figures.ts'
import type { Outcome } from './pool.ts'
import type { ScenarioName } from './scenarios.ts'

export interface Table {
  readonly head: string[]
  readonly rows: string[][]
}

/**
 * One row for each panel and strength of a scenario, one column for each policy
 */
export function tableOf (outcomes: readonly Outcome[], scenario: ScenarioName, labels: readonly [string, string], { format, value }: FigureKind): Table {
  const rows = new Map<string, Map<string, string>>()

  for (const outcome of outcomes) {
    if (outcome.scenario === scenario) {
      const key = `${outcome.panel}|${outcome.strength.toLocaleString('en')}`
      const row = rows.get(key) ?? new Map<string, string>()
      row.set(outcome.init.policy, format(value(outcome)))
      rows.set(key, row)
    }
  }

  return {
    head: [...labels, ...POLICY_NAMES],
    rows: [...rows].map(([key, row]) => [...key.split('|'), ...POLICY_NAMES.map(policy => row.get(policy) ?? '')])
  }
}

/**
 * A table for the terminal
 */
export function plainTable ({ head, rows }: Table): string {
  const widths = head.map((_, column) => Math.max(...[head, ...rows].map(row => row[column].length)))

  return [head, ...rows].map(row => row.map((cell, column) => column === 0 ? cell.padEnd(widths[column]) : cell.padStart(widths[column])).join('   ')).join('\n')
}
