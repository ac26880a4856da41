/**
 * Gives mutated messages to everything that reads what gateways and servers send.
 *
 * node test/nat/fuzz/run.ts [--runs 1000000] [--seed 1] [--json] [--evidence]
 *
 * --runs      how many inputs, of all parsers together
 * --seed      other inputs
 * --json      print the result for programs
 * --evidence  write it on the page docs/evidence.md
 */
/* eslint-disable no-console */
import process from 'node:process'
import { parseArgs } from 'node:util'
import { markdownTable, writeEvidence } from '../../../bench/evidence.ts'
import { fuzz, hexOf } from './fuzzer.ts'
import type { ParserResult } from './fuzzer.ts'

// whoever finds one crash finds many
const MAX_TOLD = 10

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '1000000' },
    seed: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
    evidence: { type: 'boolean', default: false }
  }
})
const runs = wholeNumber('runs', values.runs)
const seed = wholeNumber('seed', values.seed)
let crashes = 0

const start = performance.now()
const results = fuzz(runs, seed, ({ parser, data, error }) => {
  crashes++

  if (crashes <= MAX_TOLD) {
    console.error(`${parser} did not take ${hexOf(data)}\n`, error)
  }
})
const seconds = (performance.now() - start) / 1_000
const body = tableOf(results)

if (values.json) {
  console.info(JSON.stringify({ runs, seed, seconds, crashes, parsers: results }))
} else {
  console.info(`${body}\n\n${runs} inputs in ${seconds.toFixed(0)} s, ${crashes} crashes`)
}

if (values.evidence) {
  await writeEvidence({
    name: 'fuzz',
    title: 'Messages that nobody should send',
    command: `npm run fuzz -- --runs ${runs} --seed ${seed}`,
    body: `Mutated messages of gateways and AutoNAT servers, given to everything that reads them. A crash is anything but a result that makes sense, or a typed refusal.\n\n${body}`
  })
}

process.exitCode = crashes > 0 ? 1 : 0

function tableOf (results: ParserResult[]): string {
  const total = { parser: 'all', runs, crashes, slowest: Math.max(...results.map(({ slowest }) => slowest)) }

  return markdownTable(['parser', 'inputs', 'crashes', 'slowest, ms'], [...results, total].map(({ parser, runs, crashes, slowest }) => [parser, `${runs}`, `${crashes}`, slowest.toFixed(1)]))
}

function wholeNumber (name: string, text: string): number {
  const value = Number(text)

  if (!Number.isSafeInteger(value) || value < 1) {
    throw new Error(`--${name} is ${text}, it has to be a whole number of at least 1`)
  }

  return value
}
