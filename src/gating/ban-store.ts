import { Key } from 'interface-datastore'
import { MAX_REASON_LENGTH, parseBanTarget } from './ban.ts'
import type { Ban, BanSubject } from './ban.ts'
import type { Datastore } from 'interface-datastore'

/**
 * Where bans are in the node's datastore
 */
export const BANS_PREFIX = '/libp2p-connmgr/bans'

/**
 * What was found under the key of a ban
 */
export interface StoredBan {
  readonly key: Key

  /**
   * `undefined` if it is not what was stored by this module
   */
  readonly ban: Ban | undefined
}

/**
 * Bans in a datastore, one record each
 */
export class BanStore {
  readonly #datastore: Datastore

  constructor (datastore: Datastore) {
    this.#datastore = datastore
  }

  /**
   * The ban of somebody, `undefined` if there is none or it is broken
   */
  async get (subject: Pick<BanSubject, 'kind' | 'target'>): Promise<Ban | undefined> {
    const key = banKey(subject)

    return await this.#datastore.has(key) ? decodeBan(key, await this.#datastore.get(key)) : undefined
  }

  /**
   * Stores a ban and, in the same step, deletes another one
   */
  async put (ban: Ban, replaced?: Ban): Promise<void> {
    const batch = this.#datastore.batch()
    batch.put(banKey(ban), encodeBan(ban))

    if (replaced != null) {
      batch.delete(banKey(replaced))
    }

    await batch.commit()
  }

  async delete (key: Key): Promise<void> {
    await this.#datastore.delete(key)
  }

  /**
   * All that is stored, in no order
   */
  async * query (): AsyncGenerator<StoredBan> {
    for await (const { key, value } of this.#datastore.query({ prefix: `${BANS_PREFIX}/` })) {
      yield { key, ban: decodeBan(key, value) }
    }
  }
}

/**
 * A slash would begin another level of the key, and a colon may not be in the
 * name of a file
 */
export function banKey ({ kind, target }: Pick<BanSubject, 'kind' | 'target'>): Key {
  return new Key(`${BANS_PREFIX}/${kind}/${target.replaceAll('/', '_').replaceAll(':', '-')}`)
}

function encodeBan (ban: Ban): Uint8Array {
  // JSON has no infinity
  return new TextEncoder().encode(JSON.stringify({ ...ban, expires: ban.expires === Infinity ? null : ban.expires }))
}

/**
 * The store may be shared and edited, so nothing of what it returns is trusted
 */
function decodeBan (key: Key, bytes: Uint8Array): Ban | undefined {
  try {
    const { kind, target, created, expires, reason, automatic }: Record<string, unknown> = JSON.parse(new TextDecoder().decode(bytes))

    if (typeof target !== 'string' || !Number.isFinite(created) || (expires !== null && !Number.isFinite(expires))) {
      return undefined
    }

    const subject = parseBanTarget(target)

    if (subject.kind !== kind || subject.target !== target || banKey(subject).toString() !== key.toString()) {
      return undefined
    }

    return {
      kind: subject.kind,
      target,
      created: Number(created),
      expires: expires === null ? Infinity : Number(expires),
      ...(typeof reason === 'string' ? { reason: reason.slice(0, MAX_REASON_LENGTH) } : {}),
      ...(automatic === true ? { automatic } : {})
    }
  } catch (err) {
    return undefined
  }
}
