import { KEEP_ALIVE } from '@libp2p/interface'
import { BOOTSTRAP_TAG } from './candidate-source-names.ts'
import type { OutboundPeer } from './outbound-connections.ts'
import type { Connection, Logger, PeerId, PeerStore } from '@libp2p/interface'

export interface ReleaseBootstrapComponents {
  log: Logger
  peerStore: Pick<PeerStore, 'merge'>
  isProtected(peerId: PeerId): boolean
  tagsOf(peerId: PeerId): readonly string[]
  isInUse(connection: Connection): boolean
  close(connection: Connection): void
}

/**
 * The peers that were there to find others have done their part: the tag is taken
 * from them, and their connections are closed. Not of those that are protected, kept
 * alive, or used by the application.
 */
export function releaseBootstrap (peers: readonly OutboundPeer[], components: ReleaseBootstrapComponents): void {
  const { close, isInUse, isProtected, log, peerStore, tagsOf } = components

  for (const { peerId, connections, isBootstrap } of peers) {
    const open = [...connections].filter(({ status }) => status === 'open')

    if (!isBootstrap || open.length === 0 || open.some(isInUse) || isProtected(peerId) || tagsOf(peerId).some(tag => tag.startsWith(KEEP_ALIVE))) {
      continue
    }

    log('releasing the bootstrap peer %p', peerId)
    open.forEach(close)
    peerStore.merge(peerId, { tags: { [BOOTSTRAP_TAG]: undefined } })
      .catch((err: unknown) => { log.error('could not take the tag from %p - %e', peerId, err) })
  }
}
