import { InvalidOptionError } from './errors.ts'
import type { OutboundInit } from './outbound/index.ts'
import type { Limits, ResourcesInit, ScopeLimits } from './resources/index.ts'
import type { TrimmingConfig, TrimmingInit, Watermarks } from './trimming/index.ts'

/**
 * The least of some options, and the name of the one that it is
 */
interface Bound {
  readonly option: string
  readonly value: number
}

type Given = TrimmingInit & ResourcesInit & OutboundInit

/**
 * What is given for the number of connections must not contradict the limits that are
 * given: a watermark above them would never be reached, and nothing ever be trimmed.
 * Watermarks that are not given follow the limits.
 *
 * @throws {InvalidOptionError} that names both options, and their values
 */
export function assertConnectionBounds (init: Given, { highWater }: Watermarks, { realmSettings }: Pick<TrimmingConfig, 'realmSettings'>): void {
  const limits = init.limits === false ? {} : init.limits ?? {}
  const system = boundOf(limits.system, 'limits.system')
  const target = init.outbound?.target

  atMost('highWater', init.highWater === Infinity ? undefined : init.highWater, system)
  atMost('lowWater', init.lowWater, system)

  // what is dialled for the target would be trimmed for the watermark, for ever
  atMost('outbound.target', target, least([{ option: 'highWater', value: highWater }, withoutReserves(system, limits)]))
  atMost('outbound.target', target, fieldOf(limits.system, 'connectionsOutbound', 'limits.system'))

  for (const [realm, settings] of realmSettings) {
    const path = `realmSettings.${realm}.highWater`
    const given = settings.highWater === Infinity ? undefined : settings.highWater
    const own = limits.realms?.[realm]

    atMost(path, given, least([boundOf({ ...limits.realm, ...own }, `limits.realms.${realm}`), system]))

    // nobody could use the rest of the reserve, and it would be kept all the same
    if (given != null && own?.reserved != null && given < own.reserved) {
      throw new InvalidOptionError(path, given, `at least limits.realms.${realm}.reserved (${own.reserved})`)
    }
  }
}

/**
 * The least number of connections that the limits of a scope allow
 */
function boundOf (limits: ScopeLimits | undefined, path: string): Bound {
  const inbound = fieldOf(limits, 'connectionsInbound', path)
  const outbound = fieldOf(limits, 'connectionsOutbound', path)

  return least([
    fieldOf(limits, 'connections', path),
    { option: `${inbound.option} and ${outbound.option} together`, value: inbound.value + outbound.value }
  ])
}

function withoutReserves ({ option, value }: Bound, { realms = {} }: Limits): Bound {
  const reserved = Object.values(realms).reduce((sum, { reserved = 0 }) => sum + reserved, 0)

  return reserved === 0 ? { option, value } : { option: `${option} without what realms reserve`, value: value - reserved }
}

function fieldOf (limits: ScopeLimits | undefined, field: 'connections' | 'connectionsInbound' | 'connectionsOutbound', path: string): Bound {
  const limit = limits?.[field]

  return { option: `${path}.${field}`, value: limit === 'blockAll' ? 0 : Number(limit === 'unlimited' ? Infinity : limit ?? Infinity) }
}

function least (bounds: readonly Bound[]): Bound {
  return bounds.reduce((first, bound) => bound.value < first.value ? bound : first)
}

function atMost (option: string, value: number | undefined, bound: Bound): void {
  if (value != null && value > bound.value) {
    throw new InvalidOptionError(option, value, `at most ${bound.option} (${bound.value})`)
  }
}
