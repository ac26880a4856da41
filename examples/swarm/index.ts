/* eslint-disable no-console */

/**
 * Starts one node with our connection manager and a swarm of peers around it,
 * shows how it is going, and reports what the node did. Ends with code 1 if a
 * protected peer was closed, or too many connections are open in the end.
 */

import { setTimeout as delay } from 'node:timers/promises'
import { peerIdFromString } from '@libp2p/peer-id'
import { createInspection } from './inspection.ts'
import { createNode } from './node.ts'
import { USAGE, parseOptions } from './options.ts'
import { planSwarm } from './plan.ts'
import { Progress } from './progress.ts'
import { Recorder, failures } from './recorder.ts'
import { report } from './report.ts'
import { hasManyHosts, startSwarm } from './swarm.ts'
import type { Inspection } from './inspection.ts'
import type { SwarmOptions } from './options.ts'
import type { SwarmRecord } from './recorder.ts'

/**
 * In ms. The defaults of a minute and ten seconds would be long for a show.
 */
const GRACE_PERIOD = 1_500
const SILENCE_PERIOD = 1_000

/**
 * The watermarks in relation to the number of peers
 */
const LOW_WATER = 0.6
const HIGH_WATER = 0.75

/**
 * Connections per second from one host. It is given so that it holds for loopback
 * addresses too.
 */
const HOST_RATE = 8

/**
 * For how many ms at most the last trim is waited for
 */
const LAST_TRIM = 8_000

async function run ({ json, peers, duration }: SwarmOptions, inspection?: Inspection): Promise<SwarmRecord> {
  const out = json ? process.stderr : process.stdout
  const lowWater = Math.round(peers * LOW_WATER)
  const highWater = Math.round(peers * HIGH_WATER)
  const manyHosts = await hasManyHosts()
  let recorder: Recorder | undefined

  const progress = new Progress(out, () => recorder?.record())
  progress.enter(`starting a node with room for ${lowWater} to ${highWater} connections, and ${peers} peers …`)

  const plans = planSwarm(peers, duration).map(plan => manyHosts ? plan : { ...plan, host: undefined })
  const [node, swarm] = await Promise.all([
    createNode({
      lowWater,
      highWater,
      gracePeriod: GRACE_PERIOD,
      silencePeriod: SILENCE_PERIOD,
      inboundConnectionThreshold: manyHosts ? HOST_RATE : undefined
    }, inspection),
    startSwarm(plans)
  ])
  const manager = node.services.connectionManager

  try {
    for (const { peerId, kind } of swarm.members) {
      if (kind === 'validator') {
        manager.protect(peerIdFromString(peerId), 'validator')
      }
    }

    recorder = new Recorder({
      events: node,
      manager,
      isProtected: peerId => manager.isProtected(peerId),
      now: () => performance.now()
    }, { lowWater, highWater, members: swarm.members })

    if (inspection != null) {
      out.write(`the page is at ${inspection.url()}\n`)
    }

    swarm.go(node.getMultiaddrs())
    progress.enter('the peers are coming')
    await pause(duration * 0.45, inspection)
    progress.enter('some of them flood the node')
    await pause(duration * 0.3, inspection)
    progress.enter('those who were trimmed come back')
    await pause(duration * 0.25, inspection)

    swarm.quiet()
    progress.enter('nobody comes any more, the last trim is waited for')
    await pause(GRACE_PERIOD + SILENCE_PERIOD, inspection)
    await untilTrimmed(recorder, highWater)

    const record = recorder.record()

    if (inspection != null && !inspection.signal.aborted) {
      progress.stop()
      out.write(`${report(record)}\n\nthe page stays at ${inspection.url()} until Ctrl-C\n`)
      await inspection.interrupted
    }

    return record
  } finally {
    progress.stop()
    recorder?.stop()
    await node.stop()
    await swarm.stop()
  }
}

/**
 * Resolves at once when somebody presses Ctrl-C
 */
async function pause (ms: number, inspection?: Inspection): Promise<void> {
  await delay(ms, undefined, { signal: inspection?.signal }).catch(() => {})
}

async function untilTrimmed (recorder: Recorder, highWater: number): Promise<void> {
  const deadline = performance.now() + LAST_TRIM

  while (recorder.connections > highWater && performance.now() < deadline) {
    await delay(100)
  }
}

function options (): SwarmOptions | undefined {
  try {
    return parseOptions(process.argv.slice(2))
  } catch (err) {
    console.error(`${err instanceof Error ? err.message : err}\n\n${USAGE}`)
    process.exit(2)
  }
}

const given = options()

if (given == null) {
  console.info(USAGE)
} else {
  const record = await run(given, given.inspect ? createInspection() : undefined)

  if (given.json || !given.inspect) {
    console.info(given.json ? JSON.stringify(record) : report(record))
  }

  process.exitCode = failures(record).length > 0 ? 1 : 0
}
