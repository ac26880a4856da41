import { autoScale } from './auto-scale.ts'
import { LimitedResourceManager } from './limited-resource-manager.ts'
import { mergeLimits } from './merge-limits.ts'
import { UnlimitedResourceManager } from './unlimited-resource-manager.ts'
import { validateLimits } from './validate-limits.ts'
import type { Limits } from './limits.ts'
import type { ResourceManager } from './resource-manager.ts'
import type { OnRefused, RealmOfProtocol } from './scope-tree.ts'

/**
 * The options of a resource manager
 */
export interface ResourceManagerInit {
  /**
   * The limits, of which every field that is left out keeps its default. `false`
   * switches limiting and counting off.
   *
   * @default {}
   */
  limits?: Limits | false

  /**
   * What the fields that are left out are
   *
   * @default autoScale()
   */
  defaults?: Limits

  /**
   * How many connections there may be before no more inbound ones are accepted. What is
   * reserved for realms is kept of these, too.
   *
   * @default Infinity
   */
  maxConnections?: number

  /**
   * Is told of everything that is refused
   *
   * @default undefined
   */
  onRefused?: OnRefused

  /**
   * The realm that streams of a protocol count in, beside that of their connection
   *
   * @default no protocol has a realm
   */
  realmOfProtocol?: RealmOfProtocol
}

/**
 * A resource manager with these limits
 *
 * @throws {InvalidOptionError} that names the field, e.g. `limits.peer.connections`
 */
export function resourceManager (init: ResourceManagerInit = {}): ResourceManager {
  const { limits = {}, maxConnections, onRefused, realmOfProtocol } = init

  if (limits === false) {
    return new UnlimitedResourceManager(maxConnections)
  }

  const defaults = init.defaults ?? autoScale()

  return new LimitedResourceManager({
    limits: mergeLimits(defaults, validateLimits(limits)),
    maxConnections,
    onRefused,
    realmOfProtocol
  })
}
