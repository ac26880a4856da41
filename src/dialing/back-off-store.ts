import { Key } from 'interface-datastore'
import type { BackOffEntry } from './back-off.ts'
import type { Datastore } from 'interface-datastore'

/**
 * The key of the record in the node's datastore
 */
export const BACK_OFF_KEY = new Key('/libp2p-connmgr/dial-back-off')

/**
 * How many addresses are stored, the latest failures
 */
export const BACK_OFF_MAX_STORED = 1_000

const MAX_TEXT_LENGTH = 1_024

/**
 * What is needed of the node's datastore
 */
export type BackOffDatastore = Pick<Datastore, 'get' | 'has' | 'put'>

/**
 * Store what is remembered of addresses that failed. One record: the addresses
 * are of interest for minutes, so they are written when the node stops and read
 * when it starts.
 */
export async function saveBackOff (datastore: BackOffDatastore, entries: BackOffEntry[]): Promise<void> {
  // JSON has no `Infinity`
  const storable = (time: number): number => Math.min(time, Number.MAX_SAFE_INTEGER)
  const text = JSON.stringify(entries.slice(-BACK_OFF_MAX_STORED).map(entry => ({ ...entry, until: storable(entry.until), expires: storable(entry.expires) })))

  await datastore.put(BACK_OFF_KEY, new TextEncoder().encode(text))
}

/**
 * Read what {@link saveBackOff} stored. What is broken counts as nothing: losing
 * it costs a few dials.
 */
export async function loadBackOff (datastore: BackOffDatastore): Promise<BackOffEntry[]> {
  if (!await datastore.has(BACK_OFF_KEY)) {
    return []
  }

  const bytes = await datastore.get(BACK_OFF_KEY)
  let stored: unknown

  try {
    stored = JSON.parse(new TextDecoder().decode(bytes))
  } catch {
    return []
  }

  return Array.isArray(stored) ? stored.slice(-BACK_OFF_MAX_STORED).filter(isEntry) : []
}

function isEntry (value: unknown): value is BackOffEntry {
  if (typeof value !== 'object' || value == null) {
    return false
  }

  const { peer, address, failures, until, expires }: Partial<Record<keyof BackOffEntry, unknown>> = value

  return [peer, address].every(isText) && [failures, until, expires].every(isCount)
}

function isText (value: unknown): boolean {
  return typeof value === 'string' && value.length <= MAX_TEXT_LENGTH
}

function isCount (value: unknown): boolean {
  return Number.isSafeInteger(value) && Number(value) >= 0
}
