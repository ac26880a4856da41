import { isPeerId } from '@libp2p/interface'
import { toError } from '../errors.ts'
import type { OnUserDenial } from '../gating/index.ts'
import type { Refusal } from '../metrics/index.ts'
import type { Logger, MultiaddrConnection } from '@libp2p/interface'

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
 * Tells of inbound connections that the user's gater denies, and logs what it throws.
 * Dials that it denies fail, and are told then.
 */
export function tellOfUserDenials ({ log, onRefuse }: UserDenialsComponents): OnUserDenial {
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
