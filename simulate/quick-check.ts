import { OurPolicy } from './policies/ours.ts'
import { POLICY_NAMES } from './policy.ts'
import { run } from './run.ts'
import { NODE, eclipseRun, floodRun } from './scenarios.ts'
import type { RunInit, RunResult } from './run.ts'

export interface QuickResult {
  readonly passed: readonly string[]
  readonly failures: readonly string[]
}

/**
 * Every so many of the honest nodes are protected in the run that looks at them
 */
const PROTECTED_EVERY = 5

const MINUTE = 60_000

/**
 * What has to hold in any case, with fewer nodes and in less time than the whole
 * comparison
 */
export async function quickCheck (): Promise<QuickResult> {
  const passed: string[] = []
  const failures: string[] = []
  const check = (isTrue: boolean, text: string): void => { (isTrue ? passed : failures).push(text) }

  for (const groups of [1, 16]) {
    const [ours, ...others] = await Promise.all(POLICY_NAMES.map(async policy => run(shorter(eclipseRun({ policy, attackers: 2_500, groups })))))
    const best = Math.max(...others.map(({ counts }) => counts.honestInbound))
    check(ours.counts.honestInbound >= best, `many addresses in ${groups} of the networks: ${ours.counts.honestInbound.toFixed(1)} honest inbound connections, the best of the others has ${best.toFixed(1)}`)
    check(ours.isolatedAfter == null, `many addresses in ${groups} of the networks: never isolated`)
    checkLimits(ours, `many addresses in ${groups} of the networks`, check)
  }

  await checkProtected(check)

  for (const slow of [0, 1]) {
    const flood = await run({ ...floodRun('ours', 100, slow), attackers: 5_000, duration: 2 * MINUTE, observed: MINUTE })
    checkLimits(flood, `a flood of 100 per second${slow === 0 ? '' : ' that finishes no handshake'}`, check)
  }

  return { passed, failures }
}

async function checkProtected (check: (isTrue: boolean, text: string) => void): Promise<void> {
  let closed = 0
  let connected = 0

  await run(shorter(eclipseRun({ policy: 'ours', attackers: 2_500, groups: 256, effort: 'keen' })), (policy, world) => {
    world.addressBook.filter((_, i) => i % PROTECTED_EVERY === 0).forEach(node => { node.isHonest && policy instanceof OurPolicy && policy.protect(node) })
    world.onClosedByPolicy = link => { closed += Number(link.node.isHonest && link.node.index % PROTECTED_EVERY === 0) }
    world.onOpened = link => { connected += Number(link.node.isHonest && link.node.index % PROTECTED_EVERY === 0) }
  })

  check(connected > 0 && closed === 0, `${closed} of ${connected} connections to protected nodes were closed`)
}

function checkLimits ({ peak, violations }: RunResult, name: string, check: (isTrue: boolean, text: string) => void): void {
  // what the node dials itself is not refused for the watermark
  const most = NODE.maxConnections + NODE.outbound
  check(peak <= most, `${name}: ${peak} connections at most, of ${most}`)
  check(violations.length === 0, `${name}: no limit is exceeded${violations.length === 0 ? '' : `, but ${violations.join(', ')}`}`)
}

function shorter (init: RunInit): RunInit {
  return { ...init, honest: 4_000, warmUp: 40 * MINUTE, duration: 60 * MINUTE, observed: 10 * MINUTE }
}
