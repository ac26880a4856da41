import type { SourceReader } from './source-reader.ts'

/**
 * What a source gave
 */
export interface SourceItem {
  readonly source: string
  readonly item: unknown
}

/**
 * Takes from all sources in turn, one item each, until none has anything for now
 */
export async function * mixFairly (readers: readonly SourceReader[], signal: AbortSignal): AsyncGenerator<SourceItem, void, undefined> {
  let inTurn = [...readers]

  while (inTurn.length > 0) {
    const remaining: SourceReader[] = []

    for (const reader of inTurn) {
      const reading = await reader.read(signal)

      if (signal.aborted) {
        return
      }

      if (reading.state === 'item') {
        remaining.push(reader)

        yield { source: reader.name, item: reading.item }
      }
    }

    inTurn = remaining
  }
}
