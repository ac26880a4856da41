import { inspector } from '../../src/index.ts'
import type { InspectorComponents } from '../../src/index.ts'

/**
 * How often the page is told what has changed, in ms
 */
const INTERVAL = 500

export interface Inspection {
  /**
   * To be added to the services of the node
   */
  readonly services: Record<string, (components: InspectorComponents) => unknown>

  /**
   * Where the page is, once the node is started
   */
  url(): string | undefined

  /**
   * Resolves when somebody presses Ctrl-C
   */
  readonly interrupted: Promise<void>

  /**
   * Aborts then
   */
  readonly signal: AbortSignal
}

/**
 * A page that shows what the node does, until somebody presses Ctrl-C
 */
export function createInspection (): Inspection {
  const create = inspector({ port: 0, interval: INTERVAL })
  const controller = new AbortController()
  let page: ReturnType<typeof create> | undefined

  return {
    services: {
      inspector: components => {
        page = create(components)

        return page
      }
    },
    url: () => page?.url,
    signal: controller.signal,
    interrupted: new Promise(resolve => {
      process.once('SIGINT', () => {
        controller.abort()
        resolve()
      })
    })
  }
}
