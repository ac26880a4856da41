import { inboundConnection } from './connections.ts'
import { age } from './measure.ts'
import type { Side } from './measure.ts'
import type { Subject } from './subjects.ts'

/**
 * Accepting an inbound connection, and hearing that it was upgraded
 */
export function accept (subject: Subject, batch: number): Side {
  const { manager, name } = subject

  return {
    name,
    round: async () => {
      const incoming = Array.from({ length: batch }, inboundConnection)
      let accepted = 0
      age()
      const start = performance.now()

      for (const maConn of incoming) {
        if (manager.acceptIncomingConnection(maConn)) {
          accepted++
          manager.afterUpgradeInbound()
        }
      }

      const end = performance.now()

      if (accepted !== batch) {
        throw new Error(`${name} refused ${batch - accepted} of ${batch} connections`)
      }

      return (end - start) * 1000 / batch
    }
  }
}
