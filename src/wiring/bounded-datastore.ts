import { withinTime } from '../connections/index.ts'
import type { Clock } from '../clock.ts'
import type { AbortOptions } from '@libp2p/interface'
import type { Batch, Datastore, Key, Pair, Query } from 'interface-datastore'

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
  return Object.create(components, { datastore: { value: new BoundedDatastore(components.datastore, clock) } })
}

/**
 * A datastore each of whose operations rejects with a `TimeoutError` when it takes too
 * long, and never throws at once
 */
export class BoundedDatastore implements ManagerDatastore {
  readonly #datastore: ManagerDatastore
  readonly #clock: Clock

  constructor (datastore: ManagerDatastore, clock: Clock) {
    this.#datastore = datastore
    this.#clock = clock
  }

  async has (key: Key): Promise<boolean> {
    return this.#limit(signal => this.#datastore.has(key, { signal }))
  }

  async get (key: Key): Promise<Uint8Array> {
    return this.#limit(signal => this.#datastore.get(key, { signal }))
  }

  async put (key: Key, value: Uint8Array): Promise<Key> {
    return this.#limit(signal => this.#datastore.put(key, value, { signal }))
  }

  async delete (key: Key): Promise<void> {
    return this.#limit(signal => this.#datastore.delete(key, { signal }))
  }

  batch (): Batch {
    const batch = this.#datastore.batch()

    return {
      put: (key, value) => { batch.put(key, value) },
      delete: key => { batch.delete(key) },
      commit: async (options?: AbortOptions) => this.#limit(signal => batch.commit({ ...options, signal }))
    }
  }

  /**
   * Every record has the time that one operation may take
   */
  async * query (query: Query): AsyncGenerator<Pair> {
    const found: Iterable<Pair> | AsyncIterable<Pair> = this.#datastore.query(query)
    const iterator = Symbol.asyncIterator in found ? found[Symbol.asyncIterator]() : found[Symbol.iterator]()
    const advance = async (): Promise<IteratorResult<Pair>> => this.#limit<IteratorResult<Pair>>(() => iterator.next())
    let isDone = false

    try {
      for (let next = await advance(); next.done !== true; next = await advance()) {
        yield next.value
      }

      isDone = true
    } finally {
      if (!isDone) {
        // not waited for, as what hangs would hang here too
        this.#limit(async () => iterator.return?.()).catch(() => {})
      }
    }
  }

  async #limit <T> (task: (signal: AbortSignal) => T | Promise<T>): Promise<T> {
    return withinTime(async signal => task(signal), DATASTORE_TIMEOUT, this.#clock)
  }
}
