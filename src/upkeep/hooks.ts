import type { MessageStreamDirection, MultiaddrConnection, PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * Asked before a peer is dialled. Returning `false`, or throwing, denies it. Where an
 * address is dialled that does not tell its peer, there is no `peerId`, but the address;
 * who that turns out to be, `afterConnect` is asked.
 */
export interface BeforeConnect {
  (peerId: PeerId | undefined, multiaddr?: Multiaddr): boolean | undefined | Promise<boolean | undefined>
}

/**
 * Asked when the peer of a connection is authenticated, before the connection is
 * opened. Returning `false`, or throwing, denies it.
 */
export interface AfterConnect {
  (peerId: PeerId, connection: MultiaddrConnection, direction: MessageStreamDirection): boolean | undefined | Promise<boolean | undefined>
}

/**
 * One of the hooks denies
 */
export interface Denial {
  /**
   * What it has thrown, if it did not say no itself
   */
  readonly thrown?: unknown
}

/**
 * Whether one of the hooks denies. They are asked one after the other, and none
 * after the first that does.
 */
export async function findDenial <Args extends unknown[]> (hooks: ReadonlyArray<(...args: Args) => boolean | undefined | Promise<boolean | undefined>>, ...args: Args): Promise<Denial | undefined> {
  for (const hook of hooks) {
    try {
      if (await hook(...args) === false) {
        return {}
      }
    } catch (err) {
      return { thrown: err ?? new Error('A hook has thrown nothing') }
    }
  }
}
