import { PrefixNumbers, prefixText } from '../addresses/index.ts'
import { CidrMap, parseCidr } from '../gating/index.ts'
import type { ExceededLimit } from './refusals.ts'
import type { IpAddress, Origin } from '../addresses/index.ts'
import type { LimitValue, NetworkLimit, SubnetLimit } from '../resources/index.ts'

/**
 * How many there may be of each origin. What is left out is not limited.
 */
export interface OriginLimits {
  ipv4?: SubnetLimit[]
  ipv6?: SubnetLimit[]

  /**
   * Networks with a limit of their own. The most specific one that an address is
   * in decides alone.
   */
  networks?: NetworkLimit[]

  /**
   * For each relay
   */
  relay?: LimitValue
}

interface SubnetTable {
  readonly bits: number
  readonly limit: number
  readonly counts: PrefixNumbers
}

interface NetworkCount {
  readonly name: string
  readonly limit: number
  count: number
}

/**
 * Counts what comes from each subnet, network and relay. Has an entry for what is
 * counted and for nothing else.
 */
export class SubnetCounts {
  private tables: Record<4 | 6, SubnetTable[]> = { 4: [], 6: [] }
  #networks = new CidrMap<NetworkCount>()
  private relays = new Map<string, number>()
  #relayLimit = Infinity

  /**
   * There are no limits at all, so that nothing need be counted
   */
  #isUnlimited = true

  /**
   * The address that was asked about last, as it is checked before it is counted
   */
  #lastIp: IpAddress | undefined
  #lastNetwork: NetworkCount | undefined

  constructor (limits: OriginLimits) {
    this.setLimits(limits, [])
  }

  /**
   * Which limit does not allow one more, if there is one
   */
  check ({ ip, relay }: Origin): ExceededLimit | undefined {
    if (this.#isUnlimited) {
      return
    }

    if (ip == null) {
      return relay == null ? undefined : exceeded(`relay:${relay}`, this.relays.get(relay) ?? 0, this.#relayLimit)
    }

    const network = this.#networkOf(ip)

    if (network != null) {
      return exceeded(network.name, network.count, network.limit)
    }

    for (const { bits, limit, counts } of this.tables[ip.family]) {
      // some are only counted
      const current = limit === Infinity ? 0 : counts.get(ip)

      if (current >= limit) {
        return { scope: `subnet:${prefixText(ip, bits)}`, current, limit }
      }
    }
  }

  /**
   * Count one, whether the limits allow it or not
   */
  add (origin: Origin): void {
    this.#change(origin, 1)
  }

  /**
   * Count one that was counted no longer
   */
  remove (origin: Origin): void {
    this.#change(origin, -1)
  }

  /**
   * How crowded the networks are that an origin is in, 0 if none is: 1 for each that has
   * `crowd`, and 1 more each time that it has twice as many. So who shares but a large network
   * with a crowd is not taken for a part of it. A network with a limit of its own is no crowd.
   */
  crowding ({ ip, relay }: Origin, crowd: number): number {
    if (this.#isUnlimited) {
      return 0
    }

    if (ip == null) {
      return relay == null ? 0 : doublings(this.relays.get(relay) ?? 0, crowd)
    }

    const tables = this.#networkOf(ip) == null ? this.tables[ip.family] : []

    return tables.reduce((sum, { counts }) => sum + doublings(counts.get(ip), crowd), 0)
  }

  /**
   * Change the limits. What is counted stays counted, even if it is more than the
   * new limits allow.
   *
   * @param limits - the new limits, which replace all others
   * @param counted - what is counted at this moment
   */
  setLimits (limits: OriginLimits, counted: Iterable<Origin>): void {
    const { ipv4 = [], ipv6 = [], networks = [], relay = 'unlimited' } = limits
    this.#isUnlimited = Object.keys(limits).length === 0
    this.tables = { 4: createTables(ipv4), 6: createTables(ipv6) }
    this.#networks = new CidrMap()
    this.#lastIp = undefined
    this.relays = new Map()
    this.#relayLimit = toNumber(relay)

    for (const { cidr: text, connections } of networks) {
      const cidr = parseCidr(text)
      this.#networks.set(cidr, { name: `network:${cidr.text}`, limit: toNumber(connections), count: 0 })
    }

    for (const origin of counted) {
      this.add(origin)
    }
  }

  #networkOf (ip: IpAddress): NetworkCount | undefined {
    if (ip !== this.#lastIp) {
      this.#lastNetwork = this.#networks.match(ip)
      this.#lastIp = ip
    }

    return this.#lastNetwork
  }

  #change ({ ip, relay }: Origin, by: 1 | -1): void {
    if (this.#isUnlimited) {
      return
    }

    if (ip == null) {
      if (relay != null) {
        const count = (this.relays.get(relay) ?? 0) + by

        if (count > 0) {
          this.relays.set(relay, count)
        } else {
          this.relays.delete(relay)
        }
      }

      return
    }

    const network = this.#networkOf(ip)

    if (network != null) {
      network.count += by
      return
    }

    for (const { counts } of this.tables[ip.family]) {
      counts.add(ip, by)
    }
  }
}

function exceeded (scope: string, current: number, limit: number): ExceededLimit | undefined {
  return current >= limit ? { scope, current, limit } : undefined
}

function doublings (count: number, crowd: number): number {
  return count < crowd ? 0 : 1 + Math.floor(Math.log2(count / crowd))
}

/**
 * The number that a limit stands for
 */
export function toNumber (limit: LimitValue): number {
  switch (limit) {
    case 'unlimited':
      return Infinity
    case 'blockAll':
      return 0
    default:
      return limit
  }
}

function createTables (limits: SubnetLimit[]): SubnetTable[] {
  return limits
    .filter(({ connections }) => connections !== 'unlimited')
    .map(({ prefix, connections }) => ({ bits: prefix, limit: toNumber(connections), counts: new PrefixNumbers(prefix) }))
    .sort((a, b) => b.bits - a.bits)
}
