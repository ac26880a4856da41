import { isPeerId } from '@libp2p/interface'
import { toError } from '../errors.ts'
import { createGate, deniedInTime } from './gate.ts'
import type { GateComponents, GateInit } from './gate.ts'
import type { AnswerLimit, BanList, OnUserDenial } from '../gating/index.ts'
import type { Refusal } from '../metrics/index.ts'
import type { ConnectionGater, Logger, MultiaddrConnection } from '@libp2p/interface'

export interface UserDenialsComponents {
  log: Logger

  /**
   * A connection was refused that admission has let in
   */
  onRefuse(refusal: Refusal): void
}

/**
 * The hooks that are asked about inbound connections. Their last argument is the
 * connection, the one before is its peer, if that is known.
 */
const INBOUND_HOOKS: readonly string[] = ['denyInboundConnection', 'denyInboundEncryptedConnection', 'denyInboundUpgradedConnection']

/**
 * What is asked whether a connection is allowed, and what looks after the user's gater,
 * which is asked first
 */
export interface Gaters {
  gater: ConnectionGater
  limitGater: AnswerLimit
  onUserDenial: OnUserDenial
}

/**
 * Ranges that may not connect are denied by admission, as it tells of what it refuses
 */
export function createGaters (rooms: GateComponents & UserDenialsComponents & { bans: BanList }, init: Omit<GateInit, 'bans' | 'deny'>): Gaters {
  return {
    gater: createGate(rooms, { ...init, bans: rooms.bans, deny: [] }),
    limitGater: async denied => deniedInTime(denied, rooms),
    onUserDenial: tellOfUserDenials(rooms)
  }
}

/**
 * Tells of inbound connections that the user's gater denies, and logs what it throws.
 * Dials that it denies fail, and are told then.
 */
function tellOfUserDenials ({ log, onRefuse }: UserDenialsComponents): OnUserDenial {
  return (hook, args, thrown) => {
    if (thrown != null) {
      log.error('%s of the connection gater failed - %e', hook, thrown)
    }

    if (INBOUND_HOOKS.includes(hook)) {
      // the hooks have no other last argument
      const { remoteAddr } = args.at(-1) as MultiaddrConnection
      const peer = isPeerId(args[0]) ? args[0].toString() : undefined

      onRefuse({
        reason: 'gater',
        remoteAddr,
        peer,
        scope: peer == null ? 'system' : `peer:${peer}`,
        current: 0,
        limit: 0,
        error: thrown == null ? undefined : toError(thrown)
      })
    }
  }
}
