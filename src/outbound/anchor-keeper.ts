import { multiaddr } from '@multiformats/multiaddr'
import { saveAnchors, takeAnchors } from './anchor-store.ts'
import { withPeer } from './candidate.ts'
import type { AnchorDatastore } from './anchor-store.ts'
import type { OutboundPeer } from './outbound-connections.ts'
import type { CandidateSource } from './source-reader.ts'

/**
 * Remembers a few peers while the node does not run, so that who surrounds it with
 * peers of his own while it starts does not have it all
 */
export class AnchorKeeper {
  private readonly datastore: AnchorDatastore
  private readonly count: number
  private stored: string[] = []

  constructor (datastore: AnchorDatastore, count: number) {
    this.datastore = datastore
    this.count = count
  }

  /**
   * Gives each anchor once
   */
  get source (): CandidateSource {
    const take = (): string | undefined => this.stored.shift()

    return {
      name: 'anchors',
      interval: 0,
      limit: Infinity,
      open: function * () {
        for (let anchor = take(); anchor != null; anchor = take()) {
          yield parse(anchor)
        }
      }
    }
  }

  /**
   * @throws {Error} if the datastore fails
   */
  async load (): Promise<void> {
    this.stored = this.count === 0 ? [] : (await takeAnchors(this.datastore)).slice(0, this.count)
  }

  /**
   * Those of the peers that were connected for longest, and not through a relay
   *
   * @throws {Error} if the datastore fails
   */
  async save (peers: readonly OutboundPeer[]): Promise<void> {
    this.stored = []

    const anchors = [...peers]
      .filter(({ isBootstrap }) => !isBootstrap)
      .sort((a, b) => a.openedAt - b.openedAt)
      .flatMap(({ connections, key }) => {
        const direct = [...connections].find(connection => connection.direct)

        return direct == null ? [] : [withPeer(direct.remoteAddr, key).toString()]
      })
      .slice(0, this.count)

    if (anchors.length > 0) {
      await saveAnchors(this.datastore, anchors)
    }
  }
}

/**
 * What is no address is passed on as it is, and skipped as invalid
 */
function parse (text: string): unknown {
  try {
    return multiaddr(text)
  } catch {
    return text
  }
}
