import type { StreamMessage } from './event-streams.ts'
import type { InspectorConfig } from './options.ts'
import type { Logger } from '@libp2p/interface'

/**
 * Browsers can not listen: there is no page, and nobody to tell
 */
export class InspectorServer {
  readonly streams = {
    size: 0,
    broadcast: (_messages: readonly StreamMessage[]): void => {}
  }

  readonly #log: Logger

  constructor ({ log }: { log: Logger }, _config: InspectorConfig) {
    this.#log = log
  }

  async start (): Promise<string | undefined> {
    this.#log('the inspector needs Node.js, it does nothing here')

    return undefined
  }

  async stop (): Promise<void> {}
}
