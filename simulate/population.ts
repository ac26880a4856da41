import { SeededRandom } from './seeded-random.ts'
import { SimulatedNode } from './simulated-node.ts'
import type { NodeTraits } from './simulated-node.ts'

/**
 * How hard an attacker tries to look useful
 *
 * - `idle` it does nothing but hold connections
 * - `mimic` its addresses do as much for the application, and are as far away, as
 * those of honest nodes
 * - `keen` it is worth as much as the best honest node, on every connection, and
 * nearer than any
 */
export type AttackerEffort = 'idle' | 'mimic' | 'keen'

export interface PopulationInit {
  readonly seed: number

  /**
   * How many honest nodes there are, each with one address
   */
  readonly honest: number

  /**
   * How many addresses the attacker has
   */
  readonly attackers: number

  /**
   * To how many /16 networks these belong
   */
  readonly groups: number
  readonly effort: AttackerEffort
}

export interface Population {
  readonly honest: readonly SimulatedNode[]
  readonly attackers: readonly SimulatedNode[]
}

/**
 * Honest nodes are in so many /16 networks. The largest has 4 % of them, the largest
 * fifty a third, about as in public lists of nodes.
 */
const HONEST_GROUPS = 1_000
const GROUP_EXPONENT = 0.7

/**
 * This share of the honest nodes does something for the application
 */
const USEFUL_SHARE = 0.3
const MAX_VALUE = 10

/**
 * In ms: round trip times of honest nodes lie between these, near ones are rare
 */
const MIN_RTT = 10
const MAX_RTT = 300
const KEEN_RTT = 5

/**
 * The nodes of a network, and the addresses of an attacker. He rents every second of
 * his networks where honest nodes are, the largest such first; the others nobody
 * else uses.
 */
export function createPopulation (init: PopulationInit): Population {
  const used = new Set<number>()
  const honestGroups = honestNetworks(init.seed)
  const networks = [...honestGroups, ...freshNetworks(init.seed, init.groups, honestGroups)]
  const random = new SeededRandom(init.seed, 1)
  const cumulative = cumulativeWeights(HONEST_GROUPS)
  let index = 0

  const honest = Array.from({ length: init.honest }, () => {
    const group = networks[pick(cumulative, random.next())]

    return new SimulatedNode(index++, freeHost(group, random, used), honestTraits(random))
  })
  const rented = Array.from({ length: init.groups }, (_, i) => {
    const rank = i >> 1

    return i % 2 === 0 && rank < HONEST_GROUPS ? networks[rank] : networks[HONEST_GROUPS + i]
  })
  const attackers = Array.from({ length: init.attackers }, (_, i) => {
    return new SimulatedNode(index++, freeHost(rented[i % rented.length], random, used), attackerTraits(init.effort, random))
  })

  return { honest, attackers }
}

function honestTraits (random: SeededRandom): NodeTraits {
  const rtt = MIN_RTT + (MAX_RTT - MIN_RTT) * Math.sqrt(random.next())
  const isUseful = random.next() < USEFUL_SHARE
  const value = 1 + random.below(MAX_VALUE)

  return { isHonest: true, rtt, value: isUseful ? value : 0 }
}

function attackerTraits (effort: AttackerEffort, random: SeededRandom): NodeTraits {
  const traits = { ...honestTraits(random), isHonest: false }

  switch (effort) {
    case 'idle':
      return { ...traits, value: 0 }
    case 'keen':
      return { ...traits, value: MAX_VALUE, rtt: KEEN_RTT }
    default:
      return traits
  }
}

/**
 * Public /16 networks in random order
 */
function honestNetworks (seed: number): number[] {
  return shuffled(publicNetworks(), new SeededRandom(seed, 2)).slice(0, HONEST_GROUPS)
}

function freshNetworks (seed: number, count: number, taken: readonly number[]): number[] {
  const isTaken = new Set(taken)

  return shuffled(publicNetworks().filter(network => !isTaken.has(network)), new SeededRandom(seed, 3)).slice(0, count)
}

/**
 * 11.0.0.0 to 99.255.255.255: nothing in there is reserved
 */
function publicNetworks (): number[] {
  return Array.from({ length: 89 * 256 }, (_, i) => (11 << 8) + i)
}

function shuffled (networks: number[], random: SeededRandom): number[] {
  for (let i = networks.length - 1; i > 0; i--) {
    const other = random.below(i + 1);
    [networks[i], networks[other]] = [networks[other], networks[i]]
  }

  return networks
}

function cumulativeWeights (count: number): number[] {
  let sum = 0
  const sums = Array.from({ length: count }, (_, i) => (sum += (i + 1) ** -GROUP_EXPONENT))

  return sums.map(part => part / sum)
}

function pick (cumulative: readonly number[], point: number): number {
  let low = 0
  let high = cumulative.length - 1

  while (low < high) {
    const middle = (low + high) >> 1

    if (cumulative[middle] > point) {
      high = middle
    } else {
      low = middle + 1
    }
  }

  return low
}

/**
 * A host of a /16 that has no node yet
 */
function freeHost (network: number, random: SeededRandom, used: Set<number>): number {
  let host = network * 65_536 + random.below(65_536)

  while (used.has(host)) {
    host = network * 65_536 + (host + 1) % 65_536
  }

  used.add(host)

  return host
}
