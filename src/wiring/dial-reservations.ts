import { transportKind } from '../addresses/index.ts'
import type { RealmRooms } from './realm-rooms.ts'
import type { ConnectionScope, ResourceManager } from '../resources/index.ts'
import type { Connection, PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * What an attempt to dial an address holds
 */
export interface DialReservation {
  /**
   * The attempt has ended. What the connection has taken over, if there is one, it
   * keeps. Harmless when it was called before.
   */
  release(): void
}

interface Attempt extends DialReservation {
  readonly scope: ConnectionScope
}

export interface DialReservationsComponents {
  resources: ResourceManager
  realms: Pick<RealmRooms, 'makePlace'>
}

/**
 * Reserves what an outbound connection costs before it is dialled
 */
export class DialReservations {
  readonly #components: DialReservationsComponents

  /**
   * Several attempts may be made at one address, if they are forced
   */
  readonly #attempts = new Map<string, Attempt[]>()

  /**
   * Places of peers that are about to be dialled again
   */
  readonly #places = new Map<string, ConnectionScope>()

  constructor (components: DialReservationsComponents) {
    this.#components = components
  }

  /**
   * @throws {ConnectionLimitError} if there is no room
   */
  reserve (multiaddr: Multiaddr, peerId?: PeerId): DialReservation {
    const scope = this.#takePlace(peerId?.toString() ?? '') ?? this.#open(multiaddr, peerId)
    const key = multiaddr.toString()
    const attempt: Attempt = {
      scope,
      release: () => {
        if (this.#remove(key, attempt)) {
          scope.release()
        }
      }
    }

    this.#attempts.set(key, [...this.#attempts.get(key) ?? [], attempt])

    return attempt
  }

  /**
   * Keep a place for a peer that is about to be dialled, while it has none. Returns
   * a function that gives it up, if it was not used. Where there is no room, none is
   * kept.
   */
  keepPlace (peer: string, realm: string | undefined): () => void {
    try {
      const scope = this.#components.resources.openConnection({ direction: 'outbound', peer, realm })
      this.#places.get(peer)?.release()
      this.#places.set(peer, scope)

      return () => {
        if (this.#places.get(peer) === scope) {
          this.#places.delete(peer)
          scope.release()
        }
      }
    } catch {
      return () => {}
    }
  }

  #open (multiaddr: Multiaddr, peerId?: PeerId): ConnectionScope {
    const { realms, resources } = this.#components
    const direction = 'outbound'

    return resources.openConnection({ direction, fileDescriptor: needsFileDescriptor(multiaddr), ...peerId == null ? {} : realms.makePlace(peerId, direction) })
  }

  #takePlace (peer: string): ConnectionScope | undefined {
    const scope = this.#places.get(peer)
    this.#places.delete(peer)

    return scope
  }

  /**
   * A connection was opened. Returns what was reserved for it, if it was dialled
   * through here; it is the connection's from now on.
   */
  opened (connection: Connection): ConnectionScope | undefined {
    // the text of an address is kept once it was asked for
    if (this.#attempts.size === 0) {
      return
    }

    const key = connection.remoteAddr.toString()
    const attempt = this.#attempts.get(key)?.[0] ?? this.#attempts.get(withoutPeer(key))?.[0]

    if (attempt == null) {
      return
    }

    this.#remove(key, attempt)
    this.#remove(withoutPeer(key), attempt)

    return attempt.scope
  }

  #remove (key: string, attempt: Attempt): boolean {
    const attempts = this.#attempts.get(key)

    if (attempts?.includes(attempt) !== true) {
      return false
    }

    if (attempts.length === 1) {
      this.#attempts.delete(key)
    } else {
      this.#attempts.set(key, attempts.filter(other => other !== attempt))
    }

    return true
  }
}

/**
 * A connection adds the peer to an address that was dialled without
 */
function withoutPeer (multiaddr: string): string {
  const index = multiaddr.lastIndexOf('/p2p/')

  return index === -1 ? multiaddr : multiaddr.slice(0, index)
}

function needsFileDescriptor (multiaddr: Multiaddr): boolean {
  const kind = transportKind(multiaddr)

  return kind === 'tcp' || kind === 'ws' || kind === 'wss'
}
