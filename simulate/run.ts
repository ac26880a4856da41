import { createPolicy } from './policies/index.ts'
import { createPopulation } from './population.ts'
import { SeededRandom } from './seeded-random.ts'
import { World } from './world.ts'
import type { Policy, PolicyName } from './policy.ts'
import type { PopulationInit } from './population.ts'
import type { Counts } from './tally.ts'
import type { Traffic } from './traffic.ts'

/**
 * One run: one policy against one attack
 */
export interface RunInit extends PopulationInit {
  readonly policy: PolicyName
  readonly traffic: Traffic
  readonly maxConnections: number
  readonly lowWater: number
  readonly outbound: number

  /**
   * In ms: honest nodes alone
   */
  readonly warmUp: number

  /**
   * In ms: the attack, and how much of its end is looked at
   */
  readonly duration: number
  readonly observed: number
}

/**
 * What came of it
 */
export interface RunResult {
  /**
   * Averages over the end of the attack, of samples taken every ten seconds
   */
  readonly counts: Counts

  /**
   * Before the attack
   */
  readonly before: Counts

  /**
   * After how many ms of the attack no honest connection was left, `null`: never
   */
  readonly isolatedAfter: number | null

  /**
   * The share of inbound connections from honest nodes that were let in during the attack,
   * of which some go offline before their handshake is over
   */
  readonly honestAccepted: number
  readonly peak: number
  readonly violations: readonly string[]
  readonly events: number
}

/**
 * In ms
 */
const SAMPLE_INTERVAL = 10_000

/**
 * The part of the seed that the policy has for itself
 */
const POLICY_RANDOM = 21

/**
 * Runs a simulation. The same input gives the same result.
 */
export async function run (init: RunInit, onStart: (policy: Policy, world: World) => void = () => {}): Promise<RunResult> {
  const { maxConnections, lowWater, outbound } = init
  const world = new World(createPopulation(init), init.traffic, init.seed)
  const policy = createPolicy(init.policy, world, { maxConnections, lowWater, outbound, random: new SeededRandom(init.seed, POLICY_RANDOM) })
  const { clock, tally } = world
  const violations = new Set<string>()

  await policy.start()
  onStart(policy, world)
  world.begin(policy)
  await clock.runUntil(clock.now() + init.warmUp)

  const attackAt = clock.now()
  const before = { ...tally.counts }
  const samples: Counts[] = []
  tally.watch()
  world.attack()

  while (clock.now() < attackAt + init.duration) {
    await clock.runUntil(clock.now() + SAMPLE_INTERVAL)
    policy.violations().forEach(violation => violations.add(violation))

    if (clock.now() > attackAt + init.duration - init.observed) {
      samples.push({ ...tally.counts })
    }
  }

  return {
    counts: average(samples),
    before,
    isolatedAfter: tally.isolatedAt == null ? null : tally.isolatedAt - attackAt,
    honestAccepted: tally.honestKnocks === 0 ? 1 : tally.honestAccepted / tally.honestKnocks,
    peak: tally.peak,
    violations: [...violations],
    events: clock.events
  }
}

function average (samples: readonly Counts[]): Counts {
  const mean = (read: (counts: Counts) => number): number => samples.reduce((sum, counts) => sum + read(counts), 0) / samples.length

  return {
    honestInbound: mean(counts => counts.honestInbound),
    honestOutbound: mean(counts => counts.honestOutbound),
    attackerInbound: mean(counts => counts.attackerInbound),
    attackerOutbound: mean(counts => counts.attackerOutbound)
  }
}
