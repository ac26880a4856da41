import { Key } from 'interface-datastore'
import type { Datastore } from 'interface-datastore'

/**
 * Where the anchors are in the node's datastore
 */
export const ANCHORS_KEY = new Key('/libp2p-connmgr/anchors')

/**
 * What is needed of the node's datastore
 */
export type AnchorDatastore = Pick<Datastore, 'get' | 'has' | 'put' | 'delete'>

/**
 * More than this is not read, whatever is stored
 */
const MAX_ANCHORS = 100

/**
 * Store the addresses of peers to be dialled first when the node starts again, each
 * with the id of its peer
 */
export async function saveAnchors (datastore: AnchorDatastore, multiaddrs: readonly string[]): Promise<void> {
  await datastore.put(ANCHORS_KEY, new TextEncoder().encode(JSON.stringify(multiaddrs.slice(0, MAX_ANCHORS))))
}

/**
 * Read what {@link saveAnchors} stored, and delete it: a node that crashes because of
 * one of these peers does not dial it again (Bitcoin Core). What is broken counts as
 * nothing.
 */
export async function takeAnchors (datastore: AnchorDatastore): Promise<string[]> {
  if (!await datastore.has(ANCHORS_KEY)) {
    return []
  }

  const bytes = await datastore.get(ANCHORS_KEY)
  await datastore.delete(ANCHORS_KEY)

  try {
    const stored: unknown = JSON.parse(new TextDecoder().decode(bytes))

    return Array.isArray(stored) ? stored.slice(0, MAX_ANCHORS).filter(multiaddr => typeof multiaddr === 'string') : []
  } catch {
    return []
  }
}
