import type { Libp2pEvents, Logger } from '@libp2p/interface'
import type { TypedEventTarget } from 'main-event'

/**
 * What is done with the details of the node's events
 */
export type Followers = { readonly [Type in keyof Libp2pEvents]?: (detail: Libp2pEvents[Type]['detail']) => void }

/**
 * Follow the node's events until the function that is returned is called. An event can
 * come from anywhere and make no sense, so what comes of it is logged where that is an
 * error.
 */
export function follow ({ events, log }: { events: TypedEventTarget<Libp2pEvents>, log: Logger }, followers: Followers): () => void {
  const types = Object.keys(followers) as Array<keyof Followers>
  const listener = ({ type, detail }: Event & { detail?: unknown }): void => {
    try {
      const follower: ((detail: never) => void) | undefined = followers[type as keyof Followers]
      follower?.(detail as never)
    } catch (err) {
      log.error('could not follow %s - %e', type, err)
    }
  }

  types.forEach(type => { events.addEventListener(type, listener) })

  return () => { types.forEach(type => { events.removeEventListener(type, listener) }) }
}
