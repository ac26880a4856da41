import { entryFields } from '../core/index.ts'
import type { OpenConnectionOptions, ResourceManager } from './resource-manager.ts'
import type { ConnectionScope } from './scope-types.ts'
import type { ConnectionEntry, Undo } from '../core/index.ts'

declare module '../core/connection-entry.ts' {
  interface ConnectionEntry {
    /**
     * What is reserved for it. `undefined` until something is.
     */
    scope: ConnectionScope | undefined
  }
}

entryFields(entry => { entry.scope = undefined })

/**
 * What was reserved stays known, as a connection that is closed has a peer and a realm
 */
const releaseScope: Undo = ({ scope }) => { scope?.release() }

/**
 * Reserves what a connection costs, until its record gives it back
 *
 * @throws {ConnectionLimitError} if there is no place for it
 */
export function reserveConnection (entry: ConnectionEntry, resources: Pick<ResourceManager, 'openConnection'>, options: OpenConnectionOptions): ConnectionScope {
  return holdScope(entry, resources.openConnection(options))
}

/**
 * What was reserved before is the connection's from now on, until its record gives it back
 */
export function holdScope (entry: ConnectionEntry, scope: ConnectionScope): ConnectionScope {
  entry.scope = scope
  entry.undo(releaseScope)

  return scope
}
