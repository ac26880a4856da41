import { ResourceLimitError } from '../resources/index.ts'
import type { DialReservations } from './dial-reservations.ts'
import type { ConnectionCandidate } from './eviction-candidates.ts'
import type { InboundConnections } from './inbound-connections.ts'
import type { RealmRooms } from './realm-rooms.ts'
import type { Replacements } from './replacements.ts'
import type { Admission, AdmissionPipeline } from '../admission/index.ts'
import type { ConnectionEntry, ConnectionTable } from '../core/index.ts'
import type { ConnectionScope, OnFull, ResourceManager } from '../resources/index.ts'
import type { Connection } from '@libp2p/interface'

export interface HeldScopesComponents {
  table: Pick<ConnectionTable, 'get'>
  resources: ResourceManager
  pipeline: AdmissionPipeline<ConnectionScope, ConnectionCandidate>
  inbound: InboundConnections
  dials: DialReservations
  realms: Pick<RealmRooms, 'makePlace' | 'tellFull'>
  replacements: Pick<Replacements, 'makePlace'>
}

/**
 * What was taken for a connection: by its admission, or only its scope
 */
type Held = Admission<ConnectionScope> | ConnectionScope

/**
 * Knows what is reserved for each open connection. A connection that came in
 * through admission or was dialled through the queue brings it along. Others, as
 * after hole punching, are counted when they are open.
 */
export class HeldScopes {
  readonly #components: HeldScopesComponents

  constructor (components: HeldScopesComponents) {
    this.#components = components
  }

  of (connection: Connection): ConnectionScope | undefined {
    const held = heldBy(this.#components.table.get(connection))

    return held == null ? undefined : scopeOf(held)
  }

  /**
   * A connection was opened. Returns the error if there is no room for it, then it
   * has to be closed.
   */
  opened (entry: ConnectionEntry): ResourceLimitError | undefined {
    const { inbound, dials, realms } = this.#components
    const { connection } = entry

    try {
      const held = inbound.opened(connection) ?? dials.opened(connection) ?? this.#count(connection)
      const scope = scopeOf(held)
      entry.taken = held

      if (scope.peer == null && !scope.released) {
        const { peer, realm } = realms.makePlace(connection.remotePeer, connection.direction, connection.remoteAddr)
        scope.setPeer(peer, realm, this.#onFull(connection))
      }
    } catch (err) {
      if (err instanceof ResourceLimitError) {
        realms.tellFull(err, connection.remotePeer, err)

        return err
      }

      throw err
    }
  }

  /**
   * A connection was closed
   */
  closed (entry: ConnectionEntry): void {
    const held = heldBy(entry)

    if (isAdmission(held)) {
      this.#components.pipeline.release(held)
    } else {
      held?.release()
    }
  }

  #count (connection: Connection): Held {
    const { pipeline, realms, resources } = this.#components
    const { direction, remoteAddr, remotePeer } = connection
    const onFull = this.#onFull(connection)

    return direction === 'inbound'
      ? pipeline.account(remoteAddr, onFull)
      : resources.openConnection({ direction, ...realms.makePlace(remotePeer, direction, remoteAddr), onFull })
  }

  #onFull ({ direction, remotePeer }: Connection): OnFull {
    return error => this.#components.replacements.makePlace(error, { peer: remotePeer.toString(), isDialled: direction === 'outbound' })
  }
}

function heldBy (entry: ConnectionEntry | undefined): Held | undefined {
  // only `opened` sets it
  return entry?.taken as Held | undefined
}

function scopeOf (held: Held): ConnectionScope {
  return isAdmission(held) ? held.reservation : held
}

function isAdmission (held: Held | undefined): held is Admission<ConnectionScope> {
  return held != null && 'reservation' in held
}
