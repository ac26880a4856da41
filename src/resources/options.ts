import { aFunction, anObject, orFalse } from '../options.ts'
import { autoScale } from './auto-scale.ts'
import { mergeLimits } from './merge-limits.ts'
import { validateLimits } from './validate-limits.ts'
import type { Limits, ScopeLimits } from './limits.ts'
import type { RealmOf } from './realm-types.ts'
import type { ServiceOf } from './service-names.ts'
import type { OptionRules } from '../options.ts'

/**
 * How much may be used, and by whom
 */
export interface ResourcesInit {
  /**
   * Limits by scope. What is left out, down to the single field, keeps its default,
   * which is go-libp2p's for the memory and the file descriptors of this machine.
   * `false` switches limiting off entirely, except for the options that libp2p's
   * own connection manager has.
   *
   * @default autoScale()
   */
  limits?: Limits | false

  /**
   * Which realm a protocol, or a peer, belongs to. Asked for every stream, so it
   * has to be quick.
   *
   * @default the name behind `/realm/` in a protocol, if it is a realm that has limits or members
   */
  realmOf?: RealmOf

  /**
   * Which service a protocol belongs to, as several protocols may share the limits of
   * one in `limits.services` and `limits.servicePeers`. Asked for every stream, so it
   * has to be quick.
   *
   * @default the services that go-libp2p names so, e.g. `libp2p.identify`
   */
  serviceOf?: ServiceOf
}

/**
 * What each of these options may be
 */
export const RESOURCES_RULES: OptionRules<ResourcesInit> = {
  limits: orFalse(anObject),
  realmOf: aFunction,
  serviceOf: aFunction
}

/**
 * `maxConnections` holds inbound connections, the system limit all: the user's own
 * dials, and what is not upgraded yet, need places beside them
 */
const OUTBOUND_HEADROOM = 2

/**
 * The default limits, but so that `maxConnections` can be reached: whoever raises
 * that number need not raise others as well
 */
export function defaultLimits (maxConnections: number, maxPending: number): Limits {
  const defaults = autoScale()

  return mergeLimits(defaults, {
    system: atLeast(defaults.system, maxConnections * OUTBOUND_HEADROOM + maxPending),
    transient: atLeast(defaults.transient, maxPending)
  })
}

/**
 * The limits with their defaults
 *
 * @throws {InvalidOptionError} that names the field, e.g. `limits.peer.connections`
 */
export function resolveLimits (limits: Limits | undefined, maxConnections: number, maxPending: number): Limits {
  return mergeLimits(defaultLimits(maxConnections, maxPending), validateLimits(limits ?? {}))
}

const CONNECTION_FIELDS = ['connections', 'connectionsInbound', 'connectionsOutbound', 'fileDescriptors'] as const

function atLeast (limits: ScopeLimits = {}, connections: number): ScopeLimits {
  const raised = Number.isFinite(connections) ? Math.ceil(connections) : 'unlimited'
  const tooLow = CONNECTION_FIELDS.filter(field => Number(limits[field]) < connections)

  return Object.fromEntries(tooLow.map(field => [field, raised]))
}
