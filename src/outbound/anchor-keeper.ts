import { Key } from 'interface-datastore'
import { parseAddress } from './parse-peers.ts'
import { withPeer } from './peer-addresses.ts'
import type { OutboundPeer } from './outbound-connections.ts'
import type { CandidateSource } from './source-reader.ts'
import type { Datastore } from 'interface-datastore'

/**
 * Where the anchors are in the node's datastore
 */
export const ANCHORS_KEY = new Key('/libp2p-connmgr/anchors')

/**
 * What is needed of the node's datastore
 */
export type AnchorDatastore = Pick<Datastore, 'get' | 'has' | 'put'>

/**
 * More than this is not read, whatever is stored
 */
const MAX_ANCHORS = 100

/**
 * Remembers a few peers while the node does not run, so that who surrounds it with
 * peers of his own while it starts does not have it all. They stay in the datastore until
 * there are others: a run that ends before it has connected to anybody loses none.
 */
export class AnchorKeeper {
  readonly #datastore: AnchorDatastore
  readonly #count: number

  /**
   * What the datastore holds
   */
  #stored: readonly string[] = []

  /**
   * Those of them that the source has not given yet
   */
  #left: string[] = []

  constructor (datastore: AnchorDatastore, count: number) {
    this.#datastore = datastore
    this.#count = count
  }

  /**
   * Gives each anchor once
   */
  get source (): CandidateSource {
    const take = (): string | undefined => this.#left.shift()

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
    this.#stored = this.#count === 0 ? [] : (await readAnchors(this.#datastore, ANCHORS_KEY)).slice(0, this.#count)
    this.#left = [...this.#stored]
  }

  /**
   * Those of the peers that were connected for longest, and not through a relay; where
   * they are too few, those of before
   *
   * @throws {Error} if the datastore fails
   */
  async save (peers: readonly OutboundPeer[]): Promise<void> {
    const anchors = [...peers]
      .filter(({ isBootstrap }) => !isBootstrap)
      .sort((a, b) => a.openedAt - b.openedAt)
      .flatMap(({ connections, key }) => {
        const direct = [...connections].find(connection => connection.direct)

        return direct == null ? [] : [{ key, text: withPeer(direct.remoteAddr, key).toString() }]
      })
    const earlier = this.#stored.filter(text => !anchors.some(({ key }) => text.endsWith(`/p2p/${key}`)))
    this.#left = []

    if (anchors.length > 0) {
      const texts = [...anchors.map(({ text }) => text), ...earlier].slice(0, Math.min(this.#count, MAX_ANCHORS))
      this.#stored = texts
      await this.#datastore.put(ANCHORS_KEY, new TextEncoder().encode(JSON.stringify(texts)))
    }
  }
}

/**
 * What is stored of anchors. What is broken counts as nothing.
 *
 * @throws {Error} if the datastore fails
 */
export async function readAnchors (datastore: AnchorDatastore, key: Key): Promise<string[]> {
  if (!await datastore.has(key)) {
    return []
  }

  const bytes = await datastore.get(key)

  try {
    const stored: unknown = JSON.parse(new TextDecoder().decode(bytes))

    return Array.isArray(stored) ? stored.slice(0, MAX_ANCHORS).filter(multiaddr => typeof multiaddr === 'string') : []
  } catch {
    return []
  }
}
