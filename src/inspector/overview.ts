import type { InspectedManager, InspectedReachability } from './inspected.ts'

/**
 * What is in use in a scope, and how much may be
 */
export interface ScopeRow {
  readonly name: string

  /**
   * Only what is limited or in use
   */
  readonly usage: ReadonlyArray<{ readonly resource: string, readonly used: number, readonly limit: number | null }>
}

/**
 * What the page shows besides the peers
 */
export interface Overview {
  readonly peerId: string

  /**
   * Whether there is a token with which something can be changed
   */
  readonly isWritable: boolean
  readonly stats: {
    readonly connections: number
    readonly inbound: number
    readonly outbound: number
    readonly peers: number
    readonly inboundPending: number
    readonly outboundPending: number
    readonly maxConnections: number | null
    readonly highWater: number | null
    readonly lowWater: number | null
  }
  readonly scopes: readonly ScopeRow[]

  /**
   * `reserved` are places that are kept. The last one, without a name, are those that
   * are in no realm.
   */
  readonly realms: ReadonlyArray<{ readonly realm?: string, readonly peers?: number, readonly connections: number, readonly limit: number | null, readonly reserved: number }>
  readonly dials: ReadonlyArray<{ readonly id: string, readonly status: string, readonly peer?: string, readonly address?: string, readonly addresses: number }>
  readonly dialCount: number

  /**
   * `expires` is in ms since the epoch, `null` if it does not
   */
  readonly bans: ReadonlyArray<{ readonly target: string, readonly kind: string, readonly expires: number | null, readonly reason?: string }>
  readonly banCount: number
  readonly reachability?: {
    readonly state: string
    readonly ip4: string
    readonly ip6: string
    readonly reason: string
    readonly addresses: ReadonlyArray<{ readonly address: string, readonly state: string, readonly success: number, readonly failure: number }>
    readonly mappings: ReadonlyArray<{ readonly protocol: string, readonly internal: string, readonly external?: string, readonly via?: string, readonly state: string }>
  }
}

/**
 * What is listed of things of which there can be any number
 */
const MAX_LISTED = 100

export interface OverviewComponents {
  peerId: string
  manager: InspectedManager
  reachability?: InspectedReachability
  isWritable: boolean
}

/**
 * The numbers of this moment
 */
export function overview ({ peerId, manager, reachability, isWritable }: OverviewComponents): Overview {
  const { connections, inbound, outbound, peers, inboundPending, outboundPending, maxConnections, highWater, lowWater, bans } = manager.getStats()
  const dials = manager.getDialQueue()

  return {
    peerId,
    isWritable,
    stats: {
      connections,
      inbound,
      outbound,
      peers,
      inboundPending,
      outboundPending,
      maxConnections: finite(maxConnections),
      highWater: finite(highWater),
      lowWater: finite(lowWater)
    },
    scopes: scopeRows(manager),
    realms: realmRows(manager, connections),
    dials: dials.slice(0, MAX_LISTED).map(({ id, status, peerId, multiaddrs }) => ({
      id,
      status,
      peer: peerId?.toString(),
      address: multiaddrs[0]?.toString(),
      addresses: multiaddrs.length
    })),
    dialCount: dials.length,
    bans: manager.bans.list().slice(0, MAX_LISTED).map(({ target, kind, expires, reason }) => ({ target, kind, expires: finite(expires), reason })),
    banCount: bans,
    reachability: reachability == null ? undefined : reachabilityOf(reachability)
  }
}

type Scope = ReturnType<InspectedManager['resources']['stat']>['system']

function scopeRows (manager: InspectedManager): ScopeRow[] {
  const stat = manager.resources.stat()
  const named = (kind: string, scopes: Readonly<Record<string, Scope>>): ScopeRow[] => {
    return Object.entries(scopes).slice(0, MAX_LISTED).map(([name, scope]) => scopeRow(`${kind}:${name}`, scope))
  }

  return [
    scopeRow('system', stat.system),
    scopeRow('transient', stat.transient),
    scopeRow('allowListed', stat.allowListed),
    ...named('realm', stat.realms),
    ...named('service', stat.services),
    ...named('protocol', stat.protocols)
  ].filter(({ usage }) => usage.length > 0)
}

function scopeRow (name: string, { usage, limits }: Scope): ScopeRow {
  const rows = Object.entries(usage).map(([resource, used]) => ({ resource, used, limit: limitOf(Reflect.get(limits, resource)) }))

  return { name, usage: rows.filter(({ used, limit }) => used > 0 || (limit != null && limit > 0)) }
}

function realmRows (manager: InspectedManager, total: number): Array<Overview['realms'][number]> {
  const realms = manager.realms.list().slice(0, MAX_LISTED).map(({ realm, peers, connections, limits }) => ({
    realm,
    peers,
    connections,
    limit: limitOf(limits.connections),
    reserved: limits.reserved ?? 0
  }))
  const inRealms = realms.reduce((sum, { connections }) => sum + connections, 0)

  return [...realms, { connections: Math.max(0, total - inRealms), limit: null, reserved: 0 }]
}

function reachabilityOf (reachability: InspectedReachability): NonNullable<Overview['reachability']> {
  const { state, ip4, ip6, reason } = reachability.getReachability()
  const endpoint = ({ host, port }: { host: string, port: number }): string => host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`

  return {
    state,
    ip4,
    ip6,
    reason,
    addresses: reachability.getAddressStates().slice(0, MAX_LISTED).map(({ addr, state, success, failure }) => ({ address: addr.toString(), state, success, failure })),
    mappings: reachability.getMappings().slice(0, MAX_LISTED).map(({ protocol, internal, external, via, state }) => ({
      protocol,
      internal: endpoint(internal),
      external: external == null ? undefined : endpoint(external),
      via,
      state
    }))
  }
}

/**
 * JSON has no infinity
 */
function finite (value: number): number | null {
  return Number.isFinite(value) ? value : null
}

function limitOf (limit: unknown): number | null {
  return limit === 'blockAll' ? 0 : typeof limit === 'number' ? finite(limit) : null
}
