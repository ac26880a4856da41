import type { Datastore, Key } from 'interface-datastore'

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
export async function saveAnchors (datastore: AnchorDatastore, key: Key, multiaddrs: readonly string[]): Promise<void> {
  await datastore.put(key, new TextEncoder().encode(JSON.stringify(multiaddrs.slice(0, MAX_ANCHORS))))
}

/**
 * Read what {@link saveAnchors} stored, and delete it: a node that crashes because of
 * one of these peers does not dial it again (Bitcoin Core). What is broken counts as
 * nothing.
 */
export async function takeAnchors (datastore: AnchorDatastore, key: Key): Promise<string[]> {
  if (!await datastore.has(key)) {
    return []
  }

  const bytes = await datastore.get(key)
  await datastore.delete(key)

  try {
    const stored: unknown = JSON.parse(new TextDecoder().decode(bytes))

    return Array.isArray(stored) ? stored.slice(0, MAX_ANCHORS).filter(multiaddr => typeof multiaddr === 'string') : []
  } catch {
    return []
  }
}
