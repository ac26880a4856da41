import { newConnections } from './connections.ts'
import { age, settled } from './measure.ts'
import type { Side } from './measure.ts'
import type { Subject } from './subjects.ts'

/**
 * Opening one more connection, with everything that its event sets off
 */
export function open (subject: Subject, batch: number): Side {
  const { events, manager, name } = subject

  return {
    name,
    round: async () => {
      const connections = newConnections(subject, batch)
      age()
      const start = performance.now()

      for (const connection of connections) {
        events.safeDispatchEvent('connection:open', { detail: connection })
      }

      await settled()
      const end = performance.now()

      if (connections.some(connection => manager.getConnections(connection.remotePeer).length !== 1)) {
        throw new Error(`${name} does not know of a connection that was opened`)
      }

      await Promise.all(connections.map(async connection => connection.close()))

      return (end - start) * 1000 / batch
    }
  }
}
