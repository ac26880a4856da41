import { CODE_P2P } from '@multiformats/multiaddr'
import { TimeLimit, untilAborted } from '../core/index.ts'
import { messageOf } from '../error-message.ts'
import { DialDeniedError, toError } from '../errors.ts'
import { createGater } from '../gating/index.ts'
import { findDenial } from '../upkeep/index.ts'
import type { ConnectionCharges } from './connection-charges.ts'
import type { RealmRooms } from './realm-rooms.ts'
import type { Clock } from '../clock.ts'
import type { ConnectionGaterInit } from '../gating/index.ts'
import type { Refusal, RefusalReason } from '../metrics/index.ts'
import type { Realms } from '../resources/index.ts'
import type { Standing } from '../trimming/index.ts'
import type { AfterConnect, BeforeConnect, Denial, Flapping } from '../upkeep/index.ts'
import type { ConnectionGater, Logger, MultiaddrConnection, PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

export interface GateComponents {
  charges: Pick<ConnectionCharges, 'identify'>
  flapping?: Flapping
  standing: Standing
  log: Logger
  clock: Clock

  realms: Pick<RealmRooms, 'tellFull'> & { realms: Pick<Realms, 'placeOf'> }

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
 * What the user's gater answers, or `true` if it says nothing in time
 *
 * @throws {unknown} what it rejects with
 */
export async function deniedInTime (denied: Promise<boolean>, { clock, log }: Pick<GateComponents, 'clock' | 'log'>): Promise<boolean> {
  return inTime(denied, clock, err => {
    log.error('the connection gater did not say whether to connect - %e', err)

    return true
  })
}

/**
 * @throws {unknown} what the promise rejects with
 */
async function inTime <T> (answer: Promise<T>, clock: Clock, late: (err: unknown) => T): Promise<T> {
  const limit = new TimeLimit(HOOK_TIMEOUT, clock)

  return untilAborted(answer, limit.signal)
    .catch(err => {
      if (!limit.signal.aborted) {
        throw err
      }

      return late(err)
    })
    .finally(() => { limit.clear() })
}

/**
 * The manager's part of the node's connection gater: bans and ranges, the limits
 * that need to know the peer, peers that flap, and the user's hooks
 */
export function createGate (components: GateComponents, init: GateInit): ConnectionGater {
  const { charges, clock, log, flapping, onRefuse, realms: { realms }, standing } = components
  const network = createGater(init, components)

  // without hooks there is nothing to wait for: whoever is upgraded late may miss what the remote sends at once
  const ask = async <Args extends unknown[]>(name: keyof GateInit, ...[hooks, ...args]: Parameters<typeof findDenial<Args>>): Promise<Denial | undefined> => {
    const denial = hooks.length === 0 ? undefined : await inTime<Denial | undefined>(findDenial(hooks, ...args), clock, thrown => ({ thrown }))

    if (denial?.thrown != null) {
      log.error('a %s hook failed, which denies - %e', name, denial.thrown)
    }

    return denial
  }

  // the dial fails with what the hook has thrown
  const denies = async <Args extends unknown[]>(name: keyof GateInit, ...rest: Parameters<typeof findDenial<Args>>): Promise<boolean> => {
    const denial = await ask(name, ...rest)

    if (denial?.thrown != null) {
      throw new DialDeniedError(`A ${name} hook failed: ${messageOf(denial.thrown)}`, { cause: denial.thrown })
    }

    return denial != null
  }

  // ranges were looked at when the connection was made, bans may be newer than it
  const isBanned = async (peerId: PeerId, maConn: MultiaddrConnection): Promise<boolean> => await network.denyInboundEncryptedConnection?.(peerId, maConn) === true

  const refuse = (reason: RefusalReason, peerId: PeerId, { remoteAddr }: MultiaddrConnection, error?: Error): true => {
    onRefuse({ reason, remoteAddr, peer: peerId.toString(), scope: `peer:${peerId.toString()}`, current: 0, limit: 0, error })

    return true
  }

  return {
    // bans and ranges, wherever there is nothing else to be asked
    ...network,

    // admission asks that itself, as it tells of what it refuses
    denyInboundConnection: undefined,

    denyDialPeer: async peerId => await network.denyDialPeer?.(peerId) === true || denies('beforeConnect', init.beforeConnect, peerId),

    // whoever is dialled at an address that tells its peer was asked about already
    denyDialMultiaddr: async multiaddr => await network.denyDialMultiaddr?.(multiaddr) === true ||
      (!endsWithPeer(multiaddr) && denies('beforeConnect', init.beforeConnect, undefined, multiaddr)),

    denyInboundEncryptedConnection: async (peerId, maConn) => {
      const refusal = charges.identify(maConn, peerId.toString(), realms.placeOf(peerId))

      if (refusal != null) {
        components.realms.tellFull(refusal, peerId)

        return true
      }

      if (flapping?.isDenied(peerId.toString()) === true && !standing.isProtected(peerId)) {
        return refuse('flapping', peerId, maConn)
      }

      return await isBanned(peerId, maConn) && refuse('banned', peerId, maConn)
    },

    denyInboundUpgradedConnection: async (peerId, maConn) => {
      const denial = await ask('afterConnect', init.afterConnect, peerId, maConn, 'inbound')

      if (denial != null) {
        return refuse('hook', peerId, maConn, denial.thrown == null ? undefined : toError(denial.thrown))
      }

      return await isBanned(peerId, maConn) && refuse('banned', peerId, maConn)
    },

    denyOutboundUpgradedConnection: async (peerId, maConn) => {
      return await denies('afterConnect', init.afterConnect, peerId, maConn, 'outbound') || await network.denyOutboundUpgradedConnection?.(peerId, maConn) === true
    }
  }
}

function endsWithPeer (multiaddr: Multiaddr): boolean {
  return multiaddr.getComponents().at(-1)?.code === CODE_P2P
}
