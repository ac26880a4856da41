import fs from 'node:fs/promises'
import { markdownTable } from '../bench/evidence.ts'
import { ECLIPSE_FIGURES, FLOOD_FIGURES } from './figures.ts'
import { charts } from './plot/charts.ts'
import { tableOf } from './tables.ts'
import type { FigureKind } from './figures.ts'
import type { Outcome } from './pool.ts'
import type { ScenarioName } from './scenarios.ts'

const PAGE = new URL('../docs/simulation.md', import.meta.url)
const PLOTS = new URL('../docs/simulation/', import.meta.url)

/**
 * What the first two columns of the tables of a scenario are called
 */
export const COLUMNS: Readonly<Record<ScenarioName, readonly [string, string]>> = {
  eclipse: ['networks', 'addresses'],
  effort: ['attacker', 'addresses'],
  flood: ['flood', 'per second']
}

export const SCENARIO_FIGURES: Readonly<Record<ScenarioName, readonly FigureKind[]>> = {
  eclipse: ECLIPSE_FIGURES,
  effort: ECLIPSE_FIGURES,
  flood: FLOOD_FIGURES
}

/**
 * Put the figures on the page `docs/simulation.md`, and the plots beside it
 */
export async function writePage (outcomes: readonly Outcome[]): Promise<void> {
  let page = await fs.readFile(PAGE, 'utf-8')

  for (const scenario of ['eclipse', 'effort', 'flood'] as const) {
    page = withPart(page, scenario, SCENARIO_FIGURES[scenario].map(kind => figure(outcomes, scenario, kind)).join('\n\n'))
  }

  await fs.mkdir(PLOTS, { recursive: true })

  for (const [name, svg] of charts(outcomes)) {
    await fs.writeFile(new URL(name, PLOTS), svg)
  }

  await fs.writeFile(PAGE, page)
}

/**
 * The page with this text between the markers of this name
 *
 * @throws {Error} if the markers are not there
 */
export function withPart (page: string, name: string, text: string): string {
  const start = `<!-- ${name} -->`
  const end = `<!-- end of ${name} -->`
  const from = page.indexOf(start)
  const to = page.indexOf(end)

  if (from === -1 || to < from) {
    throw new Error(`There are no markers for ${name}`)
  }

  return `${page.slice(0, from)}${start}\n${text}\n${page.slice(to)}`
}

function figure (outcomes: readonly Outcome[], scenario: ScenarioName, kind: FigureKind): string {
  const { head, rows } = tableOf(outcomes, scenario, COLUMNS[scenario], kind)

  return [
    `![${kind.title}](simulation/${scenario}-${kind.name}.svg)`,
    `<details><summary>${kind.title}, as numbers</summary>`,
    markdownTable(head, rows),
    '</details>'
  ].join('\n\n')
}
