import { withinTime } from '../core/index.ts'
import type { Clock } from '../clock.ts'
import type { Datastore, Pair, Query } from 'interface-datastore'

/**
 * What the manager uses of a datastore
 */
export type ManagerDatastore = Pick<Datastore, 'batch' | 'delete' | 'get' | 'has' | 'put' | 'query'>

/**
 * In ms: a datastore that says nothing for longer counts as failed. Writes to a busy
 * disk take seconds, so it is more than that.
 */
export const DATASTORE_TIMEOUT = 5_000

/**
 * The components with a datastore that answers in time or fails
 */
export function withBoundedDatastore <T extends { datastore: ManagerDatastore }> (components: T, clock: Clock): T {
  return Object.create(components, { datastore: { value: boundedDatastore(components.datastore, clock) } })
}

/**
 * A datastore each of whose operations rejects with a `TimeoutError` when it takes too
 * long, and never throws at once
 */
function boundedDatastore (datastore: ManagerDatastore, clock: Clock): ManagerDatastore {
  const limit = async <T>(task: (signal: AbortSignal) => T | Promise<T>): Promise<T> => withinTime(async signal => task(signal), DATASTORE_TIMEOUT, clock)

  return {
    has: async key => limit(signal => datastore.has(key, { signal })),
    get: async key => limit(signal => datastore.get(key, { signal })),
    put: async (key, value) => limit(signal => datastore.put(key, value, { signal })),
    delete: async key => limit(signal => datastore.delete(key, { signal })),

    batch: () => {
      const batch = datastore.batch()

      return {
        put: (key, value) => { batch.put(key, value) },
        delete: key => { batch.delete(key) },
        commit: async () => limit(signal => batch.commit({ signal }))
      }
    },

    // every record has the time that one operation may take
    query: async function * (query: Query): AsyncGenerator<Pair> {
      const found: Iterable<Pair> | AsyncIterable<Pair> = datastore.query(query)
      const iterator = Symbol.asyncIterator in found ? found[Symbol.asyncIterator]() : found[Symbol.iterator]()
      const advance = async (): Promise<IteratorResult<Pair>> => limit<IteratorResult<Pair>>(() => iterator.next())

      try {
        for (let next = await advance(); next.done !== true; next = await advance()) {
          yield next.value
        }
      } finally {
        // not waited for, as what hangs would hang here too
        limit(async () => iterator.return?.()).catch(() => {})
      }
    }
  }
}
