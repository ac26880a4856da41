import { Snapshot } from './snapshot.ts'
import type { Clock } from '../clock.ts'
import type { Metrics } from '@libp2p/interface'

/**
 * What there is a metric of, and the name of it
 */
const RESOURCES = {
  connections: 'connections',
  connectionsInbound: 'connections_inbound',
  connectionsOutbound: 'connections_outbound',
  fileDescriptors: 'file_descriptors',
  streams: 'streams',
  streamsInbound: 'streams_inbound',
  streamsOutbound: 'streams_outbound',
  memory: 'memory_bytes'
} as const

type MeasuredResource = keyof typeof RESOURCES

/**
 * What is in use of a scope, and how much may be
 */
export interface ScopeFigures {
  readonly usage: Readonly<Record<MeasuredResource, number>>

  /**
   * What is left out has no limit
   */
  readonly limits: Readonly<Partial<Record<MeasuredResource, number | string>>>
}

/**
 * A scope by its name, e.g. `system` or `realm:chain`
 */
export type NamedScopeFigures = readonly [name: string, figures: ScopeFigures]

/**
 * Where the figures come from
 */
export interface ResourceMetricsSource {
  clock: Pick<Clock, 'nextTurn'>

  /**
   * Scopes of which there are always the same few
   */
  scopes(): Iterable<NamedScopeFigures>

  /**
   * Scopes of realms
   */
  realms(): Iterable<NamedScopeFigures>

  /**
   * Scopes of protocols
   */
  protocols(): Iterable<NamedScopeFigures>
}

/**
 * So many realms are told apart, those with the most connections when they were first
 * told
 */
export const MAX_MEASURED_REALMS = 64

/**
 * So many protocols are told apart, those with the most streams when they were first
 * told
 */
export const MAX_MEASURED_PROTOCOLS = 32

/**
 * Registers what is in use in the scopes of the resource manager, and their limits.
 * There is one metric of what is in use and one of the limits for each resource, both
 * with the scope as their label, so that one can be divided by the other.
 */
export function registerResourceMetrics (metrics: Metrics | undefined, source: ResourceMetricsSource): void {
  const realms = new ToldScopes(MAX_MEASURED_REALMS, 'realm:other', 'connections')
  const protocols = new ToldScopes(MAX_MEASURED_PROTOCOLS, 'protocol:other', 'streams')
  const scopes = new Snapshot(source.clock, () => new Map([
    ...source.scopes(),
    ...realms.choose(source.realms()),
    ...protocols.choose(source.protocols())
  ]))

  for (const [resource, name] of Object.entries(RESOURCES) as Array<[MeasuredResource, string]>) {
    const limited = new Set<string>()

    metrics?.registerMetricGroup(`libp2p_rcmgr_${name}`, {
      label: 'scope',
      help: `What is in use: ${name.replaceAll('_', ' ')}`,
      calculate: () => Object.fromEntries([...scopes.get()].map(([scope, { usage }]) => [scope, usage[resource]]))
    })
    metrics?.registerMetricGroup(`libp2p_rcmgr_${name}_limit`, {
      label: 'scope',
      help: `What may be in use: ${name.replaceAll('_', ' ')}`,
      calculate: () => limitsOf(scopes.get(), resource, limited)
    })
  }
}

/**
 * A registry keeps the last figure of a label that is left out, so what is limited no
 * more is told to have an infinite limit
 */
function limitsOf (scopes: ReadonlyMap<string, ScopeFigures>, resource: MeasuredResource, limited: Set<string>): Record<string, number> {
  const limits = new Map<string, number>([...limited].map(scope => [scope, Infinity]))

  for (const [scope, figures] of scopes) {
    const limit = figures.limits[resource]

    if (typeof limit === 'number') {
      limited.add(scope)
      limits.set(scope, limit)
    }
  }

  return Object.fromEntries(limits)
}

/**
 * Chooses which scopes of a kind are told. A scope that was told once is told for ever,
 * with nothing in use when it is gone; what was never told adds up to one more.
 */
class ToldScopes {
  readonly #max: number
  readonly #otherName: string
  readonly #resource: MeasuredResource

  /**
   * The scopes that were told, and their last limits
   */
  readonly #told = new Map<string, ScopeFigures['limits']>()
  #hasOthers = false

  constructor (max: number, otherName: string, resource: MeasuredResource) {
    this.#max = max
    this.#otherName = otherName
    this.#resource = resource
  }

  choose (scopes: Iterable<NamedScopeFigures>): NamedScopeFigures[] {
    const chosen = new Map<string, ScopeFigures>([...this.#told].map(([name, limits]) => [name, { usage: nothing(), limits }]))
    const others: NamedScopeFigures[] = []

    for (const scope of scopes) {
      if (chosen.has(scope[0])) {
        chosen.set(...scope)
      } else {
        others.push(scope)
      }
    }

    others.sort(([, a], [, b]) => b.usage[this.#resource] - a.usage[this.#resource])

    for (const scope of others.splice(0, this.#max - this.#told.size)) {
      chosen.set(...scope)
    }

    for (const [name, { limits }] of chosen) {
      this.#told.set(name, limits)
    }

    this.#hasOthers ||= others.length > 0

    return this.#hasOthers ? [...chosen, [this.#otherName, { usage: sum(others), limits: {} }]] : [...chosen]
  }
}

function nothing (): Record<MeasuredResource, number> {
  return { connections: 0, connectionsInbound: 0, connectionsOutbound: 0, fileDescriptors: 0, streams: 0, streamsInbound: 0, streamsOutbound: 0, memory: 0 }
}

function sum (scopes: readonly NamedScopeFigures[]): Record<MeasuredResource, number> {
  const total = nothing()

  for (const [, { usage }] of scopes) {
    for (const resource of Object.keys(total) as MeasuredResource[]) {
      total[resource] += usage[resource]
    }
  }

  return total
}
