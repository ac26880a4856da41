import { ConnectionEntry } from '../core/index.ts'
import { ResourceLimitError, holdScope, reserveConnection } from '../resources/index.ts'
import type { ConnectionCandidate } from './eviction-candidates.ts'
import type { RealmRooms } from './realm-rooms.ts'
import type { Replacements } from './replacements.ts'
import type { AdmissionPipeline, AdmissionRefusal } from '../admission/index.ts'
import type { OpenEntry, PendingConnections } from '../core/index.ts'
import type { ConnectionScope, OnFull, ResourceManager } from '../resources/index.ts'
import type { MultiaddrConnection, PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

export interface ConnectionChargesComponents {
  resources: ResourceManager
  pipeline: AdmissionPipeline<ConnectionCandidate>
  pending: PendingConnections
  realms: Pick<RealmRooms, 'makePlace' | 'tellFull'>
  replacements: Pick<Replacements, 'makePlace'>
}

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

/**
 * Takes what connections cost: for those that come in before they are upgraded, for those that
 * are dialled before they are, for others, as after hole punching, when they are open. What was
 * taken is noted in the record of the connection, which gives it back.
 */
export class ConnectionCharges {
  readonly #components: ConnectionChargesComponents

  /**
   * Places of peers that are about to be dialled again
   */
  readonly #places = new Map<string, ConnectionScope>()

  constructor (components: ConnectionChargesComponents) {
    this.#components = components
  }

  /**
   * A remote has connected. Returns whether it may come in.
   */
  accept (socket: MultiaddrConnection): boolean {
    const { pending, pipeline } = this.#components
    const entry = new ConnectionEntry('accepted', socket.remoteAddr, false)
    entry.socket = socket

    if (pipeline.admit(entry) != null) {
      return false
    }

    pending.accepted(entry)

    return true
  }

  /**
   * The peer of an inbound connection is authenticated. Returns why it may not stay. Holes
   * that were punched are encrypted as if they had been accepted: they are counted when they
   * are open.
   */
  identify ({ timeline }: Pick<MultiaddrConnection, 'timeline'>, peer: string, realm?: string): AdmissionRefusal | undefined {
    const { pending, pipeline } = this.#components
    const entry = pending.get(timeline)

    return entry?.scope == null || entry.dialled ? undefined : pipeline.identify(entry, peer, realm)
  }

  /**
   * An address is dialled next. If there is no place, another connection gives up its own:
   * one for all addresses of the peer that are tried at the same time.
   *
   * @param multiaddr - the address
   * @param peerId - the peer, if it is known
   * @param signal - what the transport is given
   * @throws {ConnectionLimitError} if there is no place
   */
  dial (multiaddr: Multiaddr, peerId: PeerId | undefined, signal: AbortSignal): DialReservation {
    const entry = new ConnectionEntry('dialling', multiaddr, true)
    const place = this.#takePlace(peerId?.toString() ?? '')

    if (place == null) {
      this.#reserveDial(entry, peerId)
    } else {
      holdScope(entry, place)
    }

    return { release: this.#components.pending.dialled(entry, signal) }
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

  /**
   * A connection was opened. Returns the error if there is no room for it, then it
   * has to be closed.
   */
  opened (entry: OpenEntry): ResourceLimitError | undefined {
    const { pipeline, realms } = this.#components
    const { direction, remoteAddr, remotePeer } = entry.connection

    try {
      if (entry.scope == null) {
        this.#count(entry)
      } else {
        pipeline.upgraded(entry)
      }

      const { scope } = entry

      if (scope != null && scope.peer == null && !scope.released) {
        const { peer, realm } = realms.makePlace(remotePeer, direction, remoteAddr)
        scope.setPeer(peer, realm, this.#onFull(entry))
      }
    } catch (err) {
      if (err instanceof ResourceLimitError) {
        realms.tellFull(err, remotePeer, err)

        return err
      }

      throw err
    }
  }

  #reserveDial (entry: ConnectionEntry, peerId: PeerId | undefined): void {
    const { realms, replacements, resources } = this.#components
    const peer = peerId?.toString()

    try {
      reserveConnection(entry, resources, {
        direction: 'outbound',
        fileDescriptor: entry.fileDescriptor,
        ...peerId == null ? {} : realms.makePlace(peerId, 'outbound'),
        onFull: error => !this.#isTried(peer) && replacements.makePlace(error, { peer, isDialled: true })
      })
    } catch (err) {
      if (err instanceof ResourceLimitError) {
        realms.tellFull(err, peerId, err)
      }

      throw err
    }
  }

  #count (entry: OpenEntry): void {
    const { pipeline, realms, resources } = this.#components
    const { direction, remoteAddr, remotePeer } = entry.connection
    const onFull = this.#onFull(entry)

    if (direction === 'inbound') {
      pipeline.account(entry, onFull)
    } else {
      reserveConnection(entry, resources, { direction, ...realms.makePlace(remotePeer, direction, remoteAddr), onFull })
    }
  }

  #onFull ({ connection: { direction, remotePeer } }: OpenEntry): OnFull {
    return error => this.#components.replacements.makePlace(error, { peer: remotePeer.toString(), isDialled: direction === 'outbound' })
  }

  #isTried (peer: string | undefined): boolean {
    return peer != null && [...this.#components.pending.dials()].some(({ scope }) => scope?.peer === peer)
  }

  #takePlace (peer: string): ConnectionScope | undefined {
    const scope = this.#places.get(peer)
    this.#places.delete(peer)

    return scope
  }
}
