import { ResourceLimitError } from '../resources/index.ts'
import type { DialReservations } from './dial-reservations.ts'
import type { InboundConnections } from './inbound-connections.ts'
import type { MakeRoomInRealm } from './make-room-in-realm.ts'
import type { IpAddress } from '../addresses/index.ts'
import type { Admission } from '../admission/index.ts'
import type { ConnectionEntry, ConnectionTable } from '../connections/index.ts'
import type { ConnectionScope, ResourceManager } from '../resources/index.ts'
import type { Connection, PeerId } from '@libp2p/interface'

export interface HeldScopesComponents {
  table: Pick<ConnectionTable, 'get'>
  resources: ResourceManager
  inbound: InboundConnections
  dials: DialReservations

  /**
   * The realm that the connections of a peer count in
   */
  realmOf(peerId: PeerId): string | undefined

  makeRoom: MakeRoomInRealm
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
   * The host of a connection that came in through admission
   */
  hostOf (entry: ConnectionEntry): IpAddress | undefined {
    const held = heldBy(entry)

    return held != null && isAdmission(held) ? held.ip : undefined
  }

  /**
   * A connection was opened. Returns the error if there is no room for it, then it
   * has to be closed.
   */
  opened (entry: ConnectionEntry): ResourceLimitError | undefined {
    const { inbound, dials } = this.#components
    const { connection } = entry

    try {
      const held = inbound.opened(connection) ?? dials.opened(connection) ?? this.#count(connection)
      const scope = scopeOf(held)
      entry.taken = held

      if (scope.peer == null && !scope.released) {
        const { peer, realm } = this.#makeRoomFor(connection)
        scope.setPeer(peer, realm)
      }
    } catch (err) {
      if (err instanceof ResourceLimitError) {
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

    if (held != null && isAdmission(held)) {
      this.#components.inbound.release(held)
    } else {
      held?.release()
    }
  }

  #count (connection: Connection): Held {
    const { direction } = connection

    return direction === 'inbound'
      ? this.#components.inbound.account(connection)
      : this.#components.resources.openConnection({ direction, ...this.#makeRoomFor(connection) })
  }

  #makeRoomFor ({ direction, remotePeer }: Connection): { peer: string, realm: string | undefined } {
    const { makeRoom, realmOf } = this.#components
    const peer = remotePeer.toString()
    const realm = realmOf(remotePeer)

    if (realm != null) {
      makeRoom(realm, peer, direction)
    }

    return { peer, realm }
  }
}

function heldBy (entry: ConnectionEntry | undefined): Held | undefined {
  // only `opened` sets it
  return entry?.taken as Held | undefined
}

function scopeOf (held: Held): ConnectionScope {
  return isAdmission(held) ? held.reservation : held
}

function isAdmission (held: Held): held is Admission<ConnectionScope> {
  return 'reservation' in held
}
