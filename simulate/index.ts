/* eslint-disable no-console */

/**
 * Compares our policy with those of libp2p and go-libp2p, and with chance, while a
 * node is attacked: thousands of nodes on a virtual clock. See docs/simulation.md.
 *
 * `--json` prints the results for programs, `--evidence` writes them and the plots to
 * `docs/`, `--quick` checks in a short time what has to hold in any case.
 */

import os from 'node:os'
import process from 'node:process'
import { writeEvidence } from '../bench/evidence.ts'
import { evidenceBody } from './evidence-body.ts'
import { COLUMNS, SCENARIO_FIGURES, writePage } from './page.ts'
import { runAll } from './pool.ts'
import { quickCheck } from './quick-check.ts'
import { allJobs } from './scenarios.ts'
import { plainTable, tableOf } from './tables.ts'
import type { Outcome } from './pool.ts'

const json = process.argv.includes('--json')

if (process.argv.includes('--quick')) {
  const { failures, passed } = await quickCheck()
  console.info(json ? JSON.stringify({ passed, failures }) : [...passed.map(text => `ok      ${text}`), ...failures.map(text => `FAILED  ${text}`)].join('\n'))
  process.exitCode = failures.length === 0 ? 0 : 1
} else {
  const start = performance.now()
  const outcomes = await runAll(allJobs(), os.availableParallelism(), (done, count) => { progress(`${done} of ${count} runs`) })
  const elapsed = performance.now() - start
  progress('')

  if (process.argv.includes('--evidence')) {
    await writePage(outcomes)
    await writeEvidence({
      name: 'simulate',
      title: 'Simulated attacks',
      command: 'npm run simulate -- --evidence',
      body: evidenceBody(outcomes, elapsed)
    })
  }

  console.info(json ? JSON.stringify({ elapsed, outcomes }) : report(outcomes, elapsed))
}

function report (outcomes: readonly Outcome[], elapsed: number): string {
  const tables = (['eclipse', 'effort', 'flood'] as const).flatMap(scenario => SCENARIO_FIGURES[scenario].map(kind => {
    return `${scenario}: ${kind.title}\n\n${plainTable(tableOf(outcomes, scenario, COLUMNS[scenario], kind))}\n`
  }))

  return [...tables, evidenceBody(outcomes, elapsed)].join('\n')
}

function progress (text: string): void {
  if (process.stderr.isTTY) {
    process.stderr.write(`\r\u001b[K${json ? '' : text}`)
  }
}
