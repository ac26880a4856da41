import { POLICY_NAMES } from './policy.ts'
import type { PolicyName } from './policy.ts'
import type { AttackerEffort } from './population.ts'
import type { RunInit } from './run.ts'
import type { Traffic } from './traffic.ts'

export type ScenarioName = 'eclipse' | 'effort' | 'flood'

/**
 * A run with its place in a scenario: what it is drawn at, in which panel
 */
export interface Job {
  readonly scenario: ScenarioName

  /**
   * What is on the x axis: how many addresses the attacker has, or how often he
   * connects per second
   */
  readonly strength: number

  /**
   * In which panel it is drawn
   */
  readonly panel: string
  readonly init: RunInit
}

const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE

export const SEED = 1
export const HONEST = 10_000
export const ATTACKERS: readonly number[] = [500, 2_500, 10_000, 50_000]
export const GROUPS: readonly number[] = [1, 16, 256, 4_096]
export const FLOOD_RATES: readonly number[] = [10, 100, 1_000]

/**
 * Where the effort of the attacker differs
 */
const EFFORT_GROUPS = 256
const EFFORT_ATTACKERS = ATTACKERS.slice(0, 3)
const FLOOD_ATTACKERS = 50_000

/**
 * Each of the attacker's addresses connects this often
 */
export const ATTACK_PERIOD = HOUR

export const ECLIPSE_TRAFFIC: Omit<Traffic, 'attackInterval'> = {
  // so that there are about 120 inbound connections without an attack
  honestInterval: 10 * SECOND,
  honestStay: HOUR,
  honestSession: 2 * HOUR,
  slowHandshakes: 0,
  useInterval: 2 * MINUTE
}

/**
 * As many connections as above, but shorter ones, so that enough honest nodes connect
 * while it lasts
 */
export const FLOOD_TRAFFIC: Omit<Traffic, 'attackInterval' | 'slowHandshakes'> = {
  ...ECLIPSE_TRAFFIC,
  honestInterval: SECOND,
  honestStay: 4 * MINUTE
}

/**
 * libp2p's default, and 80 % of it, with eight outbound connections as Bitcoin Core
 */
export const NODE = { maxConnections: 300, lowWater: 240, outbound: 8 }

interface EclipseInit {
  readonly policy: PolicyName
  readonly attackers: number
  readonly groups: number
  readonly effort?: AttackerEffort
}

export function eclipseRun ({ policy, attackers, groups, effort = 'mimic' }: EclipseInit): RunInit {
  return {
    ...NODE,
    policy,
    attackers,
    groups,
    effort,
    seed: SEED,
    honest: HONEST,
    warmUp: HOUR,
    duration: 3 * HOUR,
    observed: HOUR / 2,
    traffic: { ...ECLIPSE_TRAFFIC, attackInterval: ATTACK_PERIOD / attackers }
  }
}

export function floodRun (policy: PolicyName, perSecond: number, slowHandshakes: number): RunInit {
  return {
    ...eclipseRun({ policy, attackers: FLOOD_ATTACKERS, groups: EFFORT_GROUPS, effort: 'idle' }),
    warmUp: 20 * MINUTE,
    duration: 5 * MINUTE,
    observed: 150 * SECOND,
    traffic: { ...FLOOD_TRAFFIC, attackInterval: SECOND / perSecond, slowHandshakes }
  }
}

/**
 * All runs of the comparison
 */
export function allJobs (): Job[] {
  return POLICY_NAMES.flatMap(policy => [
    ...GROUPS.flatMap(groups => ATTACKERS.map((attackers): Job => ({
      scenario: 'eclipse',
      strength: attackers,
      panel: groups === 1 ? '1 network' : `${groups.toLocaleString('en')} networks`,
      init: eclipseRun({ policy, attackers, groups })
    }))),
    ...(['idle', 'mimic', 'keen'] as const).flatMap(effort => EFFORT_ATTACKERS.map((attackers): Job => ({
      scenario: 'effort',
      strength: attackers,
      panel: effort,
      init: eclipseRun({ policy, attackers, groups: EFFORT_GROUPS, effort })
    }))),
    ...([0, 1] as const).flatMap(slow => FLOOD_RATES.map((perSecond): Job => ({
      scenario: 'flood',
      strength: perSecond,
      panel: slow === 0 ? 'handshakes are finished' : 'handshakes are never finished',
      init: floodRun(policy, perSecond, slow)
    })))
  ])
}
