import { serviceCapabilities } from '@libp2p/interface'
import { TypedEventEmitter } from 'main-event'
import { assertOptionsOf } from '../start-checks.ts'
import { resolveOptions } from './resolve-options.ts'
import type { ReachabilityComponents } from './components.ts'
import type { AddressReachability, GatewayInfo, MappingInfo, ReachabilityEvents, ReachabilityStatus } from './events.ts'
import type { ReachabilityInit } from './options.ts'
import type { ReachabilityService as Original } from './reachability.ts'
import type { Startable } from '@libp2p/interface'

type Surface = Pick<Original, 'isStarted' | 'getReachability' | 'getAddressStates' | 'getMappings' | 'getGateways' | 'probe' | 'refresh'>

/**
 * Browsers have no sockets: there is no address that could be verified, and no
 * gateway that could be asked
 */
export class ReachabilityService extends TypedEventEmitter<ReachabilityEvents> implements Startable, Surface {
  constructor (components: Pick<ReachabilityComponents, 'logger'>, init: ReachabilityInit = {}) {
    super()

    resolveOptions(init)
    components.logger.forComponent('libp2p:reachability')('there are no sockets, reachability does nothing here')
  }

  readonly [Symbol.toStringTag] = 'libp2p-connmgr/reachability'

  readonly [serviceCapabilities]: string[] = [
    '@libp2p/autonat',
    '@libp2p/nat-traversal'
  ]

  isStarted (): boolean {
    return false
  }

  start (): void {}

  stop (): void {}

  getReachability (): ReachabilityStatus {
    return { state: 'unknown', ip4: 'unknown', ip6: 'unknown', reason: 'no-servers' }
  }

  getAddressStates (): AddressReachability[] {
    return []
  }

  getMappings (): MappingInfo[] {
    return []
  }

  getGateways (): GatewayInfo[] {
    return []
  }

  probe (): void {}

  refresh (): void {}
}

/**
 * The service of the same name does nothing in browsers, and its state is `unknown`
 *
 * @throws {InvalidOptionError} an option has a value that it may not have
 */
export function reachability (init: ReachabilityInit = {}): (components: Pick<ReachabilityComponents, 'logger'>) => ReachabilityService {
  assertOptionsOf('reachability', init)

  return components => new ReachabilityService(components, init)
}
