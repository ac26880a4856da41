import { ECLIPSE_FIGURES, FLOOD_FIGURES } from '../figures.ts'
import { POLICY_NAMES } from '../policy.ts'
import { lineChart } from './line-chart.ts'
import type { FigureKind } from '../figures.ts'
import type { Outcome } from '../pool.ts'
import type { ScenarioName } from '../scenarios.ts'
import type { LineChart } from './line-chart.ts'

/**
 * What the panels of a scenario are called, and its x axis
 */
const SCENARIOS: Readonly<Record<ScenarioName, { readonly xLabel: string, readonly figures: readonly FigureKind[] }>> = {
  eclipse: { xLabel: 'addresses of the attacker, who is as useful as honest nodes', figures: ECLIPSE_FIGURES },
  effort: { xLabel: 'addresses of the attacker, in 256 networks', figures: ECLIPSE_FIGURES },
  flood: { xLabel: 'inbound connections of the attacker per second', figures: FLOOD_FIGURES }
}

/**
 * All charts, by the name of their file
 */
export function charts (outcomes: readonly Outcome[]): Map<string, string> {
  const files = new Map<string, string>()

  for (const [name, { figures, xLabel }] of Object.entries(SCENARIOS)) {
    const ofScenario = outcomes.filter(({ scenario }) => scenario === name)

    for (const kind of ofScenario.length === 0 ? [] : figures) {
      files.set(`${name}-${kind.name}.svg`, lineChart(chartOf(ofScenario, kind, xLabel)))
    }
  }

  return files
}

function chartOf (outcomes: readonly Outcome[], { format, max: limit, title, value }: FigureKind, xLabel: string): LineChart {
  const panels = [...new Set(outcomes.map(({ panel }) => panel))]

  // half of the height would be empty
  const max = outcomes.every(outcome => (value(outcome) ?? Infinity) <= limit / 2) ? limit / 2 : limit

  return {
    title,
    xLabel,
    xTicks: [...new Set(outcomes.map(({ strength }) => strength))].sort((a, b) => a - b),
    yMax: max,
    yTicks: [0, max / 4, max / 2, max * 3 / 4, max],
    formatY: format,
    hasNever: outcomes.some(outcome => value(outcome) == null),
    panels: panels.map(panel => ({
      title: panel,
      series: POLICY_NAMES.map(policy => ({
        name: policy,
        points: outcomes
          .filter(outcome => outcome.panel === panel && outcome.init.policy === policy)
          .map(outcome => ({ x: outcome.strength, y: value(outcome) }))
      }))
    }))
  }
}
