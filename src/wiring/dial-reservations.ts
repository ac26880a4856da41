import { transportKind } from '../addresses/index.ts'
import { ResourceLimitError } from '../resources/index.ts'
import type { RealmRooms } from './realm-rooms.ts'
import type { Replacements } from './replacements.ts'
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
  /**
   * The address that is dialled
   */
  readonly address: string

  /**
   * The id of the peer that is dialled, if it is known
   */
  readonly peer: string | undefined
  readonly scope: ConnectionScope
}

export interface DialReservationsComponents {
  resources: ResourceManager
  realms: Pick<RealmRooms, 'makePlace' | 'tellFull'>
  replacements: Pick<Replacements, 'makePlace'>
}

/**
 * Reserves what an outbound connection costs before it is dialled
 */
export class DialReservations {
  readonly #components: DialReservationsComponents

  /**
   * Several attempts may be made at one address, if they are forced
   */
  readonly #attempts = new Set<Attempt>()

  /**
   * Places of peers that are about to be dialled again
   */
  readonly #places = new Map<string, ConnectionScope>()

  constructor (components: DialReservationsComponents) {
    this.#components = components
  }

  /**
   * If there is no place, another connection gives up its own: one for all addresses
   * of the peer that are tried at the same time.
   *
   * @throws {ConnectionLimitError} if there is no place
   */
  reserve (multiaddr: Multiaddr, peerId?: PeerId): DialReservation {
    const scope = this.#takePlace(peerId?.toString() ?? '') ?? this.#open(multiaddr, peerId)
    const attempt: Attempt = {
      address: multiaddr.toString(),
      peer: peerId?.toString(),
      scope,
      release: () => {
        if (this.#attempts.delete(attempt)) {
          scope.release()
        }
      }
    }

    this.#attempts.add(attempt)

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
    const { realms, replacements, resources } = this.#components
    const direction = 'outbound'

    try {
      return resources.openConnection({
        direction,
        fileDescriptor: needsFileDescriptor(multiaddr),
        ...peerId == null ? {} : realms.makePlace(peerId, direction),
        onFull: error => !this.#isTried(peerId?.toString()) && replacements.makePlace(error, { peer: peerId?.toString(), isDialled: true })
      })
    } catch (err) {
      if (err instanceof ResourceLimitError) {
        realms.tellFull(err, peerId, err)
      }

      throw err
    }
  }

  #isTried (peer: string | undefined): boolean {
    return peer != null && [...this.#attempts].some(attempt => attempt.peer === peer)
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

    const address = connection.remoteAddr.toString()
    const attempts = [...this.#attempts]
    const attempt = attempts.find(attempt => attempt.address === address) ?? attempts.find(attempt => attempt.address === withoutPeer(address))

    if (attempt != null) {
      this.#attempts.delete(attempt)
    }

    return attempt?.scope
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
