import { defaultLimits, mergeLimits, validateLimits } from '../resources/index.ts'
import type { AdmissionPipeline, StreamRates } from '../admission/index.ts'
import type { ConnectionExcess, Limits, RealmLimits, Realms, ResourceManager, ResourceStat, ScopeLimits, ScopeStat, SpanScope, StreamRateLimits, SubnetLimits } from '../resources/index.ts'

export interface ResourceControlsComponents {
  resources: ResourceManager
  realms: Realms
  pipeline: Pick<AdmissionPipeline, 'maxPending' | 'setRateLimits' | 'setSubnetLimits'>
  streamRates: Pick<StreamRates, 'setLimits'>
}

/**
 * Who uses how much, and may use. Limits change at run time and hold at once. With
 * `limits: false` nothing is counted by scope, and `setLimit` has no effect.
 */
export class ResourceControls {
  readonly #components: ResourceControlsComponents
  readonly #maxPending: number
  #subnets: SubnetLimits
  #streamRates: StreamRateLimits

  /**
   * What was asked for, in contrast to defaults
   */
  #system: ScopeLimits

  /**
   * @param components - the rooms that hold the limits
   * @param given - the limits that were asked for, `false` for none
   * @param limits - these with the defaults
   * @param maxPending - how many connections may be being upgraded
   */
  constructor (components: ResourceControlsComponents, given: Limits | false, limits: Limits, maxPending: number) {
    this.#components = components
    this.#maxPending = maxPending
    this.#subnets = limits.subnets ?? {}
    this.#streamRates = limits.streamRates ?? {}
    this.#system = given === false ? {} : given.system ?? {}
  }

  /**
   * Who uses what, against which limit
   */
  stat (): ResourceStat {
    return this.#components.resources.stat()
  }

  /**
   * What one scope uses, or `undefined` if nothing is counted
   *
   * @param scope - `system`, `transient`, `peer:<peer id>`, `realm:<realm>`,
   * `protocol:<protocol>` or `service:<service>`
   * @throws {InvalidOptionError} when there can be no such scope
   */
  scopeStat (scope: string): ScopeStat | undefined {
    return this.#components.resources.scopeStat(scope)
  }

  /**
   * By how many connections a scope exceeds its limits, because they were lowered
   *
   * @throws {InvalidOptionError} when there can be no such scope
   */
  excess (scope: string): ConnectionExcess {
    return this.#components.resources.excess(scope)
  }

  /**
   * Memory for something that is neither a connection nor a stream
   *
   * @throws {InvalidOptionError} when there can be no such scope
   */
  beginSpan (scope: string): SpanScope {
    return this.#components.resources.beginSpan(scope)
  }

  /**
   * Change limits. Fields that are left out stay as they are. Nothing more is let in
   * than the new limits allow; what is open stays open, except that a realm gives what
   * it has above its limits, as with `realms.setLimit`, and that the watermarks follow the
   * limits of `system`: the next connection causes a trim.
   *
   * @param scope - a key of `limits` that is not a plural, e.g. `system` or `peer`,
   * which changes it for all peers that have no limit of their own; or one with the
   * name of one scope, e.g. `peer:12D3KooW…`, `realm:chain`,
   * `protocolPeer:/ipfs/ping/1.0.0`
   * @throws {InvalidOptionError} when there can be no such scope, or it is no limit,
   * and then nothing has changed
   */
  setLimit (scope: string, limits: RealmLimits): void {
    const { realms, resources } = this.#components

    if (`${scope}`.startsWith('realm:')) {
      realms.setLimit(scope.slice('realm:'.length), limits)
      return
    }

    resources.setLimit(scope, limits)

    if (scope === 'system') {
      this.#system = { ...this.#system, ...limits }
    }
  }

  /**
   * Change how many connections may come from a network, and how often. Lists that
   * are left out stay as they are. What is open stays open.
   *
   * @throws {InvalidOptionError} that names the field, e.g.
   * `limits.subnets.ipv4[0].prefix`, and then nothing has changed
   */
  setSubnetLimits (limits: SubnetLimits): void {
    const { pipeline } = this.#components
    const { rates: changedRates, ...changed } = validateLimits({ subnets: limits }).subnets ?? {}
    this.#subnets = mergeLimits({ subnets: this.#subnets }, { subnets: { ...changed, rates: changedRates } }).subnets ?? {}
    const { rates = {}, ...subnets } = this.#subnets

    if (Object.keys(changed).length > 0) {
      pipeline.setSubnetLimits(subnets)
    }

    // whoever has used up his rate has not got a new one because of another change
    if (changedRates != null) {
      pipeline.setRateLimits(rates)
    }
  }

  /**
   * Change how fast remotes may open streams. Rates that are left out stay as they are.
   *
   * @throws {InvalidOptionError} that names the field, e.g.
   * `limits.streamRates.protocolPeer.burst`, and then nothing has changed
   */
  setStreamRates (limits: StreamRateLimits): void {
    const changed = validateLimits({ streamRates: limits })
    this.#streamRates = mergeLimits({ streamRates: this.#streamRates }, changed).streamRates ?? {}
    this.#components.streamRates.setLimits(this.#streamRates)
  }

  /**
   * The system limits that nobody asked for follow `maxConnections`
   */
  followMaxConnections (maxConnections: number): void {
    const { system } = mergeLimits(defaultLimits(maxConnections, this.#maxPending), { system: this.#system })

    if (system != null) {
      this.#components.resources.setLimit('system', system)
    }
  }
}
