import type { ConnectionManagerService } from '../connection-manager.ts'

/**
 * What the inspector uses of the connection manager
 */
export type InspectedManager = Pick<ConnectionManagerService, 'bans' | 'closeConnections' | 'connectionCount' |
  'decisions' | 'explain' | 'getConnection' | 'getConnectionsMap' | 'getDialQueue' | 'getStats' | 'getTagInfo' | 'isProtected' |
  'protect' | 'realms' | 'resources' | 'trim' | 'unprotect'>

/**
 * What the inspector uses of the reachability service, where there is one
 */
export interface InspectedReachability {
  getReachability(): { state: string, ip4: string, ip6: string, reason: string }
  getMappings(): ReadonlyArray<{ protocol: string, internal: { host: string, port: number }, external?: { host: string, port: number }, via?: string, state: string }>
  getAddressStates(): ReadonlyArray<{ addr: { toString(): string }, state: string, success: number, failure: number }>
}

const MANAGER_METHODS = ['getStats', 'getTagInfo', 'isProtected', 'connectionCount', 'explain', 'decisions'] as const
const REACHABILITY_METHODS = ['getReachability', 'getMappings', 'getAddressStates'] as const

/**
 * Whether a component is our connection manager, and not libp2p's own
 */
export function isInspectedManager (component: unknown): component is InspectedManager {
  return hasMethods(component, MANAGER_METHODS)
}

/**
 * Whether a component is our reachability service
 */
export function isInspectedReachability (component: unknown): component is InspectedReachability {
  return hasMethods(component, REACHABILITY_METHODS)
}

function hasMethods (component: unknown, names: readonly string[]): boolean {
  return typeof component === 'object' && component != null && names.every(name => typeof Reflect.get(component, name) === 'function')
}
