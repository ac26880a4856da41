import type { MessageStreamDirection, MultiaddrConnection, PeerId } from '@libp2p/interface'

/**
 * Asked before a peer is dialled. Returning `false`, or throwing, denies it.
 */
export interface BeforeConnect {
  (peerId: PeerId): boolean | undefined | Promise<boolean | undefined>
}

/**
 * Asked when the peer of a connection is authenticated, before the connection is
 * opened. Returning `false`, or throwing, denies it.
 */
export interface AfterConnect {
  (peerId: PeerId, connection: MultiaddrConnection, direction: MessageStreamDirection): boolean | undefined | Promise<boolean | undefined>
}

/**
 * Whether one of the hooks denies. They are asked one after the other, and none
 * after the first that does.
 */
export async function isDenied <Args extends unknown[]> (hooks: ReadonlyArray<(...args: Args) => boolean | undefined | Promise<boolean | undefined>>, ...args: Args): Promise<boolean> {
  for (const hook of hooks) {
    try {
      if (await hook(...args) === false) {
        return true
      }
    } catch {
      return true
    }
  }

  return false
}
