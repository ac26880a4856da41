import type { GatewayInfo, MappingInfo, ReachabilityStatus } from './events.ts'
import type { Candidate } from './probing/candidates.ts'
import type { Metrics } from '@libp2p/interface'

// what the gauges show: 1 public, 0 unknown, -1 private
const REACHABILITY_VALUES = { public: 1, unknown: 0, private: -1 }

/**
 * Where the gauges take their values from when they are read
 */
export interface ReachabilityGauges {
  getReachability(): ReachabilityStatus
  getCandidates(): Candidate[]
  getMappings(): MappingInfo[]
  getGateways(): GatewayInfo[]
}

/**
 * The metrics of the reachability service, under `libp2p_nat_*`
 */
export class ReachabilityMetrics {
  readonly #mappingRequests?: (via: string, result: string) => void
  readonly #addressChanges?: () => void
  readonly #probes?: (result: string) => void
  readonly #serverRequests?: (status: string) => void

  constructor (metrics: Metrics | undefined, gauges: ReachabilityGauges) {
    if (metrics == null) {
      return
    }

    const mappingRequests = metrics.registerCounterGroup('libp2p_nat_mapping_requests_total', { help: 'Requests to gateways by protocol and result', label: 'via_result' })
    const addressChanges = metrics.registerCounter('libp2p_nat_external_address_changes_total', { help: 'How often the gateway got another public address' })
    const probes = metrics.registerCounterGroup('libp2p_nat_probes_total', { help: 'Requests to AutoNAT servers by result', label: 'result' })
    const serverRequests = metrics.registerCounterGroup('libp2p_nat_server_requests_total', { help: 'Requests of AutoNAT clients by status', label: 'status' })

    this.#mappingRequests = (via, result) => { mappingRequests.increment({ [`${via}_${result}`]: 1 }) }
    this.#addressChanges = () => { addressChanges.increment() }
    this.#probes = result => { probes.increment({ [result]: 1 }) }
    this.#serverRequests = status => { serverRequests.increment({ [status]: 1 }) }

    const [addresses, mappings, gateways] = [new KnownLabels(), new KnownLabels(), new KnownLabels()]

    metrics.registerMetricGroup('libp2p_nat_reachability', {
      help: '1 public, 0 unknown, -1 private',
      label: 'family',
      calculate: () => {
        const { ip4, ip6 } = gauges.getReachability()

        return { ip4: REACHABILITY_VALUES[ip4], ip6: REACHABILITY_VALUES[ip6] }
      }
    })
    metrics.registerMetricGroup('libp2p_nat_addresses', {
      help: 'Addresses by state and transport',
      label: 'state_transport',
      calculate: () => addresses.complete(countBy(gauges.getCandidates(), ({ state, socket }) => `${state.status}_${socket.protocol}`))
    })
    metrics.registerMetricGroup('libp2p_nat_mappings', {
      help: 'Mappings by state and protocol of the gateway',
      label: 'state_via',
      calculate: () => mappings.complete(countBy(gauges.getMappings(), ({ state, via }) => `${state}_${via ?? 'none'}`))
    })
    metrics.registerMetricGroup('libp2p_nat_gateway_up', {
      help: '1 for each protocol a gateway is spoken to in',
      label: 'via',
      calculate: () => gateways.complete(new Map(gauges.getGateways().map(({ protocol }) => [protocol, 1])))
    })
  }

  /**
   * A gateway answered, or did not
   */
  onMappingRequest (via: string, result: string): void {
    this.#mappingRequests?.(via, result)
  }

  /**
   * The public address is another one
   */
  onAddressChange (): void {
    this.#addressChanges?.()
  }

  /**
   * A server answered
   */
  onProbe (result: string): void {
    this.#probes?.(result)
  }

  /**
   * A client was answered
   */
  onServerRequest (status: string): void {
    this.#serverRequests?.(status)
  }
}

/**
 * Tells a label that is gone as 0, as a registry never forgets one. All labels are made
 * of states and protocols, so they are few.
 */
class KnownLabels {
  readonly #seen = new Set<string>()

  complete (figures: Map<string, number>): Record<string, number> {
    figures.forEach((_, label) => { this.#seen.add(label) })

    return Object.fromEntries([...this.#seen].map(label => [label, figures.get(label) ?? 0]))
  }
}

function countBy<T> (values: T[], keyOf: (value: T) => string): Map<string, number> {
  const counts = new Map<string, number>()

  for (const value of values) {
    const key = keyOf(value)
    counts.set(key, (counts.get(key) ?? 0) + 1)
  }

  return counts
}
