import { TimeLimit, isDenied, untilAborted } from '../connections/index.ts'
import { connectionGater } from '../gating/index.ts'
import type { InboundConnections } from './inbound-connections.ts'
import type { Clock } from '../clock.ts'
import type { AfterConnect, BeforeConnect, Flapping } from '../connections/index.ts'
import type { ConnectionGaterInit } from '../gating/index.ts'
import type { Refusal, RefusalReason } from '../metrics/index.ts'
import type { Realms } from '../resources/index.ts'
import type { Standing } from '../trimming/index.ts'
import type { ConnectionGater, Logger, MultiaddrConnection, PeerId } from '@libp2p/interface'

export interface GateComponents {
  inbound: InboundConnections
  raw: WeakMap<object, MultiaddrConnection>
  flapping?: Flapping
  standing: Standing
  log: Logger
  clock: Clock

  realms: { realms: Pick<Realms, 'placeOf'> }

  /**
   * A connection was refused that admission has let in
   */
  onRefuse(refusal: Refusal): void
}

export interface GateInit extends ConnectionGaterInit {
  beforeConnect: BeforeConnect[]
  afterConnect: AfterConnect[]
}

/**
 * In ms: hooks that say nothing for longer deny. What waits for them holds a place, and
 * an upgrade may take twice as long by default.
 */
const HOOK_TIMEOUT = 5_000

/**
 * What a hook answers, or `true` if it says nothing in time
 *
 * @throws {unknown} what the hook rejects with
 */
export async function deniedInTime (denied: Promise<boolean>, { clock, log }: Pick<GateComponents, 'clock' | 'log'>): Promise<boolean> {
  const limit = new TimeLimit(HOOK_TIMEOUT, clock)

  return untilAborted(denied, limit.signal)
    .catch(err => {
      if (!limit.signal.aborted) {
        throw err
      }

      log.error('a hook did not say whether to connect - %e', err)

      return true
    })
    .finally(() => { limit.clear() })
}

/**
 * The manager's part of the node's connection gater: bans and ranges, the limits
 * that need to know the peer, peers that flap, and the user's hooks
 */
export function createGate (components: GateComponents, init: GateInit): ConnectionGater {
  const { inbound, raw, flapping, onRefuse, realms: { realms }, standing } = components
  const network = connectionGater(init)

  // without hooks there is nothing to wait for: whoever is upgraded late may miss what the remote sends at once
  const denies = async <Args extends unknown[]>(...[hooks, ...args]: Parameters<typeof isDenied<Args>>): Promise<boolean> => hooks.length > 0 && deniedInTime(isDenied(hooks, ...args), components)

  // ranges were looked at when the connection was made, bans may be newer than it
  const isBanned = async (peerId: PeerId, maConn: MultiaddrConnection): Promise<boolean> => await network.denyInboundEncryptedConnection?.(peerId, maConn) === true

  const refuse = (reason: RefusalReason, peerId: PeerId, { remoteAddr }: MultiaddrConnection): true => {
    onRefuse({ reason, remoteAddr, peer: peerId.toString(), scope: `peer:${peerId.toString()}`, current: 0, limit: 0 })

    return true
  }

  return {
    // bans and ranges, wherever there is nothing else to be asked
    ...network,

    // admission asks that itself, as it tells of what it refuses
    denyInboundConnection: undefined,

    denyDialPeer: async peerId => await network.denyDialPeer?.(peerId) === true || denies(init.beforeConnect, peerId),

    denyInboundEncryptedConnection: async (peerId, maConn) => {
      const refusal = inbound.identify(maConn, peerId.toString(), realms.placeOf(peerId))

      if (refusal != null) {
        return true
      }

      if (flapping?.isDenied(peerId.toString()) === true && !standing.isProtected(peerId)) {
        return refuse('flapping', peerId, maConn)
      }

      return await isBanned(peerId, maConn) && refuse('banned', peerId, maConn)
    },

    denyInboundUpgradedConnection: async (peerId, maConn) => {
      raw.set(maConn.timeline, maConn)

      if (await denies(init.afterConnect, peerId, maConn, 'inbound')) {
        return refuse('hook', peerId, maConn)
      }

      return await isBanned(peerId, maConn) && refuse('banned', peerId, maConn)
    },

    denyOutboundUpgradedConnection: async (peerId, maConn) => {
      raw.set(maConn.timeline, maConn)

      return await denies(init.afterConnect, peerId, maConn, 'outbound') || await network.denyOutboundUpgradedConnection?.(peerId, maConn) === true
    }
  }
}
