import { saveAnchors, takeAnchors } from './anchor-store.ts'
import type { AnchorDatastore } from './anchor-store.ts'
import type { OutboundPeer } from './outbound-connections.ts'
import type { CandidateSource } from './source-reader.ts'
import type { TopUpTools } from './top-up-tools.ts'

/**
 * Remembers a few peers while the node does not run, so that who surrounds it with
 * peers of his own while it starts does not have it all
 */
export class AnchorKeeper {
  readonly #datastore: AnchorDatastore
  readonly #count: number
  readonly #tools: TopUpTools
  #stored: string[] = []

  constructor (datastore: AnchorDatastore, count: number, tools: TopUpTools) {
    this.#datastore = datastore
    this.#count = count
    this.#tools = tools
  }

  /**
   * Gives each anchor once
   */
  get source (): CandidateSource {
    const { parseAddress } = this.#tools
    const take = (): string | undefined => this.#stored.shift()

    return {
      name: 'anchors',
      interval: 0,
      limit: Infinity,
      open: function * () {
        for (let anchor = take(); anchor != null; anchor = take()) {
          // what is no address is passed on as it is, and skipped as invalid
          yield parseAddress(anchor) ?? anchor
        }
      }
    }
  }

  /**
   * @throws {Error} if the datastore fails
   */
  async load (): Promise<void> {
    this.#stored = this.#count === 0 ? [] : (await takeAnchors(this.#datastore, this.#tools.ANCHORS_KEY)).slice(0, this.#count)
  }

  /**
   * Those of the peers that were connected for longest, and not through a relay
   *
   * @throws {Error} if the datastore fails
   */
  async save (peers: readonly OutboundPeer[]): Promise<void> {
    this.#stored = []

    const anchors = [...peers]
      .filter(({ isBootstrap }) => !isBootstrap)
      .sort((a, b) => a.openedAt - b.openedAt)
      .flatMap(({ connections, key }) => {
        const direct = [...connections].find(connection => connection.direct)

        return direct == null ? [] : [this.#tools.withPeer(direct.remoteAddr, key).toString()]
      })
      .slice(0, this.#count)

    if (anchors.length > 0) {
      await saveAnchors(this.#datastore, this.#tools.ANCHORS_KEY, anchors)
    }
  }
}
