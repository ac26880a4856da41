/**
 * @packageDocumentation
 *
 * A connection manager that takes the place of the one that js-libp2p comes with.
 * It is a service of `createLibp2p`, with nothing else changed in the node: it has
 * to be named `connectionManager`, and should come first.
 *
 * @example Getting started
 *
 * ```TypeScript
 * import { noise } from '@libp2p/noise'
 * import { tcp } from '@libp2p/tcp'
 * import { yamux } from '@libp2p/yamux'
 * import { createLibp2p } from 'libp2p'
 * import { connectionManager } from 'libp2p-connmgr'
 *
 * const node = await createLibp2p({
 *   addresses: {
 *     listen: ['/ip4/127.0.0.1/tcp/0']
 *   },
 *   transports: [tcp()],
 *   connectionEncrypters: [noise()],
 *   streamMuxers: [yamux()],
 *   services: {
 *     connectionManager: connectionManager({
 *       lowWater: 160,
 *       highWater: 192
 *     })
 *   }
 * })
 *
 * const manager = node.services.connectionManager
 *
 * manager.addEventListener('connection:trim', ({ detail }) => {
 *   console.info('trimmed', detail.closed.length, 'of', detail.before, 'connections')
 * })
 *
 * await node.stop()
 * ```
 */

export { ConnectionManagerService, connectionManager } from './connection-manager.ts'
export { FAST_LIVENESS, NORMAL_LIVENESS, RELAXED_LIVENESS } from './upkeep/index.ts'
export { InvalidOptionError } from './errors.ts'
export { explainDialError } from './dialing/index.ts'
export { BanListFullError, banList, connectionGater } from './gating/index.ts'
export { inspector } from './inspector/index.ts'
export { GatewayError, ReachabilityService, reachability } from './reachability/index.ts'
export { coreRetryChance, satoshiRetryChance } from './outbound/index.ts'
export { ConnectionLimitError, MemoryLimitError, RateLimitError, ResourceLimitError, StreamLimitError, autoScale, limitsFromJSON, limitsToJSON, mergeLimits } from './resources/index.ts'
export { bounded, compareVictims, expire, fixed, linear, noDecay, overwrite, selectVictims, sum } from './trimming/index.ts'
export type * from './clock.ts'
export type * from './connection-manager.ts'
export type * from './config.ts'
export type * from './admission/index.ts'
export type * from './upkeep/index.ts'
export type * from './dialing/index.ts'
export type * from './gating/index.ts'
export type * from './inspector/index.ts'
export type * from './install.ts'
export type * from './metrics/index.ts'
export type * from './reachability/index.ts'
export type * from './outbound/index.ts'
export type * from './resources/index.ts'
export type * from './trimming/index.ts'
export type * from './wiring/index.ts'
