/* eslint-disable no-console */

/**
 * Lets a node live through a lot, and counts again after every step. Ends with code 1
 * at the first thing that is not as it should be.
 */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import process from 'node:process'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { writeEvidence } from '../bench/evidence.ts'
import { Counts } from './counts.ts'
import { activeResources } from './leftovers.ts'
import { parseOptions } from './options.ts'
import { makeReport, markdown, text } from './report.ts'
import { SeededRandom } from './seeded-random.ts'
import { Soak } from './soak.ts'
import { TimerLedger } from './timer-ledger.ts'
import { World } from './world.ts'
import type { SoakOptions } from './options.ts'

/**
 * In ms: how often the progress is told where it is not shown
 */
const TELL_INTERVAL = 30_000

/**
 * In ms: sockets take a moment to be gone
 */
const PATIENCE = 5_000

const options = readOptions(process.argv.slice(2))

if (globalThis.gc == null) {
  await runWithCollector()
} else {
  await run(options)
}

/**
 * Only a process that is started with this flag can collect its garbage
 */
async function runWithCollector (): Promise<void> {
  const child = spawn(process.execPath, ['--expose-gc', fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: 'inherit' })
  const [code] = await once(child, 'exit')
  process.exitCode = typeof code === 'number' ? code : 1
}

async function run (options: SoakOptions): Promise<void> {
  const timers = new TimerLedger()
  timers.install()

  const usual = await withoutManager()
  const world = new World(new SeededRandom(options.seed))
  await world.create()

  const soak = new Soak(world, timers)
  process.on('unhandledRejection', err => { soak.onAccident('a rejection that nobody handles', err) })
  process.on('uncaughtException', err => { soak.onAccident('an error that nobody catches', err) })
  process.on('warning', warning => { soak.onAccident('a warning', warning) })

  await soak.run(options.minutes * 60_000, progress(soak, options))
  await world.stop()

  const report = makeReport(soak.figures, options, soak.figures.violation == null ? await leftOpen(usual) : [])
  console.info(options.json ? JSON.stringify(report) : text(report))

  if (options.evidence) {
    await writeEvidence({ name: 'soak', title: 'Soak', command: `npm run soak -- --minutes ${options.minutes} --seed ${options.seed}`, body: markdown(report) })
  }

  process.exit(report.violation == null ? 0 : 1)
}

/**
 * What is open in this process after nodes with libp2p's own connection manager were
 * started, connected and stopped
 */
async function withoutManager (): Promise<ReadonlyMap<string, number>> {
  const world = new World(new SeededRandom(1))
  await world.create(false)
  await world.subject.start()

  for (const remote of world.remotes) {
    await remote.start()
    // not all of them are let in, as they come from the same host
    await remote.node?.dial(world.subject.getMultiaddrs()).catch(() => {})
  }

  await world.stop()
  await delay(1_000)

  return activeResources()
}

async function leftOpen (usual: ReadonlyMap<string, number>): Promise<string[]> {
  let left = more(usual)

  for (const end = performance.now() + PATIENCE; left.length > 0 && performance.now() < end; left = more(usual)) {
    await delay(100)
  }

  return left
}

function more (usual: ReadonlyMap<string, number>): string[] {
  const counts = new Counts()

  for (const [kind, count] of activeResources()) {
    if (count > (usual.get(kind) ?? 0)) {
      counts.compare(`${kind} in the end, and in a process with libp2p's own connection manager`, count, usual.get(kind) ?? 0)
    }
  }

  return counts.differences
}

function progress (soak: Soak, { json, minutes }: SoakOptions): () => void {
  const begin = performance.now()
  const { isTTY } = process.stderr
  let told = begin

  return () => {
    const now = performance.now()

    if (!json && now - told >= (isTTY ? 1_000 : TELL_INTERVAL)) {
      told = now
      const { actions, opened, restarts, samples, steps } = soak.figures
      const heap = samples.at(-1)?.bytes
      const line = `${((now - begin) / 60_000).toFixed(1)} of ${minutes} minutes, ${steps} steps, ${actions} actions, ${opened} connections, ${restarts} restarts, heap ${heap == null ? '-' : (heap / 2 ** 20).toFixed(1)} MB`
      process.stderr.write(isTTY ? `\r\u001b[K${line}` : `${line}\n`)
    }
  }
}

function readOptions (args: string[]): SoakOptions {
  try {
    return parseOptions(args)
  } catch (err) {
    console.error(err instanceof Error ? err.message : err)
    process.exit(2)
  }
}
